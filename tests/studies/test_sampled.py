"""The losses of sampled pairs and triplets, against loops written from their formulas."""

import math

import pytest
import torch

from studies.sampled import CosinePairs, HadsellPairs, Triplets, draw_negatives
from training.errors import BadTrainingData
from training.objectives import Batch


@pytest.fixture
def rows():
    torch.manual_seed(0)
    return torch.rand(5, 4), torch.rand(5, 4), torch.rand(5, 4)


def distance(one, other):
    # torch adds 1e-6 to each difference, so that the root has a gradient at 0
    return math.sqrt(
        sum((float(a) - float(b) + 1e-6) ** 2 for a, b in zip(one, other, strict=True))
    )


def cosine(one, other):
    dot = sum(float(a) * float(b) for a, b in zip(one, other, strict=True))
    return dot / math.hypot(*map(float, one)) / math.hypot(*map(float, other))


def test_pairs_cost_one_minus_cosine_and_cosine_over_the_margin(rows):
    costs = []
    for anchor, positive, negative in zip(*rows, strict=True):
        costs += [1 - cosine(anchor, positive), max(0, cosine(anchor, negative) - 0.7)]
    assert float(CosinePairs(0.7).of_triplets(*rows)) == pytest.approx(sum(costs) / 10, abs=1e-5)


def test_triplets_cost_distances_that_are_not_squared(rows):
    costs = [max(0, distance(a, p) - distance(a, n) + 0.3) for a, p, n in zip(*rows, strict=True)]
    assert float(Triplets(0.3).of_triplets(*rows)) == pytest.approx(sum(costs) / 5, abs=1e-5)


def test_hadsells_pairs_cost_half_of_squares(rows):
    costs = []
    for anchor, positive, negative in zip(*rows, strict=True):
        near, far = distance(anchor, positive), distance(anchor, negative)
        costs += [near**2 / 2, max(0, 0.9 - far) ** 2 / 2]
    assert float(HadsellPairs(0.9).of_triplets(*rows)) == pytest.approx(sum(costs) / 10, abs=1e-5)


def test_true_negatives_are_of_another_class_and_random_ones_of_any():
    labels = torch.tensor([0, 0, 0, 1, 2])
    seen_own = False
    for seed in range(20):
        torch.manual_seed(seed)
        rows, drawn = draw_negatives(labels, "true")
        assert rows.tolist() == [0, 1, 2, 3, 4]
        assert bool((labels[rows] != labels[drawn]).all())
        rows, drawn = draw_negatives(labels, "random")
        assert bool((rows != drawn).all())
        seen_own |= bool((labels[rows] == labels[drawn]).any())
    assert seen_own


def test_rows_without_a_negative_are_left_out():
    rows, drawn = draw_negatives(torch.tensor([3, 3]), "true")
    assert len(rows) == len(drawn) == 0


def test_the_positive_is_the_other_view_of_the_anchor():
    labels = torch.tensor([0, 1])
    batch = Batch(labels.repeat(2), torch.zeros(4, dtype=torch.long), torch.arange(4))
    views = torch.eye(4)
    near = CosinePairs(0.0)(torch.cat([views[:2], views[:2]]), batch)
    far = CosinePairs(0.0)(torch.cat([views[:2], views[2:]]), batch)
    assert float(near) == pytest.approx(0)
    assert float(far) == pytest.approx(0.5)


def test_one_class_is_refused():
    with pytest.raises(BadTrainingData, match="2 named people or more"):
        Triplets.check(torch.zeros(4, dtype=torch.long).numpy())
