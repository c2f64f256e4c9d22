"""Logistic regression on embeddings, on classes that lie apart."""

import numpy as np
import pytest

from studies.pairs_vs_triplets_report import judge
from studies.probing import Answers, probe


def test_classes_that_lie_apart_are_told_apart_whatever_their_scale():
    random = np.random.default_rng(0)
    labels = np.arange(60) % 3
    points = np.eye(3)[labels] * 1e-4 + random.normal(0, 1e-6, (60, 3))
    answers = probe(points[:40], labels[:40], points[40:], labels[40:])
    assert answers.figures()["accuracy"] == 1
    assert np.trace(answers.confusion()) == 20


def test_scores_are_counted_as_written_down_by_hand():
    scores = np.array([[0.6, 0.3, 0.1], [0.2, 0.5, 0.3], [0.5, 0.4, 0.1], [0.1, 0.2, 0.7]])
    answers = Answers(np.array([0, 2, 1, 2]), scores.astype(np.float32))
    assert answers.top(1) == 0.5
    assert answers.top(2) == 1
    assert answers.confusion() == [[1, 0, 0], [1, 0, 0], [0, 1, 1]]
    told = answers.by_class()
    assert told["precision"] == pytest.approx([0.5, 0, 1])
    assert told["recall"] == pytest.approx([1, 0, 0.5])
    assert told["F1"] == pytest.approx([2 / 3, 0, 2 / 3])


def test_a_claim_is_judged_by_every_seed_of_every_set():
    assert judge([np.array([0.1, 0.2]), np.array([0.1])]) == "holds"
    assert judge([np.array([0.1, 0.2]), np.array([-0.1, -0.2])]) == "does not hold"
    assert judge([np.array([0.1, -0.2])]) == "cannot be told here"
