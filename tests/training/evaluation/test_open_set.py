"""Open-set search against a slow count."""

import numpy as np
import pytest

from training.evaluation.open_set import (
    RATES,
    Searches,
    detection_rates,
    open_set_figures,
    search_division,
)


def test_a_division_enrols_half_the_people_and_half_their_photos(some):
    embeddings, people = some
    found = search_division(embeddings, people, np.random.default_rng(0))
    sizes = np.bincount(people)
    known = set(found.person[~found.stranger])
    strangers = set(found.person[found.stranger])
    assert not known & strangers
    assert len(known) == 6  # of 12 people with two photos or more
    assert all(sizes[person] > 1 for person in known)
    for person in range(14):
        searched = (found.person == person).sum()
        assert searched == sizes[person] - (sizes[person] // 2 if person in known else 0)
    assert not found.right[found.stranger].any()
    assert (np.diff(found.similarity) <= 0).all()


def test_detection_rates_agree_with_a_slow_count():
    random = np.random.default_rng(0)
    person = random.integers(0, 20, 400)
    stranger = person >= 10
    similarity = np.sort(random.normal(size=400).round(1))[::-1]  # with ties
    right = ~stranger & (random.random(400) < 0.7)
    searches = Searches(person, similarity, stranger, right)
    for drawn in (np.ones(20), random.integers(0, 3, 20).astype(float)):
        weights = drawn[person]
        total, enrolled = weights[stranger].sum(), weights[~stranger].sum()
        for rate, found in zip(RATES, detection_rates(searches, drawn), strict=True):
            best = 0.0
            for threshold in np.unique(similarity):
                passed = similarity > threshold
                if weights[stranger & passed].sum() <= rate * total:
                    best = max(best, weights[right & passed].sum() / enrolled)
            assert found == pytest.approx(best)


def test_strangers_that_cannot_be_told_apart_leave_nobody_found():
    four = np.zeros(4)
    stranger = np.array([True, False, False, True])
    searches = Searches(np.array([0, 1, 1, 2]), four, stranger, ~stranger)
    assert detection_rates(searches, np.ones(3)).tolist() == [0, 0]


def test_figures_are_told_only_where_there_are_strangers_enough(some):
    embeddings, people = some
    figures = open_set_figures(embeddings, people)
    assert figures["DIR at FPIR 0.01"] is None
    assert figures["searches of strangers in a division"] < 50
    assert figures["DIR at FPIR 0.1"] is None
    assert open_set_figures(embeddings[:3], np.array([0, 0, 1])) is None
    many = np.repeat(np.eye(60, dtype=np.float32), 4, axis=0)
    perfect = open_set_figures(many, np.repeat(np.arange(60), 4))
    assert perfect["DIR at FPIR 0.1"]["value"] == 1
    again = open_set_figures(many, np.repeat(np.arange(60), 4))
    assert again == perfect
