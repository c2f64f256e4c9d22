"""Verification: do two photos show one person? Asked of a list of pairs.

    similarities of pairs -> accuracy over 10 folds, AUC, EER, with intervals over people

The threshold that a fold is judged by is chosen on the pairs of the other folds that share nobody
with it, so that no person is judged by a threshold that their own photos helped to choose.
"""

from typing import Any

import numpy as np

from faces.types import Embeddings
from training.evaluation.pairs import Pairs
from training.evaluation.people import Bools, Floats, Ints, estimates, pair_weights


def similarities(embeddings: Embeddings, first: Ints, second: Ints) -> Floats:
    """Cosines of pairs of rows, (M,)."""
    cosines: Floats = np.einsum("md,md->m", embeddings[first], embeddings[second]).astype(float)
    return cosines


def verify(similarity: Floats, pairs: Pairs, people: Ints) -> dict[str, Any]:
    """Figures of a list of pairs.

    Args:
        similarity: (M,), of the pairs.
        pairs: the pairs.
        people: (N,), index of the person on each photo.
    """
    first, second = people[pairs.first], people[pairs.second]
    right, thresholds = judge_by_folds(similarity, pairs.same, pairs.fold, (first, second))
    ranked = np.unique(-similarity, return_inverse=True)[1]

    def figures(drawn: Floats) -> Floats:
        weights = pair_weights(drawn, first, second)
        false, true = roc(ranked, pairs.same, weights)
        accuracy = (weights @ right) / weights.sum()
        return np.array([accuracy, area_under(false, true), equal_error_rate(false, true)])

    accuracy, area, error = estimates(figures, int(people.max()) + 1)
    folds = [float(right[pairs.fold == fold].mean()) for fold in np.unique(pairs.fold)]
    return {
        "pairs of one person": int(pairs.same.sum()),
        "pairs of two people": int((~pairs.same).sum()),
        "pairs left out": pairs.left_out,
        "accuracy": accuracy.as_dict(),
        "accuracy of each fold": folds,
        "thresholds": [float(np.min(thresholds)), float(np.max(thresholds))],
        "AUC": area.as_dict(),
        "EER": error.as_dict(),
    }


def judge_by_folds(
    similarity: Floats, same: Bools, fold: Ints, people: tuple[Ints, Ints]
) -> tuple[Bools, Floats]:
    """Judge each fold's pairs by the threshold that is best on the others'.

    Args:
        similarity: (M,).
        same: (M,).
        fold: (M,).
        people: person of each pair's first and second photo; pairs that share a person with the
            fold do not help to choose its threshold.

    Returns:
        Whether each pair was judged rightly (M,), and each fold's threshold.
    """
    right = np.zeros(len(same), bool)
    thresholds = []
    for number in np.unique(fold):
        judged = fold == number
        there = np.concatenate([people[0][judged], people[1][judged]])
        others = ~(judged | np.isin(people[0], there) | np.isin(people[1], there))
        threshold = best_threshold(similarity[others], same[others])
        right[judged] = (similarity[judged] >= threshold) == same[judged]
        thresholds.append(threshold)
    return right, np.array(thresholds)


def best_threshold(similarity: Floats, same: Bools) -> float:
    """The similarity from which on "one person" is the answer that is right most often.

    Of equally good thresholds the middle one is taken; it lies between two similarities.
    """
    order = np.argsort(-similarity, kind="stable")
    ranked, right = similarity[order], same[order]
    # How many are right when the first n are called one person, for n = 0 .. M.
    correct = np.concatenate([[0], np.cumsum(right)]) + np.concatenate(
        [np.cumsum(~right[::-1])[::-1], [0]]
    )
    edges = np.concatenate([[np.inf], ranked, [-np.inf]])
    possible = edges[:-1] > edges[1:]  # equal similarities cannot be told apart
    best = np.flatnonzero(possible & (correct == correct[possible].max()))
    cut = best[len(best) // 2]
    between = np.clip(edges[cut : cut + 2], -1.0 - 1e-6, 1.0 + 1e-6)
    return float(between.mean())


def roc(ranked: Ints, same: Bools, weights: Floats) -> tuple[Floats, Floats]:
    """The receiver operating characteristic, from (0, 0) to (1, 1).

    Args:
        ranked: (M,), rank of each pair by falling similarity; equal ones share a rank.
        same: (M,).
        weights: (M,), how often each pair counts.

    Returns:
        Shares of pairs of two people, and of one, that are accepted at each threshold.
    """
    curves = []
    for kind in (~same, same):
        counted = np.bincount(ranked, weights=np.where(kind, weights, 0.0))
        accepted = np.concatenate([[0.0], np.cumsum(counted)])
        curves.append(accepted / accepted[-1] if accepted[-1] else accepted * np.nan)
    return curves[0], curves[1]


def area_under(false: Floats, true: Floats) -> float:
    """AUC: the chance that a pair of one person is more alike than a pair of two.

    Ties count half (Hanley and McNeil 1982).
    """
    return float(np.trapezoid(true, false))


def equal_error_rate(false: Floats, true: Floats) -> float:
    """EER: where as many pairs of two people are accepted as pairs of one are rejected."""
    gap = false - (1 - true)
    after = int(np.argmax(gap >= 0))
    if not gap[after] >= 0 or after == 0:  # NaN: a draw without one of the kinds
        return float("nan")
    step = gap[after] - gap[after - 1]
    part = -gap[after - 1] / step
    return float(false[after - 1] + part * (false[after] - false[after - 1]))
