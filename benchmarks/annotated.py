"""Annotated photos for the benchmarks: image, the face's box and its five landmarks.

The annotations come from the manifest of a faces folder. They are MTCNN's, not ground truth.
"""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from faces.decode import decode_image
from faces.sources import Photo, open_source
from faces.types import Box, Image

LANDMARKS = ("le", "re", "no", "ml", "mr")


@dataclass(frozen=True, slots=True)
class Annotated:
    """One photo and the face that it was chosen for.

    Attributes:
        name: path within its set.
        person: who it is.
        image: uint8 RGB (H, W, 3).
        box: (4,) left, top, width and height of MTCNN's box.
        landmarks: (5, 2) x and y of the eyes, the nose and the mouth's corners.
        row: its line of the manifest.
    """

    name: str
    person: str
    image: Image
    box: npt.NDArray[np.float64]
    landmarks: npt.NDArray[np.float64]
    row: Mapping[str, str]


def annotated(
    folder: Path, *, split: str | None = None, sample: int | None = None, seed: int = 0
) -> Iterator[Annotated]:
    """The annotated photos of a set, without near-repeats; of `sample`, that many at random."""
    photos = [photo for photo in open_source(folder) if _usable(photo, split)]
    if sample is not None and sample < len(photos):
        photos = random.Random(seed).sample(photos, sample)
    for photo in photos:
        row = photo.row
        corners = np.array([float(row[f"face_{side}"]) for side in ("x0", "y0", "x1", "y1")])
        points = np.array([[float(row[f"{part}_{axis}"]) for axis in "xy"] for part in LANDMARKS])
        yield Annotated(
            name=photo.name,
            person=photo.person or "",
            image=decode_image(photo.read()),
            box=np.concatenate([corners[:2], corners[2:] - corners[:2]]),
            landmarks=points,
            row=row,
        )


def iou(box: Box, other: npt.NDArray[np.float64]) -> float:
    """Intersection over union of a detected box and an annotated one."""
    left, top, width, height = other
    shared_width = min(box.left + box.width, left + width) - max(box.left, left)
    shared_height = min(box.top + box.height, top + height) - max(box.top, top)
    shared = max(0.0, shared_width) * max(0.0, shared_height)
    return float(shared / (box.area + width * height - shared))


def _usable(photo: Photo, split: str | None) -> bool:
    row = photo.row
    annotated_face = bool(row.get("face_x0"))
    right_split = split is None or row.get("split") == split
    return annotated_face and right_split and not row.get("near_dup_of")
