"""One photo of the plan becomes one crop, or a reason why not.

bytes -> decode -> face -> crop -> flaw, fingerprint -> JPEG + a row of the manifest
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from faces.alignment import to_template
from faces.decode import decode_image
from faces.errors import BadImage, BadSource, ImageTooLarge
from faces.jpeg import encode_jpeg
from faces.similarity import Similarity, moved
from faces.types import Box, Detector
from training.framing import (
    BOX_COLUMNS,
    LANDMARK_COLUMNS,
    Face,
    Framing,
    cut,
    find_face,
    middle_of,
    read_hints,
)
from training.preparation.entries import CARRIED, Reader
from training.preparation.outliers import fingerprint, flaw_of

JPEG_QUALITY = 95
"""The crop is compressed a second time; less would be seen."""

NoFacePolicy: TypeAlias = Literal["drop", "middle"]


@dataclass(frozen=True, slots=True, eq=False)
class Crop:
    """A crop and its row.

    Attributes:
        jpeg: the crop's file.
        row: its columns of the manifest, but for path and shard.
        how: how the face was found.
        prints: uint64 (8,), training.preparation.outliers.fingerprint.
    """

    jpeg: bytes
    row: Mapping[str, str]
    how: str
    prints: np.ndarray[tuple[int], np.dtype[np.uint64]]


@dataclass(frozen=True, slots=True)
class Dropped:
    """Why a photo gave no crop."""

    reason: str


@dataclass(frozen=True, slots=True)
class Cropper:
    """Makes crops; used by many threads at once.

    Attributes:
        reader: reads the photos.
        detector: finds faces where the plan does not say where they are.
        framing: of the crops.
        no_face: whether a photo without a found face is dropped, or its middle taken.
    """

    reader: Reader
    detector: Detector
    framing: Framing
    no_face: NoFacePolicy

    def crop(self, planned: Mapping[str, str]) -> Crop | Dropped:
        """The crop of one row of the plan."""
        try:
            image = decode_image(self.reader.read(planned["name"], planned["shard"]))
        except BadSource:
            return Dropped("the file or shard cannot be read")
        except BadImage:
            return Dropped("no whole image of an accepted format")
        except ImageTooLarge:
            return Dropped("the image is too large")
        face = find_face(image, read_hints(planned), self.detector, self.framing.alignment)
        if face is None:
            if self.no_face == "drop":
                return Dropped("no face was found")
            face = middle_of(image)
        crop = cut(image, face, self.framing)
        row = {column: planned[column] for column in ("identity", "split", *CARRIED)}
        row |= {"source_file": planned["name"], "outlier": flaw_of(crop)}
        row |= _in_crop(face, self.framing)
        return Crop(encode_jpeg(crop, JPEG_QUALITY), row, face.how, fingerprint(crop))


def _in_crop(face: Face, framing: Framing) -> dict[str, str]:
    """Box and landmarks in pixels of the crop, so that it can be framed anew without detection."""
    if framing.alignment == "landmarks" and face.landmarks is not None:
        transform = to_template(face.landmarks, size_px=framing.size_px, margin=framing.margin)
    else:
        transform = _to_crop(face.box, framing)
    columns: dict[str, str] = {}
    if framing.alignment == "box" or face.landmarks is None:  # an upright box does not turn along
        box = face.box
        corners = [(box.left, box.top), (box.left + box.width, box.top + box.height)]
        columns |= _texts(BOX_COLUMNS, np.array(corners, np.float64), transform)
    if face.landmarks is not None:
        columns |= _texts(LANDMARK_COLUMNS, face.landmarks.astype(np.float64), transform)
    return columns


def _to_crop(box: Box, framing: Framing) -> Similarity:
    """From pixels of the photo to pixels of the crop that `faces.alignment.crop_face` cuts."""
    side = max(box.width, box.height) * (1 + 2 * framing.margin)
    scale = framing.size_px / side
    left, top = box.left + box.width / 2 - side / 2, box.top + box.height / 2 - side / 2
    return np.array([[scale, 0, -left * scale], [0, scale, -top * scale]])


def _texts(
    columns: tuple[str, ...],
    points: np.ndarray[tuple[int, int], np.dtype[np.float64]],
    transform: Similarity,
) -> dict[str, str]:
    values = moved(points, transform).ravel()
    return {column: f"{value:.2f}" for column, value in zip(columns, values, strict=True)}
