"""kNN accuracy, alignment and uniformity against slow loops."""

from collections import Counter

import numpy as np
import pytest

from training.evaluation import neighbours
from training.evaluation.neighbours import alignment, knn_accuracy, uniformity


def unit(vectors: np.ndarray) -> np.ndarray:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture
def some() -> tuple[np.ndarray, np.ndarray]:
    """60 embeddings of 8 people, one of them with one photo, and 5 unnamed photos."""
    random = np.random.default_rng(0)
    people = np.concatenate([np.repeat(np.arange(7), 8), [9], np.full(5, -1)])
    return unit(random.normal(size=(len(people), 5)) + random.normal(size=(11, 5))[people]), people


@pytest.mark.parametrize("k", [1, 3, 5, 500])
def test_knn_accuracy_agrees_with_a_slow_election(some, k, monkeypatch):
    monkeypatch.setattr(neighbours, "ROWS_TOGETHER", 7)
    embeddings, people = some
    right = []
    for probe in range(len(people)):
        if people[probe] == -1 or (people == people[probe]).sum() == 1:
            continue
        others = [o for o in range(len(people)) if o != probe and people[o] != -1]
        others.sort(key=lambda other: -float(embeddings[probe] @ embeddings[other]))
        votes = Counter(people[other] for other in others[:k])
        nearness = {
            person: sum(
                embeddings[probe] @ embeddings[o] for o in others[:k] if people[o] == person
            )
            for person in votes
        }
        right.append(max(votes, key=lambda p: (votes[p], nearness[p])) == people[probe])
    assert knn_accuracy(embeddings, people, k=k) == pytest.approx(np.mean(right))


def test_knn_accuracy_without_two_photos_of_anybody_is_no_number(some):
    embeddings, _ = some
    assert np.isnan(knn_accuracy(embeddings[:3], np.array([0, 1, -1])))
    assert np.isnan(knn_accuracy(embeddings[:2], np.array([-1, -1])))


def test_alignment_is_the_mean_squared_distance_of_pairs(some):
    first, second = some[0][:20], some[0][20:40]
    slow = np.mean([np.linalg.norm(a - b) ** 2 for a, b in zip(first, second, strict=True)])
    assert alignment(first, second) == pytest.approx(slow, rel=1e-5)
    assert alignment(first, first) == 0


def test_uniformity_is_the_log_of_the_mean_gaussian_potential(some, monkeypatch):
    monkeypatch.setattr(neighbours, "ROWS_TOGETHER", 9)
    embeddings, _ = some
    potentials = [
        np.exp(-2 * np.linalg.norm(embeddings[i] - embeddings[j]) ** 2)
        for i in range(len(embeddings))
        for j in range(i)
    ]
    assert uniformity(embeddings) == pytest.approx(np.log(np.mean(potentials)), rel=1e-5)
    assert uniformity(np.repeat(embeddings[:1], 4, axis=0)) == pytest.approx(0, abs=1e-6)
