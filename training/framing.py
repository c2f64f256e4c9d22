"""Framing: from a photo to the crop that is trained on, by what is known of where its face is.

    image + hints (columns of a manifest) -> box | landmarks -> crop, and how it was found

What a manifest says comes before what the detector finds. Where neither helps, the middle of the
photo is taken; callers count how often.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from faces.alignment import align_face, crop_face
from faces.types import Box, DetectedFace, Detector, Image, largest

Alignment: TypeAlias = Literal["box", "landmarks"]
"""What a crop is cut by: upright around the box, or turned and scaled by the five landmarks."""

Points: TypeAlias = npt.NDArray[np.float32]

POINTS = ("le", "re", "no", "ml", "mr")
LANDMARK_COLUMNS = tuple(f"{point}_{axis}" for point in POINTS for axis in "xy")
"""Of a manifest: the five landmarks in pixels of the stored photo, in the order of
`faces.types.Landmarks`."""

BOX_COLUMNS = ("box_x0", "box_y0", "box_x1", "box_y1")
"""Of a prepared manifest: the box that the detector gave, in pixels of the stored crop."""

# Where the eyes' and the mouth's midpoints lie in a box of the frontal cascade, and how far apart
# they are, in shares of its side: medians over 557 faces of train/celeba (docs/training-log.md).
EYES_X, EYES_Y = 0.505, 0.389
EYES_TO_MOUTH = 0.394
EYE_TO_EYE = 0.37


@dataclass(frozen=True, slots=True)
class Framing:
    """How crops are cut.

    Attributes:
        alignment: by the box or by the landmarks.
        margin: added on each side of the box or the template, as a share of its side.
        size_px: side S of the crops.
    """

    alignment: Alignment
    margin: float
    size_px: int


@dataclass(frozen=True, slots=True, eq=False)
class Hints:
    """What is known of the face before anything is detected; None where nothing is.

    Attributes:
        box: as `BOX_COLUMNS`.
        landmarks: float32 (5, 2), as `LANDMARK_COLUMNS`.
    """

    box: Box | None = None
    landmarks: Points | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """Where the face of a photo is, and how that is known.

    Attributes:
        box: in pixels of the photo; it may reach beyond it.
        landmarks: float32 (5, 2) in pixels of the photo, or None.
        how: in words, for reports.
    """

    box: Box
    landmarks: Points | None
    how: str


def read_hints(row: Mapping[str, str]) -> Hints:
    """The hints in a manifest's row."""
    return hints_of(_numbers(row, BOX_COLUMNS), _numbers(row, LANDMARK_COLUMNS))


def hints_of(corners: npt.NDArray[np.float32], points: npt.NDArray[np.float32]) -> Hints:
    """Hints from numbers, not-a-number where one is missing.

    Args:
        corners: float32 (4,), as `BOX_COLUMNS`.
        points: float32 (10,), as `LANDMARK_COLUMNS`.
    """
    box = landmarks = None
    if np.isfinite(corners).all():
        x0, y0, x1, y1 = (round(float(value)) for value in corners)
        box = Box(x0, y0, max(1, x1 - x0), max(1, y1 - y0))
    if np.isfinite(points).all() and np.ptp(points) > 0:
        landmarks = points.reshape(5, 2)
    return Hints(box, landmarks)


def find_face(image: Image, hints: Hints, detector: Detector, alignment: Alignment) -> Face | None:
    """The face of a photo that is taken to show one person; None where none is found.

    The detector is asked only where the hints do not answer what `alignment` needs.
    """
    if hints.landmarks is not None:
        how = "box from landmarks" if alignment == "box" else "aligned by landmarks"
        if hints.box is not None:
            how = "box from the manifest" if alignment == "box" else how
        return Face(hints.box or box_from_landmarks(hints.landmarks), hints.landmarks, how)
    if hints.box is not None and alignment == "box":
        return Face(hints.box, None, "box from the manifest")
    found = largest(detector.detect(image))
    if found is not None and _landmarks_of(found) is not None and alignment == "landmarks":
        return Face(found.box, _landmarks_of(found), "aligned by landmarks from the detector")
    if hints.box is not None:
        return Face(hints.box, None, "no landmarks: box from the manifest")
    if found is None:
        return None
    how = "box from detector" if alignment == "box" else "no landmarks: box from detector"
    return Face(found.box, _landmarks_of(found), how)


def middle_of(image: Image) -> Face:
    """The largest square in the middle of a photo, in place of a face."""
    side = min(image.shape[:2])
    left, top = (image.shape[1] - side) // 2, (image.shape[0] - side) // 2
    return Face(Box(left, top, side, side), None, "box is the middle of the photo")


def cut(image: Image, face: Face, framing: Framing) -> Image:
    """The crop of a face, uint8 (S, S, 3)."""
    if framing.alignment == "landmarks" and face.landmarks is not None:
        return align_face(image, face.landmarks, size_px=framing.size_px, margin=framing.margin)
    return crop_face(image, face.box, margin=framing.margin, size_px=framing.size_px)


def box_from_landmarks(landmarks: Points) -> Box:
    """The box that the frontal cascade would give, from eyes and mouth; landmarks (5, 2).

    The larger of two estimates is taken, since a turned head brings the eyes together and a raised
    one brings eyes and mouth together.
    """
    left_eye, right_eye, _nose, left_mouth, right_mouth = landmarks.astype(np.float64)
    eyes, mouth = (left_eye + right_eye) / 2, (left_mouth + right_mouth) / 2
    apart = float(np.linalg.norm(right_eye - left_eye))
    side = max(apart / EYE_TO_EYE, float(np.linalg.norm(mouth - eyes)) / EYES_TO_MOUTH)
    left, top = eyes - side * np.array([EYES_X, EYES_Y])
    return Box(round(left), round(top), max(1, round(side)), max(1, round(side)))


def _landmarks_of(face: DetectedFace) -> Points | None:
    return None if face.landmarks is None else np.array(face.landmarks, np.float32)


def _numbers(row: Mapping[str, str], columns: tuple[str, ...]) -> npt.NDArray[np.float32]:
    return np.array([number(row.get(column, "")) for column in columns], np.float32)


def number(text: str) -> float:
    """The number in a manifest's cell; not-a-number where it is empty or no number."""
    try:
        return float(text)
    except ValueError:
        return float("nan")
