"""All pairs of a set of photos: how many strangers pass where how many friends do.

    embeddings + people -> every pair of one person, the histogram of every pair of two people,
                           and the most alike of those -> TAR at a FAR, ROC

False accept rates as small as 1e-4 need every pair of two people; of a few thousand drawn ones no
more than a handful would pass. Pairs are gone through twice in blocks, so the matrix of them is
never held.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from faces.types import Embeddings
from training.evaluation.people import Floats, Ints, estimates, share
from training.evaluation.verification import area_under, similarities

RATES = (1e-2, 1e-3, 1e-4)
"""False accept rates at which the true accept rate is told."""

FEWEST_FALSE_ACCEPTS = 10
"""A rate that fewer pairs than these stand for is not told (the rule of ten)."""

KEPT = 0.03
"""Share of the pairs of two people, the most alike, that are kept: three times the largest of
RATES, since a draw of people may need more of them than the whole set does."""

BINS = 20_000
"""Of the histograms over similarities from -1 to 1: each is 0.0001 wide."""

ROWS_TOGETHER = 512


@dataclass(frozen=True, slots=True, eq=False)
class AllPairs:
    """Every pair of a set.

    Attributes:
        people: int64 (N,), person on each photo.
        same: similarity of each pair of one person (M,).
        same_rows: rows of those pairs, (2, M).
        cross_count: number of pairs of two people.
        cross_histogram: int64 (BINS,), pairs of two people by similarity.
        top: similarity of the most alike pairs of two people, falling (T,).
        top_rows: rows of those pairs, (2, T).
    """

    people: Ints
    same: Floats
    same_rows: Ints
    cross_count: int
    cross_histogram: Ints
    top: npt.NDArray[np.float32]
    top_rows: Ints

    def threshold(self, rate: float) -> float:
        """What a pair must be more similar than, so that at most `rate` of strangers pass.

        NaN where fewer than FEWEST_FALSE_ACCEPTS pairs would stand for the rate.
        """
        allowed = int(np.floor(rate * self.cross_count * (1 + 1e-12)))
        if allowed < FEWEST_FALSE_ACCEPTS or allowed >= len(self.top):
            return float("nan")
        return float(self.top[allowed])


def compare_all(embeddings: Embeddings, people: Ints) -> AllPairs:
    """Compare every photo with every other.

    Args:
        embeddings: float32 (N, D), unit length.
        people: (N,), index of the person on each.
    """
    histogram = np.zeros(BINS, np.int64)
    for _, similarity in _cross_blocks(embeddings, people):
        histogram += np.bincount(_bins(similarity), minlength=BINS)
    count = int(histogram.sum())
    wanted = min(count, int(KEPT * count) + 2 * FEWEST_FALSE_ACCEPTS)
    at_least = np.cumsum(histogram[::-1])[::-1]
    lowest = int(np.flatnonzero(at_least >= wanted)[-1]) if wanted else BINS
    top, rows = [np.empty(0, np.float32)], [np.empty((2, 0), np.int64)]
    for block_rows, similarity in _cross_blocks(embeddings, people):
        kept = _bins(similarity) >= lowest
        top.append(similarity[kept])
        rows.append(block_rows[:, kept])
    together, both = np.concatenate(top), np.concatenate(rows, axis=1)
    order = np.argsort(-together, kind="stable")
    same_rows = _same_person_rows(people)
    return AllPairs(
        people=people,
        same=similarities(embeddings, same_rows[0], same_rows[1]),
        same_rows=same_rows,
        cross_count=count,
        cross_histogram=histogram,
        top=together[order],
        top_rows=both[:, order],
    )


def all_pairs_figures(pairs: AllPairs) -> dict[str, Any]:
    """TAR at each of RATES, with intervals over people, and the AUC over all pairs."""
    figures: dict[str, Any] = {
        "pairs of one person": len(pairs.same),
        "pairs of two people": pairs.cross_count,
    }
    for rate, found in zip(RATES, _true_accepts(pairs), strict=True):
        threshold = pairs.threshold(rate)
        known = not np.isnan(threshold)
        told = {**found.as_dict(), "threshold": threshold} if known else None
        figures[f"TAR at FAR {rate:g}"] = told
    false, true = roc_of_all(pairs)
    figures["AUC"] = area_under(false, true)
    return figures


def roc_of_all(pairs: AllPairs) -> tuple[Floats, Floats]:
    """False and true accept rates at thresholds 0.0001 apart, from (0, 0) to (1, 1)."""
    same = np.bincount(_bins(pairs.same), minlength=BINS)
    false, true = (
        np.concatenate([[0.0], np.cumsum(counts[::-1])]) / max(1, counts.sum())
        for counts in (pairs.cross_histogram, same)
    )
    return false, true


def cross_pairs_among(sizes: Floats) -> float:
    """Number of pairs of two people, given how many photos each has; sizes may be weighted."""
    return float((sizes.sum() ** 2 - (sizes**2).sum()) / 2)


def _true_accepts(pairs: AllPairs) -> list[Any]:
    people = pairs.people
    sizes = np.bincount(people).astype(np.float64)
    first, second = people[pairs.top_rows]
    owner = people[pairs.same_rows[0]]
    order = np.argsort(pairs.same, kind="stable")
    same, owner = pairs.same[order], owner[order]

    def figures(drawn: Floats) -> Floats:
        passed = np.cumsum(drawn[first] * drawn[second])
        friends = np.concatenate([np.cumsum(drawn[owner][::-1])[::-1], [0.0]])
        total = cross_pairs_among(sizes * drawn)
        found = []
        for rate in RATES:
            at = int(np.searchsorted(passed, rate * total * (1 + 1e-12), side="right"))
            if at >= len(passed) or not friends[0]:
                found.append(np.nan)
                continue
            accepted = friends[np.searchsorted(same, pairs.top[at], side="right")]
            found.append(share(accepted, friends[0]))
        return np.array(found)

    return estimates(figures, len(sizes))


def _cross_blocks(
    embeddings: Embeddings, people: Ints
) -> Iterator[tuple[Ints, npt.NDArray[np.float32]]]:
    """Rows (2, B) and similarities (B,) of all pairs of two people, block by block."""
    for start in range(0, len(people), ROWS_TOGETHER):
        rows = np.arange(start, min(start + ROWS_TOGETHER, len(people)))
        similarity = embeddings[rows] @ embeddings[start:].T
        later = np.arange(start, len(people))[None, :] > rows[:, None]
        wanted = np.nonzero(later & (people[rows][:, None] != people[None, start:]))
        yield np.stack([rows[wanted[0]], wanted[1] + start]), similarity[wanted]


def _same_person_rows(people: Ints) -> Ints:
    order = np.argsort(people, kind="stable")
    own = np.split(order, np.cumsum(np.bincount(people))[:-1])
    pairs = [rows[np.stack(np.triu_indices(len(rows), 1))] for rows in own]
    return np.concatenate(pairs, axis=1).astype(np.int64)


def _bins(similarity: npt.NDArray[np.floating[Any]]) -> Ints:
    return np.clip(((similarity + 1) * (BINS / 2)).astype(np.int64), 0, BINS - 1)
