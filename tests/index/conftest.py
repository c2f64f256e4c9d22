"""Fixtures of the index: galleries of made-up vectors; no detection, hardly any pixels."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

from faces.card import Card, InputSpec
from faces.jpeg import encode_jpeg
from faces.types import Box
from index.gallery import Gallery
from index.records import NewFace

DIMENSION = 16


def make_card(name: str = "first", dimension: int = DIMENSION) -> Card:
    """The card of an encoder that need not exist."""
    return Card(
        name=name,
        version="1",
        created="2026-01-01T00:00:00Z",
        input=InputSpec(size_px=64, mean=(0.5,) * 3, std=(0.5,) * 3, crop_margin=0.1),
        dimension=dimension,
        sha256={"encoder.onnx": hashlib.sha256(name.encode()).hexdigest()},
    )


def unit(seed: int, dimension: int = DIMENSION) -> np.ndarray:
    """A vector of unit length that follows from its seed."""
    vector = np.random.default_rng(seed).standard_normal(dimension).astype(np.float32)
    return vector / np.linalg.norm(vector)


def make_new_face(person: str, seed: int, **changes: object) -> NewFace:
    """A face whose photo, vector and crop follow from `seed`."""
    grey = np.full((64, 64, 3), seed % 256, np.uint8)
    values = {
        "person": person,
        "source_name": f"{seed}.jpg",
        "photo_sha256": hashlib.sha256(str(seed).encode()).hexdigest(),
        "box": Box(seed, 2, 30, 32),
        "confidence": 0.75,
        "embedding": unit(seed),
        "context": encode_jpeg(grey),
    }
    return NewFace(**{**values, **changes})


@pytest.fixture
def card() -> Card:
    return make_card()


@pytest.fixture
def other_card() -> Card:
    return make_card("second")


@pytest.fixture
def new_face() -> Callable[..., NewFace]:
    return make_new_face


@pytest.fixture
def open_gallery(tmp_path: Path, card: Card) -> Iterator[Callable[..., Gallery]]:
    """Opens galleries of one data folder, and closes those that are open after the test."""
    with ExitStack() as stack:

        def open_one(**options: object) -> Gallery:
            folder = options.pop("data", tmp_path / "data")
            gallery = Gallery.open(folder, **{"encoder": card, **options})
            stack.callback(gallery.close)
            return gallery

        yield open_one


@pytest.fixture
def gallery(open_gallery: Callable[..., Gallery]) -> Gallery:
    return open_gallery()
