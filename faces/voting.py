"""Voting: from the windows that cascades accept to faces with a confidence.

    votes -> gather what overlaps -> candidates -> logistic regression -> strongest first,
    what overlaps a stronger one is dropped

The regression is fitted on train/celeba, split=train, and nothing else, by
`python benchmarks/detection_fit.py`, which prints the constants below.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from faces.cascades import Squares, Votes

GATHER_IOU = 0.3
"""Windows belong to one candidate if they overlap its mean box that much."""

GATHER_ROUNDS = 4
"""Of mean shift: the mean box moves to its windows, which then are looked for again."""

DUPLICATE_OVERLAP = 0.3
"""A candidate is dropped if that share of it, or of a stronger one, lies in both. Eyes, chins and
collars that look like small faces go this way; shares of the smaller box, as they lie within."""

WEIGHTS = np.array([-0.741, 0.966, 1.51, 1.156, 0.909, -0.14])
BIAS = -5.623


@dataclass(frozen=True, slots=True)
class Candidate:
    """A box with votes.

    Attributes:
        square: (3,) left, top and side: the mean of its windows.
        counts: (V,) votes of each view.
    """

    square: npt.NDArray[np.float64]
    counts: npt.NDArray[np.intp]


def gather(votes: Votes, views: int) -> list[Candidate]:
    """Gather votes for about the same box into candidates; each vote counts once.

    Args:
        votes: of `views` views.
        views: V, the number of views.
    """
    squares, free = votes.squares, np.ones(len(votes.squares), bool)
    candidates = []
    for seed in range(len(squares)):
        if not free[seed]:
            continue
        mine = _around(squares[seed], squares, free)
        for _ in range(GATHER_ROUNDS):
            moved = _around(squares[mine].mean(axis=0), squares, free)
            if not moved.any() or (moved == mine).all():
                break
            mine = moved
        mine[seed] = True  # so that every round of the outer loop uses up its seed
        free &= ~mine
        counts = np.bincount(votes.views[mine], minlength=views)
        candidates.append(Candidate(squares[mine].mean(axis=0), counts))
    return candidates


def features(counts: npt.NDArray[np.intp]) -> npt.NDArray[np.float64]:
    """What the regression sees of a candidate's votes (V,) of the four views, in their order.

    Log votes of both frontal cascades, of the better profile, of all, and of the frontal cascade
    that gives fewer: collars and necklaces please one of them only. Last, how many views agree.
    """
    frontal, frontal_alt, left, right = counts
    logs = np.log1p(
        [frontal, frontal_alt, max(left, right), counts.sum(), min(frontal, frontal_alt)]
    )
    return np.append(logs, np.count_nonzero(counts))


def confidence(candidate: Candidate) -> float:
    """How probable it is that the candidate is a face, 0 to 1."""
    return float(1 / (1 + np.exp(-(features(candidate.counts) @ WEIGHTS + BIAS))))


def without_duplicates(
    scored: list[tuple[float, Candidate]],
) -> list[tuple[float, Candidate]]:
    """Drop each candidate that overlaps a surer one. Surest first; of equals the larger one."""
    ranked = sorted(scored, key=lambda item: (-item[0], -item[1].square[2], *item[1].square[:2]))
    kept: list[tuple[float, Candidate]] = []
    for score, candidate in ranked:
        stronger = np.array([other.square for _, other in kept]).reshape(-1, 3)
        if not (_overlap(candidate.square, stronger) > DUPLICATE_OVERLAP).any():
            kept.append((score, candidate))
    return kept


def _around(
    square: npt.NDArray[np.float64], squares: Squares, free: npt.NDArray[np.bool_]
) -> npt.NDArray[np.bool_]:
    shared = _intersection(square, squares)
    union = square[2] ** 2 + squares[:, 2] ** 2 - shared
    near: npt.NDArray[np.bool_] = free & (shared > GATHER_IOU * union)
    return near


def _overlap(square: npt.NDArray[np.float64], squares: Squares) -> npt.NDArray[np.float64]:
    """Intersection as a share of the smaller of both boxes."""
    shared = _intersection(square, squares)
    share: npt.NDArray[np.float64] = shared / np.minimum(square[2], squares[:, 2]) ** 2
    return share


def _intersection(square: npt.NDArray[np.float64], squares: Squares) -> npt.NDArray[np.float64]:
    """Area in common with each of `squares`, in square pixels."""
    near = np.maximum(square[:2], squares[:, :2])
    far = np.minimum(square[:2] + square[2], squares[:, :2] + squares[:, 2:])
    shared: npt.NDArray[np.float64] = np.clip(far - near, 0, None).prod(axis=1)
    return shared
