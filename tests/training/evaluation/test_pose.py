"""The pose question: answered rightly where the answer is known."""

import numpy as np
import pytest

from training.evaluation.all_pairs import compare_all
from training.evaluation.pairs import draw_pairs
from training.evaluation.pose import (
    explained_figures,
    explained_share,
    neighbour_figures,
    pose_figures,
    turn_figures,
    yaws,
)
from training.evaluation.retrieval import retrieve
from training.evaluation.verification import similarities

HEAD = np.array([(-0.5, 0, 0), (0.5, 0, 0), (0, 0.6, -0.5), (-0.4, 1, -0.1), (0.4, 1, -0.1)])


def turned(yaw_deg: float) -> np.ndarray:
    """Landmarks of a head turned by so much, in pixels."""
    angle = np.radians(yaw_deg)
    x, y, z = HEAD.T
    return np.stack([x * np.cos(angle) - z * np.sin(angle), y], axis=1) * 40 + 100


def unit(vectors: np.ndarray) -> np.ndarray:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture
def heads():
    """120 photos of 30 people, and yaws that have nothing to do with who is on them."""
    random = np.random.default_rng(0)
    people = np.repeat(np.arange(30), 4)
    return random, people, random.uniform(-40, 40, 120)


def by_pose(yaw: np.ndarray) -> np.ndarray:
    """Embeddings that know nothing but the pose."""
    return unit(np.stack([np.cos(np.radians(yaw)), np.sin(np.radians(yaw))], axis=1))


def test_yaw_is_known_where_all_landmarks_are():
    landmarks = np.stack([turned(0), turned(30), turned(-30), turned(0) * np.nan])
    found = yaws(landmarks.astype(np.float32))
    assert np.isnan(found[3])
    assert abs(found[0]) < 3
    assert abs(found[1] + found[2]) < 3
    assert abs(abs(found[1] - found[0]) - 30) < 8


def test_an_embedding_of_pose_alone_is_found_out(heads):
    _, people, yaw = heads
    embeddings = by_pose(yaw)
    pairs = draw_pairs(people)
    figures = pose_figures(
        yaw,
        retrieve(embeddings, people),
        pairs,
        similarities(embeddings, pairs.first, pairs.second),
        compare_all(embeddings, people),
    )
    near = figures["neighbours of other people"]
    assert near["mean difference of yaw, degrees"] < 5 < near["the same in a random list"]
    assert near["less than random by"]["interval"][0] > 10
    explained = figures["explained share of similarity"]
    assert explained["equal pose"] > 0.8  # classes of differences lose some of it
    assert explained["identity"] < 0.1
    assert explained["both"] >= explained["equal pose"]


def test_an_embedding_of_identity_alone_is_not_blamed_for_pose(heads):
    random, people, yaw = heads
    embeddings = unit(random.normal(size=(30, 16))[people] + 0.1 * random.normal(size=(120, 16)))
    pairs = draw_pairs(people)
    similarity = similarities(embeddings, pairs.first, pairs.second)
    explained = explained_figures(yaw, pairs, similarity)
    assert explained["identity"] > 0.8
    assert explained["equal pose"] < 0.1
    near = neighbour_figures(yaw, retrieve(embeddings, people), people)
    low, high = near["less than random by"]["interval"]
    assert low < 0 < high


def test_neighbours_are_compared_with_the_mean_over_all_other_people(heads):
    random, people, yaw = heads
    yaw = np.where(random.random(120) < 0.2, np.nan, yaw)
    found = retrieve(by_pose(np.nan_to_num(yaw)), people)
    near = neighbour_figures(yaw, found, people)
    apart, baseline = [], []
    for place, probe in enumerate(found.probes):
        others = [row for row in range(120) if people[row] != people[probe]]
        others = [row for row in others if np.isfinite(yaw[row]) and np.isfinite(yaw[probe])]
        chosen = [row for row in found.nearest[place] if row in others]
        if chosen:
            apart.append(np.mean([abs(yaw[row] - yaw[probe]) for row in chosen]))
            baseline.append(np.mean([abs(yaw[row] - yaw[probe]) for row in others]))
    assert near["probes"] == len(apart)
    assert near["mean difference of yaw, degrees"] == pytest.approx(np.mean(apart))
    assert near["the same in a random list"] == pytest.approx(np.mean(baseline))


def test_the_explained_share_is_that_of_the_means():
    values, groups = np.array([1.0, 3, 5, 7]), np.array([0, 0, 9, 9])
    assert explained_share(values, groups) == pytest.approx(16 / 20)
    assert explained_share(values, np.zeros(4, int)) == 0
    assert np.isnan(explained_share(np.ones(3), np.array([0, 1, 1])))


def test_accepts_are_told_by_how_far_the_head_turned(heads):
    _, people, yaw = heads
    pairs = compare_all(by_pose(yaw), people)
    turns = turn_figures(np.where(np.arange(120) == 0, np.nan, yaw), pairs)
    assert sum(told["pairs"] for told in turns.values()) == 30 * 6 - 3
    assert "value" not in turns["0 to 10 degrees"]  # 7,000 pairs are too few for a rate of 0.001


def test_without_landmarks_there_is_no_answer(heads):
    _, people, yaw = heads
    embeddings = by_pose(yaw)
    pairs = draw_pairs(people)
    unknown = np.where(np.arange(120) < 100, np.nan, yaw)
    similarity = similarities(embeddings, pairs.first, pairs.second)
    found, everything = retrieve(embeddings, people), compare_all(embeddings, people)
    assert pose_figures(unknown, found, pairs, similarity, everything) is None
    assert neighbour_figures(np.full(120, np.nan), found, people) is None
