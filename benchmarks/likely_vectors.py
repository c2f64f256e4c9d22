"""Vectors that look like ours, as many as asked for: real embeddings, multiplied.

    real faces -> encoders -> embeddings of people -> made-up people -> made-up photos

The shipped encoders give 400 and 128 numbers, and galleries of other encoders have 512, which is
what the benchmarks ask for. So the embeddings of both stand side by side, turned such that the 512
axes along which they differ most come first; the other 16 are left out.

A made-up person stands between two real ones: a random mix of what their mean vectors differ by
from the mean of all. Each made-up photo is the made-up person plus a random mix of what two real
photos deviate by from their persons' means. So people differ from each other, and photos of a
person from each other, about as far as real ones do and in the same directions, and no vector is
a copy. `likeness` tells how near that comes.

Axes: N vectors, D embedding dimension, P people.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from annotated import Annotated, annotated

from encoders import shipped
from faces.alignment import align_face, crop_face
from faces.card import InputSpec
from faces.encoder import OnnxEncoder
from faces.types import Box, Embeddings, Image

ENCODERS = ("simclr-resnet18", "simclr-resnet18-tuned")
"""They are given the same crops."""

DIMENSION = 512
SETS = ("train/celeba", "train/celeba_small")
PHOTOS_PER_PERSON = 8
PHOTOS_OF_A_MEAN = 5
"""The mean of fewer photos is too much like each of them."""

CROPS_TOGETHER = 64
BLOCK = 8192
"""Vectors made at once, so that a million need no memory to speak of."""

People = npt.NDArray[np.int64]


def real_embeddings(faces: Path, cache: Path) -> tuple[Embeddings, People]:
    """Embeddings (N, `DIMENSION`) of the annotated faces, and who each is (N,)."""
    if not cache.exists():
        used = [OnnxEncoder(shipped(name), device="cpu", threads=1) for name in ENCODERS]
        vectors, people = _embedded(faces, used)
        cache.parent.mkdir(parents=True, exist_ok=True)
        np.savez(cache, vectors=_shortened(vectors), people=people)
    with np.load(cache) as saved:
        return saved["vectors"], saved["people"]


class LikelyFaces:
    """Makes people and their photos out of real embeddings. Deterministic by its seed."""

    def __init__(self, vectors: Embeddings, people: People) -> None:
        """Split real embeddings (N, D) into the people's means and what photos deviate by."""
        means, deviations = [], []
        for person in np.unique(people):
            mine = vectors[people == person]
            if len(mine) >= PHOTOS_OF_A_MEAN:
                means.append(mine.mean(axis=0))
                # what photos deviate by from their own mean is short by a factor
                deviations.append((mine - means[-1]) / np.sqrt(1 - 1 / len(mine)))
        self._centre = np.mean(means, axis=0, dtype=np.float32)
        self._means = np.array(means, np.float32) - self._centre
        self._deviations = np.concatenate(deviations).astype(np.float32)

    def gallery(self, count: int, *, seed: int = 0) -> Iterator[Embeddings]:
        """`count` vectors of unit length, float32 (N, D), in blocks."""
        for start in range(0, count, BLOCK):
            size = min(BLOCK, count - start)
            rng = np.random.default_rng([seed, start])
            people = self._people(rng, -(-size // PHOTOS_PER_PERSON))
            rows = np.repeat(people, PHOTOS_PER_PERSON, axis=0)[:size]
            yield self._photos(rng, rows)

    def probes(self, count: int, size: int, *, seed: int = 0) -> Embeddings:
        """New photos of people of a gallery of `size` made with the same seed: (`count`, D)."""
        chooser = np.random.default_rng([seed, 2**40])
        starts = chooser.choice(np.arange(0, size, BLOCK), count)
        people = []
        for start in starts.tolist():
            block = min(BLOCK, size - start)
            rng = np.random.default_rng([seed, start])
            mine = self._people(rng, -(-block // PHOTOS_PER_PERSON))
            people.append(mine[chooser.integers(len(mine))])
        return self._photos(chooser, np.array(people))

    def _people(self, rng: np.random.Generator, count: int) -> Embeddings:
        return self._centre + _mixed(rng, self._means, count)

    def _photos(self, rng: np.random.Generator, people: Embeddings) -> Embeddings:
        photos = people + _mixed(rng, self._deviations, len(people))
        lengths = np.linalg.norm(photos, axis=1, keepdims=True)
        scaled: Embeddings = (photos / lengths).astype(np.float32)
        return scaled


def _mixed(rng: np.random.Generator, vectors: Embeddings, count: int) -> Embeddings:
    """Vectors (`count`, D), each a mix of two of those given and about as long as they are."""
    first, second = rng.integers(len(vectors), size=(2, count))
    turn = rng.uniform(0, np.pi / 2, size=(count, 1)).astype(np.float32)
    mixed: Embeddings = vectors[first] * np.cos(turn) + vectors[second] * np.sin(turn)
    return mixed


def _shortened(vectors: Embeddings) -> Embeddings:
    """The first `DIMENSION` principal axes of vectors, made unit length again."""
    values, axes = np.linalg.eigh(vectors.T @ vectors)
    kept = vectors @ axes[:, np.argsort(-values)[:DIMENSION]]
    unit: Embeddings = (kept / np.linalg.norm(kept, axis=1, keepdims=True)).astype(np.float32)
    return unit


def _embedded(faces: Path, encoders: Sequence[OnnxEncoder]) -> tuple[Embeddings, People]:
    """Embeddings of all encoders side by side, and who each is."""
    spec = encoders[0].card.input
    assert all(encoder.card.input == spec for encoder in encoders)
    numbers: dict[str, int] = defaultdict(lambda: len(numbers))
    crops: list[Image] = []
    vectors, people = [], []

    def embed() -> None:
        together = np.stack(crops)
        vectors.append(np.concatenate([one.embed(together) for one in encoders], axis=1))
        crops.clear()

    for name in SETS:
        for photo in annotated(faces / name):
            crops.append(_crop(photo, spec))
            people.append(numbers[f"{name}/{photo.person}"])
            if len(crops) == CROPS_TOGETHER:
                embed()
    if crops:
        embed()
    return np.concatenate(vectors), np.array(people, np.int64)


def _crop(photo: Annotated, spec: InputSpec) -> Image:
    """What the encoder would be given, by the annotated box and landmarks."""
    size_px, margin = spec.size_px, spec.crop_margin
    if spec.alignment == "landmarks":
        return align_face(photo.image, photo.landmarks, size_px=size_px, margin=margin)
    left, top, width, height = photo.box.round().astype(int).tolist()
    return crop_face(photo.image, Box(left, top, width, height), size_px=size_px, margin=margin)
