"""Logistic regression on embeddings: the figure by which the studies judge a network.

embeddings of train and test -> scaled -> logistic regression -> accuracy, top-3, confusion

Unlike training.evaluation.linear_probe it has a test set of its own, and embeddings of any length:
each axis is scaled by the training set first, so that no network is judged by the size of its
numbers.
"""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import precision_recall_fscore_support
from sklearn.preprocessing import StandardScaler

Floats = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]

ITERATIONS = 300


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """What a classifier says of the test set.

    Attributes:
        truth: int64 (N,), class of each.
        scores: (N, C), higher is likelier.
    """

    truth: Labels
    scores: Floats

    def top(self, places: int) -> float:
        """Share whose class is among the likeliest `places`."""
        ranked = np.argsort(-self.scores, axis=1, kind="stable")[:, :places]
        return float((ranked == self.truth[:, None]).any(axis=1).mean())

    def confusion(self) -> list[list[int]]:
        """Pictures by their class (rows) and the class answered (columns)."""
        count = self.scores.shape[1]
        codes = self.truth * count + self.scores.argmax(axis=1)
        table = np.bincount(codes, minlength=count * count).reshape(count, count)
        return [[int(value) for value in row] for row in table]

    def by_class(self) -> dict[str, list[float]]:
        """Precision, recall and F1 of each class; 0 where nothing was answered."""
        found = precision_recall_fscore_support(
            self.truth,
            self.scores.argmax(axis=1),
            labels=np.arange(self.scores.shape[1]),
            zero_division=0.0,
        )
        names = ("precision", "recall", "F1")
        return {
            name: [float(x) for x in values] for name, values in zip(names, found, strict=False)
        }

    def figures(self) -> dict[str, Any]:
        """For JSON."""
        return {"accuracy": self.top(1), "top-3": self.top(3), "confusion": self.confusion()}


def probe(
    train: npt.NDArray[Any], train_labels: Labels, test: npt.NDArray[Any], test_labels: Labels
) -> Answers:
    """Fit on one set, and ask of the other.

    Args:
        train: (N, D).
        train_labels: (N,), each of 0 .. C-1.
        test: (M, D).
        test_labels: (M,).
    """
    scale = StandardScaler().fit(train)
    model = LogisticRegression(max_iter=ITERATIONS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # thousands of pixels take longer
        model.fit(scale.transform(train), train_labels)
    scores = np.zeros((len(test), int(max(train_labels.max(), test_labels.max())) + 1))
    scores[:, model.classes_] = model.predict_proba(scale.transform(test))
    return Answers(test_labels, scores.astype(np.float32))
