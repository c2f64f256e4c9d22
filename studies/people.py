"""Photos of people for the studies of faces: crops, who is on them, and which photo is for what.

folder -> training.data (crops, cached) -> people with photos enough -> train, val, test
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from faces.detection import HaarDetector
from faces.jpeg import encode_jpeg
from faces.types import DetectedFace, Image
from samples.generator import make_person, render
from training.config import TrainConfig
from training.data import TrainingData, load_training_data
from training.errors import BadTrainingData
from training.network import Network
from training.preparation.selection import NOT_GIVEN, TEST, TRAIN, VAL, Selection, choose
from training.views import plain_views

FEWEST_PEOPLE = 2
TOGETHER = 256
DRAWN_PX = 96

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class People:
    """Photos of people, in three parts.

    Attributes:
        train: to learn from; `people` counts from 0.
        val: to look at while learning.
        test: to judge by.
        photos: of each person, in all parts.
        told: what these data are, in a sentence.
    """

    train: TrainingData
    val: TrainingData
    test: TrainingData
    photos: tuple[int, ...]
    told: str


def load_people(
    config: TrainConfig,
    cache: Path,
    *,
    min_images: int,
    max_images: int = 0,
    cropped: bool = False,
    seed: int = 0,
) -> People:
    """Crop all photos, keep the people with enough of them, and divide each person's 80/10/10.

    Args:
        config: its sources and size decide the crops.
        cache: folder of the cached crops.
        min_images: people with fewer photos are left out.
        max_images: photos of a person that are used, drawn at random; 0: all.
        cropped: photos are cut to a face already: it is their middle, and none is looked for.
        seed: of the division.

    Raises:
        BadTrainingData: fewer than two people are left.
        BadSource: the folder cannot be read.
    """
    data = load_training_data(config, _Nothing() if cropped else HaarDetector(), cache)
    counts = np.bincount(data.people[data.people >= 0], minlength=1)
    kept = np.flatnonzero(counts >= min_images)
    if len(kept) < FEWEST_PEOPLE:
        raise BadTrainingData(
            f"{config.sources[0]}: {len(kept)} people have {min_images} photos or more, of "
            f"{len(counts)}; {FEWEST_PEOPLE} are needed: lower min_images, or name another folder"
        )
    rows = _drawn(data.people, kept, max_images or len(data), seed)
    people = np.searchsorted(kept, data.people[rows])
    names = tuple(data.people_names[number] for number in kept)
    given = np.full(len(rows), NOT_GIVEN, np.int8)
    part = choose(people, names, given, Selection("photos", seed=seed))
    parts = (
        subset(data, rows[part == which], people[part == which]) for which in (TRAIN, VAL, TEST)
    )
    train, val, test = parts
    told = (
        f"{len(rows)} photos of {len(kept)} people with {min_images} photos or more"
        f"{f', {max_images} of each at most' if max_images else ''} "
        f"({len(train)} to train on, {len(val)} to look at, {len(test)} to judge by)"
    )
    photos = np.bincount(people)
    return People(train, val, test, tuple(int(count) for count in photos), told)


def _drawn(people: Rows, kept: Rows, most: int, seed: int) -> Rows:
    """Rows of at most so many photos of each person, in order."""
    random = np.random.default_rng(seed)
    each = [random.permutation(np.flatnonzero(people == person))[:most] for person in kept]
    return np.sort(np.concatenate(each))


class _Nothing:
    """A detector that looks for nothing, so that the middle of a photo is taken."""

    def detect(
        self,
        _image: Image,
        *,
        only_largest: bool = False,  # noqa: ARG002 - the seam has it
    ) -> list[DetectedFace]:
        """No face."""
        return []


def subset(data: TrainingData, rows: Rows, people: Rows) -> TrainingData:
    """Some photos of a set, with other numbers for the people on them."""
    return replace(data, crops=data.crops[rows], people=people, sources=data.sources[rows])


@torch.inference_mode()
def features(network: Network, data: TrainingData, size_px: int) -> npt.NDArray[np.float32]:
    """Features (N, D) of the plain view of each photo."""
    network.eval()
    pieces = [
        network.features(plain_views(_pixels(data, start), size_px))
        for start in range(0, len(data), TOGETHER)
    ]
    return torch.cat(pieces).numpy()


@torch.inference_mode()
def projections(network: Network, data: TrainingData, size_px: int) -> torch.Tensor:
    """What an objective sees of the plain view of each photo (N, P)."""
    network.eval()
    return torch.cat(
        [
            network(plain_views(_pixels(data, start), size_px))
            for start in range(0, len(data), TOGETHER)
        ]
    )


def draw_people(folder: Path, photos: Mapping[str, int]) -> Path:
    """A folder of made-up people: name -> number of photos, drawn by samples/."""
    for seed, (name, count) in enumerate(photos.items()):
        own = folder / name
        own.mkdir(parents=True, exist_ok=True)
        for number in range(count):
            turn = 12.0 * (number % 5 - 2)
            image = render(make_person(seed), yaw_deg=turn, size_px=DRAWN_PX, seed=number)
            (own / f"{number:02d}.jpg").write_bytes(encode_jpeg(image))
    return folder


def _pixels(data: TrainingData, start: int) -> torch.Tensor:
    return torch.from_numpy(data.crops[start : start + TOGETHER]).permute(0, 3, 1, 2)
