"""Intervals over people."""

import numpy as np
import pytest

from training.evaluation.people import (
    estimate,
    estimates,
    mean_over_photos,
    mean_per_person,
    pair_weights,
)


def test_the_interval_holds_the_mean_and_grows_with_fewer_people():
    random = np.random.default_rng(0)
    people = np.repeat(np.arange(60) * 3, 8)  # numbers may have gaps
    scores = (random.random(480) < 0.6).astype(float)
    many = mean_over_photos(scores, people)
    few = mean_over_photos(scores[:64], people[:64])
    assert many.value == pytest.approx(scores.mean())
    assert many.low < many.value < many.high
    assert few.width > many.width


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    random = np.random.default_rng(1)
    people = np.repeat(np.arange(40), 5)
    covered = 0
    for seed in range(60):
        luck = random.normal(size=40)[people]  # what photos of one person share
        found = mean_over_photos(luck + 0.3 * random.normal(size=200), people, seed=seed)
        covered += found.low <= 0 <= found.high
    assert covered >= 51  # 57 expected; ignoring people it would be about 40


def test_an_estimate_without_evidence_is_no_number():
    nothing = estimate(lambda _drawn: float("nan"), 5)
    assert nothing.as_dict() == {"value": None, "interval": [None, None]}
    one, other = estimates(lambda drawn: np.array([drawn.sum(), np.nan]), 5)
    assert (one.low, one.value, one.high) == (5, 5, 5)
    assert np.isnan(other.value)


def test_people_count_equally_whatever_their_photos():
    scores, people = np.array([1.0, 1, 1, 0]), np.array([7, 7, 7, 2])
    assert mean_per_person(scores, people).tolist() == [0, 1]


def test_a_pair_counts_as_often_as_both_people_were_drawn():
    drawn = np.array([0.0, 2.0, 3.0])
    first, second = np.array([1, 1, 0, 2]), np.array([2, 1, 1, 2])
    assert pair_weights(drawn, first, second).tolist() == [6, 2, 0, 3]
