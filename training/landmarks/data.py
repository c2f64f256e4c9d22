"""Data: squares of faces with their points, and squares of what is no face.

    manifest rows -> photo -> square about the landmarks -> faces uint8 (N, C, C), points (N, 5, 2)
    photos of wide framing -> `negatives` -> others uint8 (M, C, C)

Squares are grey, upright in the face's own sense, and wider than what the network sees, so that
views can be turned, scaled and shifted. They are kept in one .npz file.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from faces.alignment import box_of, to_template
from faces.decode import decode_image
from faces.detection import HaarDetector
from faces.errors import FaceError
from faces.landmarks import grey_of, view
from faces.similarity import Points, moved
from faces.sources import PhotoSource, open_source
from faces.types import Image
from training.errors import BadTrainingData
from training.framing import read_hints
from training.landmarks.config import LandmarkConfig
from training.landmarks.negatives import others_in
from training.landmarks.views import CACHED_MARGIN, CACHED_PX

TRAIN_SPLIT = "train"
VALIDATION_SPLIT = "val"

WIDE_FRAMING = 1.3
"""A photo at least so many times as wide as its face's box has something beside the face."""

Squares = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class LandmarkData:
    """Squares ready to train on.

    Attributes:
        faces: uint8 (N, C, C), grey.
        points: float32 (N, 5, 2), in shares of the square's side.
        sources: int64 (N,), index of the source of each.
        others: uint8 (M, C, C): squares that show no face.
    """

    faces: Squares
    points: npt.NDArray[np.float32]
    sources: npt.NDArray[np.int64]
    others: Squares


def load_landmark_data(
    config: LandmarkConfig,
    cache: Path,
    *,
    split: str = TRAIN_SPLIT,
    progress: Callable[[int], None] = lambda _done: None,
) -> LandmarkData:
    """Cut the squares of all photos, or load those of an earlier call.

    Args:
        config: its sources and seed decide the squares.
        cache: folder for the squares.
        split: rows of another split are left out.
        progress: is told the number of photos done.

    Raises:
        BadTrainingData: no row has landmarks, or nothing that is no face was found.
        BadSource: a folder cannot be read.
    """
    sources = [open_source(Path(path)) for path in config.sources]
    file = cache / f"landmarks-{_key(config, sources, split)}.npz"
    if not file.is_file():
        cache.mkdir(parents=True, exist_ok=True)
        data = _cut_all(config, sources, split, progress)
        partial = file.with_suffix(".partial.npz")
        np.savez(
            partial,
            faces=data.faces,
            points=data.points,
            sources=data.sources,
            others=data.others,
        )
        partial.replace(file)
    with np.load(file) as stored:
        return LandmarkData(**{name: stored[name] for name in stored.files})


def square_about(image: Image, landmarks: npt.ArrayLike) -> tuple[Squares, Points]:
    """The cached square about landmarks (5, 2), and where they are in it, in shares of its side."""
    transform = to_template(landmarks, size_px=CACHED_PX, margin=CACHED_MARGIN)
    square = view(grey_of(image), transform, CACHED_PX)
    return square, moved(np.asarray(landmarks, np.float64), transform) / CACHED_PX


def _cut_all(
    config: LandmarkConfig,
    sources: list[PhotoSource],
    split: str,
    progress: Callable[[int], None],
) -> LandmarkData:
    faces, points, numbers = [], [], []
    others: list[Squares] = []
    random = np.random.default_rng(config.seed)
    detector = HaarDetector()
    for number, image, landmarks in _annotated(sources, split):
        square, places = square_about(image, landmarks)
        faces.append(square)
        points.append(places)
        numbers.append(number)
        if _is_wide(image, landmarks):
            searches = detector if random.random() < config.searched_share else None
            found = others_in(image, landmarks, random, searches)
            others += [square_about(image, guess)[0] for guess in found]
        progress(len(faces))
    if not faces or not others:
        raise BadTrainingData(
            f"{len(faces)} faces with landmarks and {len(others)} squares without a face in "
            f"{config.sources}; both are needed, and the latter come from photos of wide framing"
        )
    return LandmarkData(
        np.stack(faces), np.stack(points).astype(np.float32), np.array(numbers), np.stack(others)
    )


def _annotated(sources: list[PhotoSource], split: str) -> Iterator[tuple[int, Image, Points]]:
    """Source, image and landmarks of every photo that has them; unreadable ones are skipped."""
    for number, source in enumerate(sources):
        for photo in source:
            landmarks = read_hints(photo.row).landmarks
            if landmarks is None or photo.row.get("split", TRAIN_SPLIT) != split:
                continue
            try:
                yield number, decode_image(photo.read()), landmarks.astype(np.float64)
            except FaceError:
                continue


def _is_wide(image: Image, landmarks: Points) -> bool:
    height, width = image.shape[:2]
    box = box_of(landmarks, width=width, height=height)
    return bool(min(width, height) >= WIDE_FRAMING * max(box.width, box.height))


def _key(config: LandmarkConfig, sources: list[PhotoSource], split: str) -> str:
    """A digest of everything that decides the squares."""
    settings = (CACHED_PX, CACHED_MARGIN, config.searched_share, config.seed, split)
    digest = hashlib.sha256(repr(settings).encode())
    for source in sources:
        digest.update(str(source.path.resolve()).encode())
        for photo in source:
            digest.update(f"{photo.name}\n".encode())
    return digest.hexdigest()[:16]
