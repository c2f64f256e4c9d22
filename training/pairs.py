"""Pairs: which photos an epoch shows, and which photo stands beside each as its positive.

people (N,) -> epoch_pairs -> anchors (M,), partners (M,)
"""

import numpy as np
import numpy.typing as npt

from training.data import UNLABELLED
from training.objectives import Objective

Indices = npt.NDArray[np.int64]


def epoch_pairs(
    people: Indices, objective: type[Objective], max_per_person: int, seed: tuple[int, int]
) -> tuple[Indices, Indices]:
    """The pairs of one epoch in random order.

    Each photo is an anchor once. An objective that uses labels sees of a person with more than
    `max_per_person` photos only so many, drawn at random; one that needs them sees no unnamed
    photos. An anchor's partner is itself (two views of one photo), or, where the objective asks for
    it, another photo of the same person if there is one.

    Args:
        people: int64 (N,), -1 where nobody is named.
        objective: what it wants decides all this.
        max_per_person: cap on the anchors of one named person.
        seed: the run's seed and the epoch; equal seeds give equal pairs.

    Returns:
        anchors and partners, int64 (M,) each: indices of photos.
    """
    if not objective.uses_labels:
        people = np.full_like(people, UNLABELLED)
    random = np.random.default_rng(seed)
    order = random.permutation(len(people))
    by_person = order[np.argsort(people[order], kind="stable")]
    sorted_people = people[by_person]
    first = np.searchsorted(sorted_people, sorted_people)  # where each photo's person begins
    rank = np.arange(len(people)) - first
    named = sorted_people != UNLABELLED
    few = rank < max_per_person
    kept = few & named if objective.needs_labels else few | ~named
    partners = by_person.copy()
    if objective.partner == "person":
        count = np.searchsorted(sorted_people, sorted_people, side="right") - first
        step = random.integers(1, np.maximum(count, 2))  # 1 .. count-1: never the anchor itself
        others = by_person[first + (rank + step) % count]
        partners = np.where(named & (count > 1), others, by_person)
    shuffled = random.permutation(np.flatnonzero(kept))
    return by_person[shuffled], partners[shuffled]
