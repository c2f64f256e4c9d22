"""Calibration: from pairs of held-out people to what a card says of its similarities.

    embeddings + people, of each set --compare_all--> histograms of similarity, one person and two
        -> knots of the false-match rate
        -> logistic and isotonic fit of the likelihood ratio -> the better one on people left aside

`faces.calibration` documents the block and reads it. Pairs of two people are taken within a set
only: sets differ in framing and sharpness, which makes strangers of two sets less alike than those
that a service meets.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from faces.calibration import VERSION
from faces.types import Embeddings
from training.errors import BadTrainingData
from training.evaluation.all_pairs import BINS, compare_all
from training.evaluation.pairs import PAIRS_OF_PERSON, of_one_person
from training.evaluation.people import Floats, Ints
from training.evaluation.verification import similarities

KNOTS_PER_DECADE = 8
FEWEST = 10
"""Pairs that a knot at either end stands for at least (the rule of ten)."""

FOLDS = 5
LEAST_PEOPLE = 2 * FOLDS

EDGES = np.linspace(-1.0, 1.0, BINS + 1)
CENTRES = (EDGES[:-1] + EDGES[1:]) / 2

PROTOCOL = (
    "all pairs of two people within each set of photos; of each person at most "
    f"{PAIRS_OF_PERSON} pairs, drawn at random; the likelihood ratio is fitted by the method that "
    f"had the smaller logarithmic loss over {FOLDS} folds of people"
)


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """A set of photos of people that the encoder was not trained on.

    Attributes:
        name: of the set.
        embeddings: float32 (N, D), unit length.
        people: int64 (N,), index of the person on each.
    """

    name: str
    embeddings: Embeddings
    people: Ints


@dataclass(frozen=True, slots=True, eq=False)
class Tally:
    """Pairs by similarity, in bins 0.0001 wide: of one person, and of two; each (BINS,)."""

    same: Ints
    cross: Ints


@dataclass(frozen=True, slots=True, eq=False)
class Knots:
    """A monotone curve over similarity."""

    similarity: Floats
    value: Floats

    def at(self, similarity: Floats) -> Floats:
        """Values at similarities, constant beyond the ends."""
        return np.interp(similarity, self.similarity, self.value)


Fit = Callable[[Tally], Knots]


def calibrate(sets: Sequence[Labelled], seed: int = 0) -> dict[str, Any]:
    """Make the block `calibration` of a card.

    Args:
        sets: photos of people that the encoder was not trained on.
        seed: of the folds and of the drawn pairs.

    Raises:
        BadTrainingData: there are too few people or pairs, or strangers are as alike as friends.
    """
    people = sum(len(np.unique(labelled.people)) for labelled in sets)
    tally = tally_of(sets, seed)
    if people < LEAST_PEOPLE or tally.same.sum() < 10 * FEWEST or tally.cross.sum() < 100 * FEWEST:
        raise BadTrainingData(
            f"calibration needs {LEAST_PEOPLE} people, {10 * FEWEST} pairs of one person and "
            f"{100 * FEWEST} of two; there are {people}, {tally.same.sum()} and {tally.cross.sum()}"
        )
    rate = false_match_knots(tally.cross)
    losses = held_out_losses(sets, seed)
    method = min(losses, key=lambda name: losses[name]["logarithmic loss"])
    evidence = FITS[method](tally)
    return {
        "version": VERSION,
        "protocol": PROTOCOL,
        "photos": [labelled.name for labelled in sets],
        "people": people,
        "same_person_pairs": int(tally.same.sum()),
        "cross_person_pairs": int(tally.cross.sum()),
        "false_match_rate": _table(rate, "rate"),
        "log_likelihood_ratio": _table(evidence, "value"),
        "method": method,
        "held_out": losses,
    }


def tally_of(sets: Sequence[Labelled], seed: int = 0) -> Tally:
    """Count the pairs of all sets by similarity."""
    same, cross = np.zeros(BINS, np.int64), np.zeros(BINS, np.int64)
    random = np.random.default_rng(seed)
    for labelled in sets:
        cross += compare_all(labelled.embeddings, labelled.people).cross_histogram
        rows = np.arange(len(labelled.people))
        first, second = of_one_person(rows, labelled.people, random)
        similar = similarities(labelled.embeddings, first, second)
        same += np.histogram(np.clip(similar, -1, 1), EDGES)[0]
    return Tally(same, cross)


def false_match_knots(cross: Ints) -> Knots:
    """The share of pairs of two people at least as alike, exact at each knot."""
    reach = np.concatenate([np.cumsum(cross[::-1])[::-1], [0]])  # pairs at or above each edge
    total = int(reach[0])
    decades = np.log10(total / FEWEST)
    wanted = total / 10 ** np.linspace(0, decades, max(2, round(decades * KNOTS_PER_DECADE) + 1))
    # The last edge that so many pairs still reach.
    at = np.unique([int(np.flatnonzero(reach >= count * (1 - 1e-9))[-1]) for count in wanted])
    rates = reach[at] / total
    kept = np.concatenate([[True], np.diff(rates) < 0])
    return Knots(EDGES[at][kept], rates[kept])


def logistic_fit(tally: Tally) -> Knots:
    """The logarithm of the likelihood ratio as a straight line (Platt 1999), kept within evidence.

    Both kinds of pairs weigh the same in all, so that the fitted log-odds are the likelihood ratio.
    """
    features = np.tile(CENTRES, 2)[:, None]
    kinds = np.repeat([1, 0], BINS)
    weights = np.concatenate([tally.same / tally.same.sum(), tally.cross / tally.cross.sum()])
    there = weights > 0
    model = LogisticRegression(C=1e6, max_iter=1000)
    model.fit(features[there], kinds[there], sample_weight=weights[there] * 1000)
    slope, shift = float(model.coef_[0, 0]), float(model.intercept_[0])
    if slope <= 0:
        raise BadTrainingData("strangers are as alike as friends: there is nothing to calibrate")
    ends = np.array(_evidence(tally))
    return Knots(ends, slope * ends + shift)


def isotonic_fit(tally: Tally) -> Knots:
    """The logarithm of the likelihood ratio as rising steps, joined at their middles.

    The steps are the isotonic regression (Zadrozny and Elkan 2002); half a pair of each kind is
    added to each, so that none claims certainty.
    """
    same, cross = tally.same / tally.same.sum(), tally.cross / tally.cross.sum()
    there = same + cross > 0
    share = same[there] / (same + cross)[there]
    fitted = IsotonicRegression().fit_transform(
        CENTRES[there], share, sample_weight=(same + cross)[there]
    )
    step = np.unique(fitted, return_inverse=True)[1]
    friends, strangers = (
        np.bincount(step, weights=counts[there]) for counts in (tally.same, tally.cross)
    )
    middle = np.bincount(step, weights=CENTRES[there] * (same + cross)[there]) / np.bincount(
        step, weights=(same + cross)[there]
    )
    ratio = np.log((friends + 0.5) / (tally.same.sum() + 1)) - np.log(
        (strangers + 0.5) / (tally.cross.sum() + 1)
    )
    if len(middle) < 2:
        raise BadTrainingData("strangers are as alike as friends: there is nothing to calibrate")
    return Knots(middle, np.maximum.accumulate(ratio))


FITS: Mapping[str, Fit] = {"logistic": logistic_fit, "isotonic": isotonic_fit}


def held_out_losses(sets: Sequence[Labelled], seed: int = 0) -> dict[str, dict[str, float]]:
    """How well each method does on people that it has not seen, at a prior of one half.

    Returns:
        Method -> "logarithmic loss", "Brier score" and "calibration error": the mean difference
        between probability and share of one person, over tenths of the probability.
    """
    random = np.random.default_rng(seed)
    folds = [random.permutation(int(item.people.max()) + 1) % FOLDS for item in sets]
    sums = {name: np.zeros(3) for name in FITS}
    for fold in range(FOLDS):
        inside = [fold_of[item.people] == fold for item, fold_of in zip(sets, folds, strict=True)]
        judged = tally_of(_subsets(sets, inside), seed)
        fitted = tally_of(_subsets(sets, [~chosen for chosen in inside]), seed)
        for name, fit in FITS.items():
            sums[name] += _losses(fit(fitted), judged) / FOLDS
    keys = ("logarithmic loss", "Brier score", "calibration error")
    return {name: dict(zip(keys, map(float, values), strict=True)) for name, values in sums.items()}


def _subsets(sets: Sequence[Labelled], chosen: Sequence[Any]) -> list[Labelled]:
    return [
        Labelled(
            item.name, item.embeddings[rows], np.unique(item.people[rows], return_inverse=True)[1]
        )
        for item, rows in zip(sets, chosen, strict=True)
        if rows.any()
    ]


def _losses(knots: Knots, judged: Tally) -> Floats:
    """Logarithmic loss, Brier score and calibration error; both kinds of pairs weigh the same."""
    log_odds = knots.at(CENTRES)
    probability = 1 / (1 + np.exp(-log_odds))
    friends = judged.same / max(1, judged.same.sum()) / 2
    strangers = judged.cross / max(1, judged.cross.sum()) / 2
    logarithmic = friends @ np.logaddexp(0, -log_odds) + strangers @ np.logaddexp(0, log_odds)
    brier = friends @ (1 - probability) ** 2 + strangers @ probability**2
    tenth = np.minimum((probability * 10).astype(int), 9)
    claimed = np.bincount(tenth, weights=(friends + strangers) * probability, minlength=10)
    true = np.bincount(tenth, weights=friends, minlength=10)
    return np.array([logarithmic, brier, np.abs(claimed - true).sum()])


def _evidence(tally: Tally) -> tuple[float, float]:
    """The similarities beyond which fewer than ten friends lie below, or ten strangers above."""
    below = np.cumsum(tally.same)
    above = np.cumsum(tally.cross[::-1])[::-1]
    low = CENTRES[int(np.flatnonzero(below >= FEWEST)[0])]
    high = CENTRES[int(np.flatnonzero(above >= FEWEST)[-1])]
    return (float(low), float(high)) if low < high else (float(high), float(low))


def _table(knots: Knots, key: str) -> dict[str, list[float]]:
    """For JSON, at no more digits than there is evidence for."""
    return {
        "similarity": [round(float(value), 6) for value in knots.similarity],
        key: [float(f"{value:.9g}") for value in knots.value],
    }
