"""The linear probe: can a straight line tell the people apart?

    embeddings of people with several photos -> logistic regression, 5 folds -> top-1/3/5,
    confusion matrix

Every photo is judged once, by a classifier that was fitted without it. It is the closed question
(who of these?), unlike retrieval, and asks what the embeddings hold rather than what cosine finds.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold

from faces.types import Embeddings
from training.evaluation.people import Floats, Ints, mean_over_photos

FOLDS = 5
MOST_PEOPLE = 100
MOST_PHOTOS = 30
PLACES = (1, 3, 5)

INVERSE_REGULARISATION = 30.0
"""C of scikit-learn. Embeddings have unit length, so weights have to grow large to tell them
apart. docs/training.md has the sweep."""


@dataclass(frozen=True, slots=True, eq=False)
class LinearProbe:
    """What the classifiers answered.

    Attributes:
        people: int64 (Q,), the people probed.
        truth: int64 (M,), index into `people` of each photo.
        ranks: int64 (M, Q), indexes into `people`, likeliest first.
    """

    people: Ints
    truth: Ints
    ranks: Ints

    @property
    def confusion(self) -> Ints:
        """Photos by their person (rows) and the person answered (columns), (Q, Q)."""
        count = len(self.people)
        codes = self.truth * count + self.ranks[:, 0]
        counts: Ints = np.bincount(codes, minlength=count * count).reshape(count, count)
        return counts

    def top(self, places: int) -> Floats:
        """1 for each photo whose person is among the likeliest `places`, (M,)."""
        among = (self.ranks[:, :places] == self.truth[:, None]).any(axis=1)
        scores: Floats = among.astype(np.float64)
        return scores


def probe_linearly(embeddings: Embeddings, people: Ints, seed: int = 0) -> LinearProbe | None:
    """Fit and judge.

    Args:
        embeddings: float32 (N, D), unit length.
        people: (N,), index of the person on each.
        seed: of the folds and of which photos are taken where there are too many.

    Returns:
        None where fewer than two people have 5 photos.
    """
    random = np.random.default_rng(seed)
    sizes = np.bincount(people)
    chosen = np.flatnonzero(sizes >= FOLDS)
    if len(chosen) < 2:
        return None
    # Of too many people, those with most photos; of too many photos, some.
    chosen = np.sort(chosen[np.argsort(-sizes[chosen], kind="stable")[:MOST_PEOPLE]])
    rows = np.concatenate(
        [random.permutation(np.flatnonzero(people == person))[:MOST_PHOTOS] for person in chosen]
    )
    features, truth = embeddings[rows], np.searchsorted(chosen, people[rows])
    ranks = np.empty((len(rows), len(chosen)), np.int64)
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    for fitted, judged in folds.split(features, truth):
        model = LogisticRegression(C=INVERSE_REGULARISATION, max_iter=1000)
        model.fit(features[fitted], truth[fitted])
        ranks[judged] = np.argsort(-model.predict_proba(features[judged]), axis=1, kind="stable")
    return LinearProbe(chosen, truth, ranks)


def linear_figures(probe: LinearProbe, names: tuple[str, ...]) -> dict[str, Any]:
    """Top-1, top-3 and top-5 with intervals over people, and who is taken for whom most often."""
    figures: dict[str, Any] = {"people": len(probe.people), "photos": len(probe.truth)}
    for places in PLACES:
        figures[f"top-{places}"] = mean_over_photos(probe.top(places), probe.truth).as_dict()
    confusion = probe.confusion
    wrong = confusion - np.diag(np.diag(confusion))
    worst = np.argsort(-wrong, axis=None, kind="stable")[:10]
    figures["most often confused"] = [
        {
            "person": names[probe.people[row]],
            "taken for": names[probe.people[column]],
            "photos": int(wrong[row, column]),
        }
        for row, column in zip(*np.unravel_index(worst, wrong.shape), strict=True)
        if wrong[row, column]
    ]
    figures["confusion"] = {
        "people": [names[person] for person in probe.people],
        "counts": confusion.tolist(),
    }
    return figures
