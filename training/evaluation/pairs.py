"""Pairs of photos: drawn from the people, or read from a list.

people    -> draw_pairs -.
pairs.csv -> read_pairs --+-> Pairs: rows of both photos, whether one person, which fold
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from training.errors import BadTrainingData
from training.evaluation.people import Bools, Ints

FOLDS = 10
PAIRS_OF_PERSON = 30
"""Drawn pairs of one person at most, so that nobody with hundreds of photos decides the figures."""


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Pairs of photos.

    Attributes:
        first: int64 (M,), row of the first photo of each pair.
        second: int64 (M,), row of the second.
        same: bool (M,), whether both show one person.
        fold: int64 (M,), 0 or more.
        left_out: pairs of the list that could not be used, for want of a photo.
    """

    first: Ints
    second: Ints
    same: Bools
    fold: Ints
    left_out: int = 0

    def __len__(self) -> int:
        return len(self.same)


def draw_pairs(people: Ints, seed: int = 0) -> Pairs:
    """Draw as many pairs of two people as of one, both people of a pair in the same fold.

    Args:
        people: (N,), index of the person on each photo.
        seed: of the draws.

    Raises:
        BadTrainingData: there are fewer than four people, so no two folds of two.
    """
    count = int(people.max()) + 1
    folds = min(FOLDS, count // 2)
    if folds < 2:
        raise BadTrainingData(f"verification needs photos of 4 people or more; there are {count}")
    random = np.random.default_rng(seed)
    fold_of = random.permutation(count) % folds
    pieces: list[tuple[Ints, Ints, bool, int]] = []
    for fold in range(folds):
        rows = np.flatnonzero(fold_of[people] == fold)
        one = of_one_person(rows, people, random)
        two = _of_two_people(rows, people, len(one[0]), random)
        pieces += [(*one, True, fold), (*two, False, fold)]
    return Pairs(
        first=np.concatenate([first for first, _, _, _ in pieces]),
        second=np.concatenate([second for _, second, _, _ in pieces]),
        same=np.concatenate([np.full(len(first), same) for first, _, same, _ in pieces]),
        fold=np.concatenate([np.full(len(first), fold) for first, _, _, fold in pieces]),
    )


def of_one_person(rows: Ints, people: Ints, random: np.random.Generator) -> tuple[Ints, Ints]:
    """Pairs of one person among `rows`: all, or PAIRS_OF_PERSON of each person's.

    Args:
        rows: of photos.
        people: (N,), index of the person on each photo.
        random: draws where there are too many.

    Returns:
        Rows of the first and of the second photo of each pair.
    """
    first, second = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for person in np.unique(people[rows]):
        own = rows[people[rows] == person]
        one, two = np.triu_indices(len(own), 1)
        if len(one) > PAIRS_OF_PERSON:
            chosen = random.choice(len(one), PAIRS_OF_PERSON, replace=False)
            one, two = one[chosen], two[chosen]
        first.append(own[one])
        second.append(own[two])
    return np.concatenate(first), np.concatenate(second)


def read_pairs(path: Path, photos: Sequence[str], people: Ints, seed: int = 0) -> Pairs:
    """Read a list of pairs: columns `path_a`, `path_b`, `same` (0 or 1) and, if given, `fold`.

    Without folds of its own, a pair is in the fold of its first photo's person.

    Args:
        path: of the CSV file.
        photos: the N photos' names.
        people: (N,), index of the person on each.
        seed: of the folds.

    Raises:
        BadTrainingData: the file is missing or malformed, has no pair of these photos, or pairs of
            one kind only.
    """
    row_of = {name: row for row, name in enumerate(photos)}
    fold_of = np.random.default_rng(seed).permutation(int(people.max()) + 1) % FOLDS
    kept: list[tuple[int, int, bool, int]] = []
    left_out = 0
    try:
        with path.open(newline="", encoding="utf-8") as file:
            for line in csv.DictReader(file):
                first, second = row_of.get(line["path_a"]), row_of.get(line["path_b"])
                if first is None or second is None:
                    left_out += 1
                    continue
                fold = int(line["fold"]) if line.get("fold") else int(fold_of[people[first]])
                kept.append((first, second, bool(int(line["same"])), fold))
    except (OSError, KeyError, ValueError) as error:
        raise BadTrainingData(f"{path} is no list of pairs: {error!r}") from error
    if len({same for _, _, same, _ in kept}) < 2:
        raise BadTrainingData(
            f"{path} has no pairs of one person and of two among the photos "
            f"({len(kept)} can be used, {left_out} name a photo that is not there)"
        )
    columns = np.array(kept, np.int64).T
    return Pairs(columns[0], columns[1], columns[2].astype(bool), columns[3], left_out)


def _of_two_people(
    rows: Ints, people: Ints, wanted: int, random: np.random.Generator
) -> tuple[Ints, Ints]:
    """`wanted` different pairs of two people among `rows`, or all where there are fewer."""
    who = people[rows]
    sizes = np.unique(who, return_counts=True)[1]
    there_are = (len(rows) ** 2 - int((sizes**2).sum())) // 2
    if there_are <= 2 * wanted:
        one, two = np.triu_indices(len(rows), 1)
        different = np.flatnonzero(who[one] != who[two])
        chosen = random.permutation(different)[:wanted]
        return rows[one[chosen]], rows[two[chosen]]
    codes = np.empty(0, np.int64)
    while len(codes) < wanted:
        one, two = random.integers(len(rows), size=(2, 2 * wanted))
        different = who[one] != who[two]
        low, high = np.minimum(one, two)[different], np.maximum(one, two)[different]
        codes = np.unique(np.concatenate([codes, low * len(rows) + high]))
    codes = random.permutation(codes)[:wanted]
    return rows[codes // len(rows)], rows[codes % len(rows)]
