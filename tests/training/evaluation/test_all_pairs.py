"""All pairs of a set against a slow count of them."""

import itertools

import numpy as np
import pytest

from training.evaluation import all_pairs
from training.evaluation.all_pairs import (
    RATES,
    all_pairs_figures,
    compare_all,
    cross_pairs_among,
    roc_of_all,
)


@pytest.fixture
def everything(some):
    """Similarity and persons of every pair: one person, two people (most alike first)."""
    embeddings, people = some
    pairs = list(itertools.combinations(range(len(people)), 2))
    same = sorted(float(embeddings[a] @ embeddings[b]) for a, b in pairs if people[a] == people[b])
    cross = [float(embeddings[a] @ embeddings[b]) for a, b in pairs if people[a] != people[b]]
    return same, sorted(cross, reverse=True)


def test_every_pair_is_compared_once(some, everything, monkeypatch):
    monkeypatch.setattr(all_pairs, "ROWS_TOGETHER", 7)
    embeddings, people = some
    same, cross = everything
    found = compare_all(embeddings, people)
    assert np.allclose(np.sort(found.same), same, atol=1e-6)
    assert found.cross_count == len(cross) == found.cross_histogram.sum()
    assert np.allclose(found.top, cross[: len(found.top)], atol=1e-6)
    assert len(found.top) >= int(0.03 * len(cross)) + 20
    for row, other, similarity in zip(*found.top_rows, found.top, strict=True):
        assert people[row] != people[other]
        assert embeddings[row] @ embeddings[other] == pytest.approx(similarity, abs=1e-6)
    for row, other, similarity in zip(*found.same_rows, found.same, strict=True):
        assert people[row] == people[other]
        assert embeddings[row] @ embeddings[other] == pytest.approx(similarity, abs=1e-6)


def test_true_accept_rates_agree_with_a_slow_count(some, everything):
    embeddings, people = some
    same, cross = everything
    figures = all_pairs_figures(compare_all(embeddings, people))
    assert figures["TAR at FAR 0.001"] is None  # one pair of 1,600: no rate to speak of
    assert figures["TAR at FAR 0.0001"] is None
    allowed = int(0.01 * len(cross))
    assert allowed >= 10
    threshold = cross[allowed]
    assert np.mean([c > threshold for c in cross]) <= 0.01
    told = figures["TAR at FAR 0.01"]
    assert told["value"] == pytest.approx(np.mean([s > threshold for s in same]))
    assert told["interval"][0] <= told["value"] <= told["interval"][1]
    wins = np.mean([s > c for s, c in itertools.product(same, cross)])
    assert figures["AUC"] == pytest.approx(wins, abs=1e-3)  # the histogram's bins


def test_a_draw_of_people_counts_pairs_as_a_set_of_copies_would(some, monkeypatch):
    """The interval's draws against sets in which people really occur more than once."""
    monkeypatch.setattr(all_pairs, "RATES", (0.01,))
    embeddings, people = some
    pairs = compare_all(embeddings, people)
    seen = []

    def only_this(statistics, count):
        drawn = np.random.default_rng(5).integers(0, 4, count).astype(float)
        seen.append((drawn, statistics(drawn)[0]))
        return []

    monkeypatch.setattr(all_pairs, "estimates", only_this)
    all_pairs._true_accepts(pairs)
    ((drawn, found),) = seen
    same, cross = [], []
    for a, b in itertools.combinations(range(len(people)), 2):
        one, other = people[a], people[b]
        similarity = float(embeddings[a] @ embeddings[b])
        if one == other:
            same += [similarity] * int(drawn[one])
        else:
            cross += [similarity] * int(drawn[one] * drawn[other])
    assert cross_pairs_among(np.bincount(people) * drawn) == len(cross)
    threshold = sorted(cross, reverse=True)[int(0.01 * len(cross))]
    assert found == pytest.approx(np.mean([s > threshold for s in same]), abs=1e-9)


def test_the_curve_over_all_pairs_rises_from_nobody_to_everybody(some):
    false, true = roc_of_all(compare_all(*some))
    assert (false[0], true[0], false[-1], true[-1]) == (0, 0, 1, 1)
    assert (np.diff(false) >= 0).all()
    assert (np.diff(true) >= 0).all()


def test_a_threshold_lets_at_most_its_rate_pass():
    random = np.random.default_rng(0)
    vectors = random.normal(size=(300, 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    people = np.arange(300) // 2
    pairs = compare_all(vectors, people)
    cross = (vectors @ vectors.T)[np.triu_indices(300, 1)]
    cross = cross[(people[:, None] != people[None, :])[np.triu_indices(300, 1)]]
    for rate in RATES:
        threshold = pairs.threshold(rate)
        if rate * len(cross) < 10:
            assert np.isnan(threshold)
            continue
        passed = (cross > threshold + 1e-7).sum()
        assert passed <= rate * len(cross) < passed + 2
