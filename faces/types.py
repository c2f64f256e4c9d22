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

Crops: TypeAlias = npt.NDArray[np.uint8]
"""Aligned square face crops, RGB: uint8, shape (N, S, S, 3)."""

Embeddings: TypeAlias = npt.NDArray[np.float32]
"""Embeddings of unit length: float32, shape (N, D)."""


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
class DetectedFace:
    """Where a face is, and how sure the detector is of it (0 to 1)."""

    box: Box
    confidence: float


class Detector(Protocol):
    """Finds faces in an image."""

    def detect(self, image: Image) -> list[DetectedFace]:
        """Faces in `image`, largest first; an empty list when there is none. Thread-safe."""
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


def largest(faces: Sequence[DetectedFace]) -> DetectedFace | None:
    """The face with the largest box (of equals the surest), or None for an empty sequence."""
    return max(faces, key=lambda face: (face.box.area, face.confidence), default=None)
