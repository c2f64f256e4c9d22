"""The pipeline: the one path from the bytes of a photo to embeddings.

    bytes -> decode -> image -> detect -> faces -> choose -> crop -> encode -> embeddings
                                                        `-> context crop, for the store

The builder, the service and the evaluation all go through here, so that a face is treated alike
wherever it comes from. Thread-safe as long as its detector and its encoder are.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from faces.alignment import context_crop, crop_face
from faces.decode import Limits, decode_image
from faces.encoder import OnnxEncoder
from faces.errors import NoFace, SeveralFaces
from faces.jpeg import encode_jpeg
from faces.types import Crops, DetectedFace, Detector, Embeddings, Image, largest

Which: TypeAlias = Literal["largest", "all", "single"]
"""Which faces of a photo count; "single" refuses a photo with more than one."""


@dataclass(frozen=True, slots=True)
class FoundPhoto:
    """A photo and its faces.

    Attributes:
        width_px: of the upright image.
        height_px: of the upright image.
        faces: largest first; empty where there is none.
        timing_ms: step ("decode", "detect") -> milliseconds.
    """

    width_px: int
    height_px: int
    faces: tuple[DetectedFace, ...]
    timing_ms: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class EmbeddedFace:
    """A face and its embedding.

    Attributes:
        face: where it is.
        embedding: float32 (D,), unit length.
        context: the context crop (twice the box) as JPEG, for the store.
    """

    face: DetectedFace
    embedding: Embeddings
    context: bytes


@dataclass(frozen=True, slots=True)
class EmbeddedPhoto:
    """A photo and the embeddings of its chosen faces, largest first; never empty.

    `timing_ms` has the steps "decode", "detect" and "embed".
    """

    width_px: int
    height_px: int
    faces: tuple[EmbeddedFace, ...]
    timing_ms: Mapping[str, float]


class Pipeline:
    """Detector and encoder, joined."""

    def __init__(self, detector: Detector, encoder: OnnxEncoder, limits: Limits | None = None):
        """Join them.

        Args:
            detector: finds faces.
            encoder: its card says which crop it is given.
            limits: on the bytes and pixels of a photo; the defaults of `Limits` if None.
        """
        self.encoder = encoder
        self._detector = detector
        self._limits = limits or Limits()

    def detect(self, data: bytes) -> FoundPhoto:
        """Find the faces of a photo.

        Raises:
            BadImage: the bytes are not a whole image of an accepted format.
            ImageTooLarge: more bytes or pixels than the limits.
        """
        return self._find(data)[1]

    def embed(self, data: bytes, which: Which = "largest") -> EmbeddedPhoto:
        """Embed the chosen faces of a photo.

        Raises:
            BadImage: the bytes are not a whole image of an accepted format.
            ImageTooLarge: more bytes or pixels than the limits.
            NoFace: no face was found.
            SeveralFaces: `which` is "single" and more than one face was found.
        """
        image, found = self._find(data)
        timing_ms = dict(found.timing_ms)
        chosen = choose(found.faces, which)
        with _timed(timing_ms, "embed"):
            embeddings = self.encoder.embed(self._crops(image, chosen))
        faces = tuple(
            EmbeddedFace(face, embedding, encode_jpeg(context_crop(image, face.box)))
            for face, embedding in zip(chosen, embeddings, strict=True)
        )
        return EmbeddedPhoto(found.width_px, found.height_px, faces, timing_ms)

    def _find(self, data: bytes) -> tuple[Image, FoundPhoto]:
        timing_ms: dict[str, float] = {}
        with _timed(timing_ms, "decode"):
            image = decode_image(data, self._limits)
        with _timed(timing_ms, "detect"):
            faces = tuple(self._detector.detect(image))
        height, width = image.shape[:2]
        return image, FoundPhoto(width, height, faces, timing_ms)

    def _crops(self, image: Image, faces: Sequence[DetectedFace]) -> Crops:
        """The encoder's crops (N, S, S, 3), as its card says."""
        spec = self.encoder.card.input
        return np.stack(
            [
                crop_face(image, face.box, margin=spec.crop_margin, size_px=spec.size_px)
                for face in faces
            ]
        )


def choose(faces: Sequence[DetectedFace], which: Which) -> tuple[DetectedFace, ...]:
    """The faces that count, largest first.

    Raises:
        NoFace: there is none.
        SeveralFaces: `which` is "single" and there are more.
    """
    face = largest(faces)
    if face is None:
        raise NoFace("no face was found in the image")
    if which == "single" and len(faces) > 1:
        raise SeveralFaces(f"{len(faces)} faces were found in the image; exactly one is asked for")
    return tuple(faces) if which == "all" else (face,)


@contextmanager
def _timed(timing_ms: dict[str, float], step: str) -> Iterator[None]:
    """Note how long the block took, in milliseconds, under `step`."""
    start = time.perf_counter()
    yield
    timing_ms[step] = (time.perf_counter() - start) * 1000
