"""Portraits: a face as the encoder sees it, and large enough for people to look at.

photo -> decode -> detect -> largest face -> Portrait(face, crop, picture)
context crop of the gallery -> landmarks again -> Portrait
"""

from dataclasses import dataclass, replace

from faces.alignment import align_face, context_box, crop_face, mean_landmarks
from faces.card import InputSpec
from faces.confirmation import as_face
from faces.landmarks import LandmarkNetwork
from faces.types import DetectedFace, Image

PICTURE_PX = 256


@dataclass(frozen=True, slots=True, eq=False)
class Portrait:
    """One face.

    Attributes:
        face: where it is in the photo, or in the context crop.
        crop: uint8 (S, S, 3), as the encoder sees it.
        picture: uint8 (256, 256, 3), the same cut for people.
    """

    face: DetectedFace
    crop: Image
    picture: Image


def encoder_crop(image: Image, face: DetectedFace, spec: InputSpec) -> Image:
    """The crop that an encoder's card asks for: uint8 (S, S, 3).

    A face without landmarks is aligned as if it were the mean face of its box.
    """
    if spec.alignment == "box":
        return crop_face(image, face.box, margin=spec.crop_margin, size_px=spec.size_px)
    landmarks = face.landmarks or mean_landmarks(face.box)
    return align_face(image, landmarks, margin=spec.crop_margin, size_px=spec.size_px)


def portrait(image: Image, face: DetectedFace, spec: InputSpec) -> Portrait:
    """The portrait of a face found in `image` (uint8 RGB)."""
    large = replace(spec, size_px=PICTURE_PX)
    return Portrait(face, encoder_crop(image, face, spec), encoder_crop(image, face, large))


def portrait_of_context(
    context: Image, spec: InputSpec, network: LandmarkNetwork | None
) -> Portrait:
    """The portrait of an enrolled face, of which the gallery keeps the context crop.

    Args:
        context: uint8 (C, C, 3), twice the face's box.
        spec: the crops that the encoder's card asks for.
        network: finds the landmarks again; None where the encoder has none.
    """
    box = context_box(context)
    face = DetectedFace(box, 1.0)
    if network is not None:
        found = network.locate(context, [mean_landmarks(box)], least_score=0)[0]
        face = as_face(context, found)
    return portrait(context, face, spec)
