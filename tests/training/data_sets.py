"""Small made-up data sets, and a detector that finds what it is told to."""

import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image as PillowImage

from faces.types import DetectedFace

WIDTH, HEIGHT = 60, 90


class FixedDetector:
    """Finds the same faces everywhere."""

    def __init__(self, *faces: DetectedFace) -> None:
        self.faces = list(faces)

    def detect(self, _image: np.ndarray, *, only_largest: bool = False) -> list[DetectedFace]:
        return self.faces


def photo(seed: int, *, width: int = WIDTH, height: int = HEIGHT, plain: bool = False) -> bytes:
    """A PNG of coloured patches, another for each seed; or of one colour."""
    random = np.random.default_rng(seed)
    patches = random.integers(0, 255, (6, 6, 3), dtype=np.uint8)
    if plain:
        patches[:] = 120
    picture = PillowImage.fromarray(patches).resize((width, height), PillowImage.Resampling.BICUBIC)
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def write_people(folder: Path, counts: Mapping[str, int]) -> Path:
    """A folder for each person, with so many photos: 0.png, 1.png, ..."""
    seed = 0
    for name, count in counts.items():
        (folder / name).mkdir(parents=True)
        for number in range(count):
            (folder / name / f"{number}.png").write_bytes(photo(seed))
            seed += 1
    return folder
