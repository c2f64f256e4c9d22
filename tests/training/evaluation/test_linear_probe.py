"""The linear probe: every photo judged once, by a classifier that has not seen it."""

import numpy as np
import pytest

from training.evaluation.linear_probe import LinearProbe, linear_figures, probe_linearly


def clusters(people: int, photos: int, spread: float) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    who = np.repeat(np.arange(people), photos)
    vectors = random.normal(size=(people, 12))[who] + spread * random.normal(size=(len(who), 12))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype("f4"), who


def test_people_far_apart_are_told_apart_and_noise_is_not():
    embeddings, people = clusters(6, 8, 0.1)
    probe = probe_linearly(embeddings, people)
    assert probe.top(1).mean() == 1
    noise = probe_linearly(embeddings, np.random.default_rng(1).permutation(people))
    assert noise.top(1).mean() < 0.45  # 1/6 is chance: nothing has seen its own answer


def test_people_with_few_photos_take_no_part():
    embeddings, people = clusters(4, 6, 0.1)
    people[people == 2] = np.arange(100, 106)
    probe = probe_linearly(embeddings, people)
    assert probe.people.tolist() == [0, 1, 3]
    assert len(probe.truth) == 18
    assert probe_linearly(embeddings[:9], people[:9]) is None


def test_figures_count_what_the_answers_say():
    ranks = np.array([[0, 1, 2], [1, 0, 2], [1, 2, 0], [2, 1, 0], [1, 2, 0]])
    probe = LinearProbe(np.array([4, 5, 6]), np.array([0, 0, 1, 2, 2]), ranks)
    assert probe.confusion.tolist() == [[1, 1, 0], [0, 1, 0], [0, 1, 1]]
    assert probe.top(1).tolist() == [1, 0, 1, 1, 0]
    figures = linear_figures(probe, tuple("abcdefg"))
    assert figures["top-1"]["value"] == pytest.approx(0.6)
    assert figures["top-3"]["value"] == 1
    assert figures["most often confused"] == [
        {"person": "e", "taken for": "f", "photos": 1},
        {"person": "g", "taken for": "f", "photos": 1},
    ]
    assert figures["confusion"]["people"] == ["e", "f", "g"]
