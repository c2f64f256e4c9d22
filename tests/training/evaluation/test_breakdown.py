"""Groups: figures against slow counts, and no claim without people enough."""

import itertools

import numpy as np
import pytest

from training.evaluation.all_pairs import compare_all
from training.evaluation.breakdown import RATE, breakdown
from training.evaluation.retrieval import retrieve


@pytest.fixture
def measured():
    """60 people with 4 photos; every third of unknown group, of the others half are "a"."""
    random = np.random.default_rng(0)
    people = np.repeat(np.arange(60), 4)
    vectors = random.normal(size=(240, 8)) + 1.5 * random.normal(size=(60, 8))[people]
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    groups = np.array(["", "a", "b"])[people % 3]
    return vectors, people, groups


def test_figures_of_a_group_agree_with_slow_counts(measured):
    vectors, people, groups = measured
    found, pairs = retrieve(vectors, people), compare_all(vectors, people)
    figures = breakdown({"kind": groups}, found, pairs)["kind"]
    assert list(figures) == ["a", "b"]
    told = figures["a"]
    assert (told["photos"], told["people"], told["probes"]) == (80, 20, 80)
    assert told["hit@1"]["value"] == pytest.approx(found.hit_at_1[groups == "a"].mean())
    threshold = pairs.threshold(RATE)
    rows = np.flatnonzero(groups == "a")
    same, cross = [], []
    for a, b in itertools.combinations(rows, 2):
        passed = float(vectors[a] @ vectors[b]) > threshold
        (same if people[a] == people[b] else cross).append(passed)
    assert told["TAR at FAR 0.001"]["value"] == pytest.approx(np.mean(same))
    assert told["FAR at FAR 0.001 of all"]["value"] == pytest.approx(np.mean(cross))


def test_no_claim_is_made_of_few_people_or_wide_intervals(measured):
    vectors, people, _groups = measured
    few = np.where(people < 4, "few", "many")
    figures = breakdown({"kind": few}, retrieve(vectors, people), compare_all(vectors, people))[
        "kind"
    ]
    assert not any(figures["few"][name]["claim"] for name in ("hit@1", "TAR at FAR 0.001"))
    for told in figures["many"].values():
        if isinstance(told, dict):
            low, high = told["interval"]
            assert low <= told["value"] <= high
    assert figures["many"]["hit@1"]["claim"]
    rates = {group: told["FAR at FAR 0.001 of all"] for group, told in figures.items()}
    assert not rates["few"]["claim"]
    assert breakdown({}, retrieve(vectors, people), compare_all(vectors, people)) == {}


def test_a_set_too_small_for_the_threshold_tells_hits_alone(measured):
    vectors, people, groups = measured
    rows = slice(0, 24)
    figures = breakdown(
        {"kind": groups[rows]},
        retrieve(vectors[rows], people[rows]),
        compare_all(vectors[rows], people[rows]),
    )["kind"]["a"]
    assert figures["TAR at FAR 0.001"] is None
    assert figures["FAR at FAR 0.001 of all"] is None
    assert figures["hit@1"]["claim"] is False
