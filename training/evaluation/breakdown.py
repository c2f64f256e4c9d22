"""Breakdown by group: does the encoder work as well for all?

    groups of photos -> hit@1, true and false accepts within each, with intervals over people

Every group is judged by one threshold, that of the whole set, as a service would. A figure whose
interval is too wide says so: no claim is made of it, neither that groups differ nor that they do
not.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from training.evaluation.all_pairs import AllPairs, cross_pairs_among
from training.evaluation.people import (
    Bools,
    Estimate,
    Floats,
    Ints,
    estimate,
    mean_over_photos,
    share,
)
from training.evaluation.retrieval import Retrieval

RATE = 1e-3
"""False accept rate of the whole set whose threshold the groups are judged by."""

FEWEST_PEOPLE = 10
WIDEST = 0.2
"""An interval of a share, such as hit@1, that is wider supports no claim."""

WIDEST_RATIO = 10.0
"""An interval of a false accept rate supports no claim where its ends differ by more than this
factor."""


def breakdown(
    groups: Mapping[str, npt.NDArray[np.str_]], found: Retrieval, pairs: AllPairs
) -> dict[str, Any]:
    """Figures of each group of each kind ("gender", "age group").

    Photos whose group is unknown count to none.

    Args:
        groups: kind -> group of each photo (N,), "" where unknown.
        found: scores of the probes.
        pairs: all pairs of the photos.
    """
    return {
        kind: {
            group: _figures(values == group, found, pairs) for group in np.unique(values) if group
        }
        for kind, values in groups.items()
    }


def _figures(member: Bools, found: Retrieval, pairs: AllPairs) -> dict[str, Any]:
    people = len(np.unique(pairs.people[member]))
    probes = member[found.probes]
    threshold = pairs.threshold(RATE)
    result: dict[str, Any] = {
        "photos": int(member.sum()),
        "people": people,
        "probes": int(probes.sum()),
        "hit@1": None,
        f"TAR at FAR {RATE:g}": None,
        f"FAR at FAR {RATE:g} of all": None,
    }
    if probes.any():
        hits = mean_over_photos(found.hit_at_1[probes], found.people[probes])
        result["hit@1"] = _told(hits, people, wide=hits.width > WIDEST)
    if np.isnan(threshold):
        return result
    own = member[pairs.same_rows].all(axis=0)
    if own.any():
        accepted = (pairs.same[own] > threshold).astype(np.float64)
        true = mean_over_photos(accepted, pairs.people[pairs.same_rows[0][own]])
        result[f"TAR at FAR {RATE:g}"] = _told(true, people, wide=true.width > WIDEST)
    if people > 1:
        false = _false_accepts(member, pairs, threshold)
        wide = not false.low > 0 or false.high / false.low > WIDEST_RATIO
        result[f"FAR at FAR {RATE:g} of all"] = _told(false, people, wide=wide)
    return result


def _false_accepts(member: Bools, pairs: AllPairs, threshold: float) -> Estimate:
    """Share of the pairs of two people of the group that pass the threshold."""
    numbers: Ints = np.unique(pairs.people[member], return_inverse=True)[1]
    number_of = np.full(len(member), -1, np.int64)
    number_of[member] = numbers
    passed = (pairs.top > threshold) & member[pairs.top_rows].all(axis=0)
    first, second = number_of[pairs.top_rows[:, passed]]
    sizes = np.bincount(numbers).astype(np.float64)

    def rate(drawn: Floats) -> float:
        accepted = float((drawn[first] * drawn[second]).sum())
        return share(accepted, cross_pairs_among(sizes * drawn))

    return estimate(rate, len(sizes))


def _told(figure: Estimate, people: int, *, wide: bool) -> dict[str, Any]:
    """A figure, and whether it supports a claim."""
    unknown = bool(np.isnan(figure.width))
    return {**figure.as_dict(), "claim": not (wide or unknown or people < FEWEST_PEOPLE)}
