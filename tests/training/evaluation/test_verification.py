"""Verification: thresholds and curves, each against a slow count."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.evaluation.pairs import draw_pairs
from training.evaluation.verification import (
    area_under,
    best_threshold,
    equal_error_rate,
    judge_by_folds,
    roc,
    similarities,
    verify,
)

similar = st.lists(
    st.tuples(st.integers(-5, 5).map(lambda i: i / 10), st.booleans()), min_size=2, max_size=30
)


@settings(deadline=None)
@given(similar)
def test_no_threshold_is_right_more_often(pairs):
    similarity, same = (np.array(column) for column in zip(*pairs, strict=True))
    same = same.astype(bool)
    found = best_threshold(similarity, same)
    right = ((similarity >= found) == same).sum()
    candidates = [-1, 1, *(np.unique(similarity)), *(np.unique(similarity) + 0.05)]
    assert right == max(((similarity >= t) == same).sum() for t in candidates)
    assert not np.isclose(similarity, found, atol=1e-9).any()


@settings(deadline=None)
@given(similar.filter(lambda pairs: len({same for _, same in pairs}) == 2))
def test_area_and_equal_error_rate_agree_with_counts(pairs):
    similarity, same = (np.array(column) for column in zip(*pairs, strict=True))
    same = same.astype(bool)
    ranked = np.unique(-similarity, return_inverse=True)[1]
    weights = np.random.default_rng(0).integers(1, 4, len(same)).astype(float)
    copies = weights.astype(int)
    for counted, repeat in ((np.ones(len(same)), np.ones(len(same), int)), (weights, copies)):
        friends = np.repeat(similarity[same], repeat[same])
        strangers = np.repeat(similarity[~same], repeat[~same])
        false, true = roc(ranked, same, counted)
        wins = [(f > s) + 0.5 * (f == s) for f, s in itertools.product(friends, strangers)]
        assert area_under(false, true) == pytest.approx(np.mean(wins))
        error = equal_error_rate(false, true)
        for threshold in np.unique(similarity):  # a better point on both sides would refute it
            accepts, misses = (strangers >= threshold).mean(), (friends < threshold).mean()
            assert not (accepts < error - 1e-9 and misses < error - 1e-9)
        assert 0 <= error <= 1


def test_equal_error_rate_is_where_the_errors_meet():
    similarity = np.array([0.9, 0.8, 0.7, 0.4, 0.6, 0.3, 0.2, 0.1])
    same = np.array([True, True, True, True, False, False, False, False])
    ranked = np.unique(-similarity, return_inverse=True)[1]
    assert equal_error_rate(*roc(ranked, same, np.ones(8))) == pytest.approx(0.25)
    kind = np.zeros(8, bool)  # nobody twice
    assert np.isnan(equal_error_rate(*roc(ranked, kind, np.ones(8))))


def test_a_fold_is_judged_by_a_threshold_that_its_people_did_not_choose():
    random = np.random.default_rng(0)
    people = (random.integers(0, 12, 80), random.integers(0, 12, 80))
    same = people[0] == people[1]
    same[:20] = True
    people[1][:20] = people[0][:20]
    similarity = random.normal(size=80) * 0.2 + 0.3 * same
    fold = people[0] % 4
    right, thresholds = judge_by_folds(similarity, same, fold, people)
    for number in range(4):
        there = {*people[0][fold == number], *people[1][fold == number]}
        others = [
            pair
            for pair in range(80)
            if fold[pair] != number and not there & {people[0][pair], people[1][pair]}
        ]
        assert thresholds[number] == best_threshold(similarity[others], same[others])
        for pair in np.flatnonzero(fold == number):
            assert right[pair] == ((similarity[pair] >= thresholds[number]) == same[pair])


def test_figures_of_a_list_of_pairs(some):
    embeddings, people = some
    pairs = draw_pairs(people)
    similarity = similarities(embeddings, pairs.first, pairs.second)
    slow = [
        float(embeddings[a] @ embeddings[b]) for a, b in zip(pairs.first, pairs.second, strict=True)
    ]
    assert np.allclose(similarity, slow, atol=1e-6)
    figures = verify(similarity, pairs, people)
    assert figures["pairs of one person"] + figures["pairs of two people"] == len(pairs)
    right, _ = judge_by_folds(
        similarity, pairs.same, pairs.fold, (people[pairs.first], people[pairs.second])
    )
    assert figures["accuracy"]["value"] == pytest.approx(right.mean())
    assert len(figures["accuracy of each fold"]) == 7
    for name in ("accuracy", "AUC", "EER"):
        low, high = figures[name]["interval"]
        assert low <= figures[name]["value"] <= high
    perfect = verify(pairs.same * 1.0, pairs, people)
    assert perfect["accuracy"]["value"] == perfect["AUC"]["value"] == 1
    assert perfect["EER"]["value"] == 0
