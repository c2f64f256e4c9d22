"""The vocabulary that every room shares: images, boxes, faces, and the two seams.

Axes: H rows, W columns, C channels (RGB), N faces, D embedding dimension, S crop side in pixels.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

Image: TypeAlias = npt.NDArray[np.uint8]
"""An upright RGB image: uint8, shape (H, W, 3), range 0-255."""

Grey: TypeAlias = npt.NDArray[np.uint8]
"""A grey image: uint8, shape (H, W)."""

Crops: TypeAlias = npt.NDArray[np.uint8]
"""Aligned square face crops, RGB: uint8, shape (N, S, S, 3)."""

Embeddings: TypeAlias = npt.NDArray[np.float32]
"""Embeddings of unit length: float32, shape (N, D)."""


Landmarks: TypeAlias = npt.NDArray[np.float32]
"""Five points of a face, x and y in pixels: float32 (5, 2). Eye on the image's left, eye on its
right, tip of the nose, corner of the mouth on the image's left, corner on its right."""

FivePoints: TypeAlias = tuple[tuple[float, float], ...]
"""`Landmarks` as plain numbers, so that faces can be compared."""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixels of the upright image; it lies within the image."""

    left: int
    top: int
    width: int
    height: int

    @property
    def area(self) -> int:
        """Area in square pixels."""
        return self.width * self.height


@dataclass(frozen=True, slots=True)
class FaceQuality:
    """How good a face is to recognise someone by; each value from 0 (useless) to 1 (good).

    Attributes:
        size: how many pixels it has.
        sharpness: how much detail is in them.
        light: neither too dark nor too bright, and with contrast.
        pose: 1 from the front, 0 in profile.
    """

    size: float
    sharpness: float
    light: float
    pose: float

    @property
    def overall(self) -> float:
        """The worst of them: a chain is as strong as its weakest link."""
        return min(self.size, self.sharpness, self.light, self.pose)


@dataclass(frozen=True, slots=True)
class DetectedFace:
    """A face in an image.

    Attributes:
        box: where it is.
        confidence: how sure the detector is of it, 0 to 1.
        landmarks: its five points; None from a detector that does not find them.
        yaw_deg: how far the head is turned to the image's right; None without landmarks.
        quality: None without landmarks.
    """

    box: Box
    confidence: float
    landmarks: FivePoints | None = None
    yaw_deg: float | None = None
    quality: FaceQuality | None = None


class Detector(Protocol):
    """Finds faces in an image."""

    def detect(self, image: Image, *, only_largest: bool = False) -> list[DetectedFace]:
        """Faces in `image`, largest first; an empty list when there is none. Thread-safe.

        Args:
            image: where to look.
            only_largest: the others are not asked for, and may be left out.
        """
        ...


class Encoder(Protocol):
    """Turns aligned crops into embeddings."""

    @property
    def dimension(self) -> int:
        """D, the length of one embedding."""
        ...

    def embed(self, crops: Crops) -> Embeddings:
        """Embeddings (N, D) of unit length for `crops` (N, S, S, 3). Thread-safe."""
        ...


def five_points(landmarks: npt.ArrayLike) -> FivePoints:
    """Landmarks (5, 2) as plain numbers, to a hundredth of a pixel."""
    return tuple((round(float(x), 2), round(float(y), 2)) for x, y in np.asarray(landmarks))


def largest(faces: Sequence[DetectedFace]) -> DetectedFace | None:
    """The face with the largest box (of equals the surest), or None for an empty sequence."""
    return max(faces, key=lambda face: (face.box.area, face.confidence), default=None)
