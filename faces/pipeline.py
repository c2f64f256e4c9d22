"""The pipeline: the one path from the bytes of a photo to embeddings.

    bytes -> decode -> image -> detect -> faces -> choose -> crop or align -> encode -> embeddings
                                                        `-> context crop, for the store
    context crop -> decode -> landmarks again -> crop or align -> encode -> embeddings

The builder, the service and the evaluation all go through here, so that a face is treated alike
wherever it comes from. Thread-safe as long as its detector and its encoder are.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Literal, Protocol, TypeAlias

import numpy as np

from faces.alignment import (
    as_context,
    context_box,
    context_crop,
    mean_landmarks,
)
from faces.decode import Limits, decode_image
from faces.encoder import LoadedEncoder
from faces.errors import ImageError, NoFace, SeveralFaces
from faces.jpeg import encode_jpeg, is_bare_jpeg
from faces.portraits import Portrait, encoder_crop, portrait
from faces.types import Crops, DetectedFace, Detector, Embeddings, Image, five_points, largest

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


class PipelineObserver(Protocol):
    """Is told what a pipeline does, in the thread that does it."""

    def staged(self, stage: str, took_ms: float) -> None:
        """A step of the work on a photo is done: "decode", "detect" or "embed"."""
        ...

    def looked(self, faces: int) -> None:
        """A photo was searched, and so many faces were found."""
        ...


class Pipeline:
    """Detector and encoder, joined."""

    def __init__(
        self,
        detector: Detector,
        encoder: LoadedEncoder,
        limits: Limits | None = None,
        observer: PipelineObserver | None = None,
    ) -> None:
        """Join them.

        Args:
            detector: finds faces.
            encoder: its card says which crop it is given.
            limits: on the bytes and pixels of a photo; the defaults of `Limits` if None.
            observer: is told what was done and how long it took.
        """
        self.encoder = encoder
        self._observer = observer
        self._detector = detector
        self._limits = limits or Limits()

    def warm_up(self) -> None:
        """Run each stage once in this thread.

        A thread's first detection loads its cascades, and the first run of a graph plans its
        memory; no request shall pay for either.
        """
        self._detector.detect(np.zeros((256, 256, 3), np.uint8))
        size_px = self.encoder.card.input.size_px
        self.encoder.embed(np.zeros((1, size_px, size_px, 3), np.uint8))

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
        image, found = self._find(data, only_largest=which == "largest")
        timing_ms = dict(found.timing_ms)
        chosen = choose(found.faces, which)
        with self._timed(timing_ms, "embed"):
            embeddings = self.encoder.embed(self._crops(image, chosen))
        faces = tuple(
            EmbeddedFace(face, embedding, encode_jpeg(context_crop(image, face.box)))
            for face, embedding in zip(chosen, embeddings, strict=True)
        )
        return EmbeddedPhoto(found.width_px, found.height_px, faces, timing_ms)

    def portrait(self, data: bytes) -> Portrait:
        """The largest face of a photo, as the encoder sees it and as people want to.

        Raises:
            BadImage: the bytes are not a whole image of an accepted format.
            ImageTooLarge: more bytes or pixels than the limits.
            NoFace: no face was found.
        """
        image, found = self._find(data, only_largest=True)
        return portrait(image, choose(found.faces, "largest")[0], self.encoder.card.input)

    def embed_contexts(self, contexts: Sequence[bytes]) -> Embeddings:
        """Embed faces again, from the context crops that the store keeps: float32 (N, D).

        Their landmarks are looked for again, so the encoder need not be the one that they were
        enrolled with.

        Raises:
            BadImage: a context crop is damaged.
        """
        images = [decode_image(data, self._limits) for data in contexts]
        return self.encoder.embed(self._crops_of_contexts(images))

    def embed_crops(self, pictures: Sequence[bytes]) -> list[EmbeddedFace | ImageError]:
        """Embed pictures that are context crops already: twice the face's box, the face upright.

        No face is looked for. A picture that is not square is widened with black; one that the
        store would not keep as it is becomes a JPEG of at most 320 px.

        Returns:
            For each picture its face, or why it cannot be used.
        """
        answers: list[EmbeddedFace | ImageError | None] = []
        images = []
        for data in pictures:
            try:
                images.append(decode_image(data, self._limits))
                answers.append(None)
            except ImageError as error:
                answers.append(error)
        if not images:
            return [answer for answer in answers if answer is not None]
        squares = [as_context(image) for image in images]
        embeddings = iter(self.encoder.embed(self._crops_of_contexts(squares)))
        pairs = iter(zip(images, squares, strict=True))
        return [
            answer or _embedded_crop(data, *next(pairs), next(embeddings))
            for data, answer in zip(pictures, answers, strict=True)
        ]

    def _crops_of_contexts(self, contexts: Sequence[Image]) -> Crops:
        """The encoder's crops (N, S, S, 3) of faces whose context crops are given."""
        boxes = [context_box(context) for context in contexts]
        faces = [DetectedFace(box, 1.0) for box in boxes]
        if (network := self.encoder.landmarks) is not None:
            found = network.locate_each(contexts, [mean_landmarks(box) for box in boxes])
            faces = [
                replace(face, landmarks=five_points(points))
                for face, points in zip(faces, found, strict=True)
            ]
        spec = self.encoder.card.input
        return np.stack(
            [
                encoder_crop(context, face, spec)
                for context, face in zip(contexts, faces, strict=True)
            ]
        )

    def _find(self, data: bytes, *, only_largest: bool = False) -> tuple[Image, FoundPhoto]:
        timing_ms: dict[str, float] = {}
        with self._timed(timing_ms, "decode"):
            image = decode_image(data, self._limits)
        with self._timed(timing_ms, "detect"):
            faces = tuple(self._detector.detect(image, only_largest=only_largest))
        if self._observer is not None:
            self._observer.looked(len(faces))
        height, width = image.shape[:2]
        return image, FoundPhoto(width, height, faces, timing_ms)

    @contextmanager
    def _timed(self, timing_ms: dict[str, float], step: str) -> Iterator[None]:
        """Note how long the block took, in milliseconds, under `step`."""
        start = time.perf_counter()
        yield
        timing_ms[step] = (time.perf_counter() - start) * 1000
        if self._observer is not None:
            self._observer.staged(step, timing_ms[step])

    def _crops(self, image: Image, faces: Sequence[DetectedFace]) -> Crops:
        """The encoder's crops (N, S, S, 3), as its card says."""
        return np.stack([encoder_crop(image, face, self.encoder.card.input) for face in faces])


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


def _embedded_crop(
    data: bytes, image: Image, context: Image, embedding: Embeddings
) -> EmbeddedFace:
    """A picture's face; the bytes are kept as they are, if they are a bare JPEG of its context."""
    kept = data if context is image and is_bare_jpeg(data) else encode_jpeg(context)
    return EmbeddedFace(DetectedFace(context_box(context), 1.0), embedding, kept)
