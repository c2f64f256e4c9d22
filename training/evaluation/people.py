"""Intervals over people: photos of one person are no independent evidence.

People are drawn with replacement, each with all of their photos (the cluster bootstrap; Field and
Welsh 2007, "Bootstrapping clustered data", section 3). A pair of two people counts as often as
both were drawn together, the product of their counts (Owen 2007, "The pigeonhole bootstrap",
section 4), which errs on the wide side.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

DRAWS = 400
LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its 95 % interval over people; NaN where there is nothing to tell it from."""

    value: float
    low: float
    high: float

    @property
    def width(self) -> float:
        """How wide the interval is."""
        return self.high - self.low

    def as_dict(self) -> dict[str, Any]:
        """For JSON, which has no NaN."""
        value, low, high = (
            None if np.isnan(number) else float(number)
            for number in (self.value, self.low, self.high)
        )
        return {"value": value, "interval": [low, high]}


def estimates(
    statistics: Callable[[Floats], Floats], people: int, *, draws: int = DRAWS, seed: int = 0
) -> list[Estimate]:
    """Several figures and their intervals, over the same draws.

    Args:
        statistics: the figures (F,), given how often each person counts (people,).
        people: how many there are.
        draws: of all people, with replacement.
        seed: of the draws.
    """
    random = np.random.default_rng(seed)
    drawn = [
        statistics(
            np.bincount(random.integers(people, size=people), minlength=people).astype(float)
        )
        for _ in range(draws)
    ]
    tail = (1 - LEVEL) / 2
    found = []
    for value, column in zip(statistics(np.ones(people)), np.array(drawn).T, strict=True):
        known = column[~np.isnan(column)]
        low, high = np.quantile(known, [tail, 1 - tail]) if len(known) else (np.nan, np.nan)
        found.append(Estimate(float(value), float(low), float(high)))
    return found


def estimate(statistic: Callable[[Floats], float], people: int, *, seed: int = 0) -> Estimate:
    """One figure and its interval; see `estimates`."""
    return estimates(lambda drawn: np.array([statistic(drawn)]), people, seed=seed)[0]


def mean_over_photos(scores: Floats, people: Ints, *, seed: int = 0) -> Estimate:
    """Mean of one score a photo, with its interval over people.

    Args:
        scores: (N,).
        people: (N,), index of the person on each.
        seed: of the draws.
    """
    numbers = np.unique(people, return_inverse=True)[1]
    total, size = np.bincount(numbers, weights=scores), np.bincount(numbers)
    return estimate(
        lambda drawn: share(float(drawn @ total), float(drawn @ size)), len(size), seed=seed
    )


def mean_per_person(scores: Floats, people: Ints) -> Floats:
    """Mean score of each person who has any, (P',)."""
    numbers = np.unique(people, return_inverse=True)[1]
    means: Floats = np.bincount(numbers, weights=scores) / np.bincount(numbers)
    return means


def pair_weights(drawn: Floats, first: Ints, second: Ints) -> Floats:
    """How often each pair counts, given how often each person does.

    Args:
        drawn: (P,).
        first: (M,), person of each pair's first photo.
        second: (M,), person of its second photo. A pair of one person counts as often as the
            person does: photos of two draws of one person are not set against each other.
    """
    return np.where(first == second, drawn[first], drawn[first] * drawn[second])


def share(part: float, whole: float) -> float:
    """`part` of `whole`; NaN of nothing."""
    return float(part / whole) if whole else float("nan")
