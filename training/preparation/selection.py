"""Selection: which photos are taken, and into which split each goes.

    person and given split of every photo -> choose -> "train" | "val" | "test" | why it is dropped

Works on columns, since there may be a million photos. Photos of nobody in particular always go into
training: nothing can be judged by them.
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from training.errors import BadConfig
from training.preparation.entries import SplitPolicy
from training.splits import in_random_order

Codes: TypeAlias = npt.NDArray[np.int64]
Choice: TypeAlias = npt.NDArray[np.int8]

UNNAMED, LEFT_OUT = -1, -2
"""In the column of people: nobody is named; the reader left the photo out."""

NOT_GIVEN, TRAIN, VAL, TEST, TOO_FEW, SURPLUS = range(-1, 5)
OUTCOMES = ("train", "val", "test", "too few photos of the person", "more photos than asked for")


@dataclass(frozen=True, slots=True)
class Selection:
    """What is asked for.

    Attributes:
        split: by which policy photos are divided.
        shares: of train, val and test, for the policies "people" and "photos".
        min_images: people with fewer photos are left out.
        train_images: of each person, for the policy "sample".
        test_images: of each person, for the policy "sample".
        min_px: photos with a shorter side are left out before anything is counted.
        seed: of the choice of people and photos.
    """

    split: SplitPolicy
    shares: tuple[float, float, float] = (0.8, 0.1, 0.1)
    min_images: int = 1
    train_images: int = 50
    test_images: int = 10
    min_px: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse values out of range, naming key and value."""
        for key, sound in {
            "shares": min(self.shares) >= 0 and abs(sum(self.shares) - 1) < 1e-6 and self.shares[0],
            "min_images": self.min_images >= 1,
            "train_images": self.train_images >= 1,
            "test_images": self.test_images >= 0,
            "min_px": self.min_px >= 0,
        }.items():
            if not sound:
                raise BadConfig(f"{key} = {getattr(self, key)!r} is out of range")


def choose(people: Codes, names: tuple[str, ...], given: Choice, selection: Selection) -> Choice:
    """The outcome of every photo.

    Args:
        people: int64 (N,), index into `names`, or `UNNAMED`, or `LEFT_OUT`.
        names: of the people.
        given: int8 (N,), the set's own split, or `NOT_GIVEN`.
        selection: what is asked for.

    Returns:
        int8 (N,), index into `OUTCOMES`; for rows that are `LEFT_OUT` it means nothing.
    """
    named = people >= 0
    counts = np.bincount(people[named], minlength=len(names))
    outcome = np.where(given == NOT_GIVEN, TRAIN, given).astype(np.int8)
    if selection.split == "people":
        outcome[named] = _split_people(names, selection)[people[named]]
    elif selection.split != "given":
        rank = _ranks(people, selection.seed)
        cut = _split_photos if selection.split == "photos" else _sample
        outcome[named] = cut(rank[named], counts[people[named]], selection)
    outcome[~named] = TRAIN
    few = counts < selection.min_images
    outcome[named] = np.where(few[people[named]], TOO_FEW, outcome[named])
    return outcome


def _split_people(names: tuple[str, ...], selection: Selection) -> Choice:
    """The split of each person. With three people or more, none with a share is empty."""
    order = {name: place for place, name in enumerate(in_random_order(names, selection.seed))}
    place = np.array([order[name] for name in names], np.int64)
    test, val = (_part(share, len(names)) for share in (selection.shares[2], selection.shares[1]))
    return np.select([place < test, place < test + val], [TEST, VAL], TRAIN).astype(np.int8)


def _part(share: float, total: int) -> int:
    if not share or total < len(OUTCOMES[:3]):
        return 0
    return max(1, round(share * total))


def _split_photos(rank: Codes, count: Codes, selection: Selection) -> Choice:
    """By each photo's random rank among the photos of its person."""
    test, val = (np.rint(selection.shares[part] * count) for part in (TEST, VAL))
    return np.select([rank < test, rank < test + val], [TEST, VAL], TRAIN).astype(np.int8)


def _sample(rank: Codes, _count: Codes, selection: Selection) -> Choice:
    train, test = selection.train_images, selection.test_images
    return np.select([rank < train, rank < train + test], [TRAIN, TEST], SURPLUS).astype(np.int8)


def _ranks(people: Codes, seed: int) -> Codes:
    """Each photo's place in a random order of the photos of its person."""
    order = np.random.default_rng(seed).permutation(len(people))
    by_person = order[np.argsort(people[order], kind="stable")]
    ranked = people[by_person]
    rank = np.empty(len(people), np.int64)
    rank[by_person] = np.arange(len(people)) - np.searchsorted(ranked, ranked)
    return rank
