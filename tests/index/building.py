"""A build without pixels, for tests: photos that say what they are, and a pipeline that reads it.

Also a program, so that a test can kill it: `building.py DATA PHOTOS PAUSE_S` builds into DATA and
prints how many photos it has reported as done.
"""

import hashlib
import sys
import time
from pathlib import Path

import numpy as np

from faces.errors import BadImage, BadSource, NoFace
from faces.pipeline import EmbeddedFace, EmbeddedPhoto
from faces.sources import Photo
from faces.types import Box, DetectedFace
from index.build import build
from index.gallery import Gallery
from tests.index.conftest import make_card, unit


class FakePipeline:
    """Embeds bytes by their digest; those that begin with a reason are rejected for it."""

    def __init__(self, pause_s: float = 0.0) -> None:
        self.embedded: list[bytes] = []
        self._pause_s = pause_s

    def embed(self, data, which="largest"):
        time.sleep(self._pause_s)
        self.embedded.append(data)
        if data.startswith(b"no face"):
            raise NoFace("no face was found in the image")
        if data.startswith(b"broken"):
            raise BadImage("the bytes are no image")
        seed = int.from_bytes(hashlib.sha256(data).digest()[:4], "big")
        face = DetectedFace(Box(1, 2, 30, 30), 0.9)
        return EmbeddedPhoto(64, 64, (EmbeddedFace(face, unit(seed), b"context of " + data),), {})


def photo(name: str, person: str | None, content: bytes | None = None) -> Photo:
    """A photo of the given content; of its name, if None; unreadable, if empty."""

    def read(place: str) -> bytes:
        if content == b"":
            raise BadSource(f"{place} cannot be read")
        return name.encode() if content is None else content

    return Photo(name, person, {}, read, name)


def many_photos(count: int) -> list[Photo]:
    return [photo(f"P{number % 10}/{number}.jpg", f"P{number % 10}") for number in range(count)]


def main(data: str, photos: str, pause_s: str) -> None:
    with Gallery.open(Path(data), encoder=make_card()) as gallery:
        build(
            gallery,
            FakePipeline(float(pause_s)),
            many_photos(int(photos)),
            progress=lambda done: print(done, flush=True),
            workers=2,
        )


if __name__ == "__main__":
    np.seterr(all="raise")
    main(*sys.argv[1:])
