"""Retrieval figures against a slow count."""

import numpy as np
import pytest

from training.evaluation import retrieval
from training.evaluation.retrieval import retrieval_figures, retrieve


def test_scores_agree_with_a_slow_count(some, monkeypatch):
    monkeypatch.setattr(retrieval, "ROWS_TOGETHER", 11)
    embeddings, people = some
    found = retrieve(embeddings, people)
    probes = [row for row in range(len(people)) if (people == people[row]).sum() > 1]
    assert found.probes.tolist() == probes
    for place, probe in enumerate(probes):
        others = [other for other in range(len(people)) if other != probe]
        others.sort(key=lambda other: -float(embeddings[probe] @ embeddings[other]))
        right = [bool(people[other] == people[probe]) for other in others]
        there = sum(right)
        precision = [sum(right[: i + 1]) / (i + 1) for i in range(there)]
        assert found.nearest[place].tolist() == others[:9]
        assert found.hit_at_1[place] == right[0]
        assert found.hit_at_9[place] == any(right[:9])
        assert found.precision_at_9[place] == pytest.approx(sum(right[:9]) / 9)
        assert found.ceiling_at_9[place] == pytest.approx(min(there, 9) / 9)
        expected = sum(p for p, is_right in zip(precision, right, strict=False) if is_right) / there
        assert found.average_precision_at_r[place] == pytest.approx(expected)


def test_figures_are_means_over_photos_and_over_people(some):
    embeddings, people = some
    found = retrieve(embeddings, people)
    fallback = np.zeros(len(people), bool)
    fallback[found.probes[found.hit_at_1 == 1][:3]] = True
    figures = retrieval_figures(found, fallback)
    each = [found.hit_at_1[found.people == person].mean() for person in np.unique(found.people)]
    assert figures["probes"] == len(found.probes)
    assert figures["people"] == len(each) == 12
    assert figures["hit@1"]["value"] == pytest.approx(found.hit_at_1.mean())
    assert figures["hit@1"]["mean over people"] == pytest.approx(np.mean(each))
    low, high = figures["hit@1"]["interval"]
    assert low < figures["hit@1"]["value"] < high
    lost = 3 / len(found.probes)
    assert figures["hit@1 with missed faces as failures"] == pytest.approx(
        found.hit_at_1.mean() - lost
    )


def test_a_set_smaller_than_the_list_is_searched_whole():
    embeddings = np.eye(4, dtype=np.float32)
    embeddings[1, 0] = 1
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    found = retrieve(embeddings, np.array([0, 0, 1, 2]))
    assert found.nearest.shape == (2, 3)
    assert found.hit_at_1.tolist() == [1, 1]
    assert found.average_precision_at_r.tolist() == [1, 1]
