"""Pairs and triplets, each against a slow loop written from its paper."""

import math
from itertools import product

import pytest
import torch
from torch.nn import functional

from training.objectives import Batch
from training.objectives.metric import (
    MINING,
    ContrastiveMargin,
    CosineEmbedding,
    SupCon,
    TripletMargin,
)

PEOPLE = [4, 1, 4, 0, 2]
SOURCES = [0, 0, 1, 0, 1]
BATCH = Batch(*(torch.tensor(column * 2) for column in (PEOPLE, SOURCES, [0, 1, 2, 3, 4])))
ROWS = range(2 * len(PEOPLE))
EVERYWHERE = {"within_source": False}


def projections(seed: int = 0) -> torch.Tensor:
    return torch.randn(len(ROWS), 4, generator=torch.Generator().manual_seed(seed))


def person(row: int) -> int:
    return PEOPLE[row % len(PEOPLE)]


def same(i: int, j: int) -> bool:
    return person(i) == person(j)


def units(seed: int) -> list[list[float]]:
    return functional.normalize(projections(seed)).tolist()


def cosine(a: list[float], b: list[float]) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True))


def mean(values: list[float]) -> float:
    return sum(values) / len(values)


def test_supcon_is_equation_2_of_its_paper():
    z, tau = units(1), 0.2
    total = 0.0
    for i in ROWS:
        others = [a for a in ROWS if a != i]
        positives = [p for p in others if same(i, p)]
        below = sum(math.exp(cosine(z[i], z[a]) / tau) for a in others)
        logs = [math.log(math.exp(cosine(z[i], z[p]) / tau) / below) for p in positives]
        total += -sum(logs) / len(positives)
    found = SupCon(tau, **EVERYWHERE)(projections(1), BATCH)
    assert math.isclose(found, total / len(ROWS), rel_tol=1e-5)


def test_cosine_embedding_is_torchs_over_all_pairs_both_kinds_weighing_the_same():
    z, margin = projections(2), 0.1
    kinds: dict[int, list[float]] = {1: [], -1: []}
    for i, j in product(ROWS, ROWS):
        if i != j:
            kind = 1 if same(i, j) else -1
            pair = functional.cosine_embedding_loss(
                z[i : i + 1], z[j : j + 1], torch.tensor([kind]), margin=margin
            )
            kinds[kind].append(float(pair))
    expected = (mean(kinds[1]) + mean(kinds[-1])) / 2
    found = CosineEmbedding(margin, **EVERYWHERE)(z, BATCH)
    assert math.isclose(found, expected, rel_tol=1e-5)


@pytest.mark.parametrize("squared", [True, False])
def test_contrastive_margin_is_equation_4_of_hadsell_and_others(squared):
    z, margin = units(3), 1.2
    near, far = [], []
    for i, j in product(ROWS, ROWS):
        distance = math.dist(z[i], z[j])
        slack = max(0.0, margin - distance)
        if i != j and same(i, j):
            near.append(distance**2 / 2 if squared else distance)
        elif i != j and slack > 0:
            far.append(slack**2 / 2 if squared else slack)
    found = ContrastiveMargin(margin, squared=squared, **EVERYWHERE)(projections(3), BATCH)
    assert math.isclose(found, mean(near) + mean(far), rel_tol=1e-4)


@pytest.mark.parametrize("squared", [True, False])
@pytest.mark.parametrize("mining", MINING)
def test_triplet_margin_is_equation_2_of_facenet_over_the_mined_triplets(mining, squared):
    z, margin = units(4), 0.4
    power = 2 if squared else 1
    costs = []
    for a, p, n in product(ROWS, ROWS, ROWS):
        if a == p or not same(a, p) or same(a, n):
            continue
        near, far = math.dist(z[a], z[p]) ** power, math.dist(z[a], z[n]) ** power
        wanted = {"all": True, "semi-hard": near < far < near + margin, "hard": far <= near}
        cost = max(0.0, near - far + margin)
        if wanted[mining] and cost > 0:
            costs.append(cost)
    assert costs
    objective = TripletMargin(margin, mining=mining, squared=squared, **EVERYWHERE)
    assert math.isclose(objective(projections(4), BATCH), mean(costs), rel_tol=1e-4)


def test_no_triplet_reaches_into_another_source_unless_asked_to():
    for within in (True, False):
        objective = TripletMargin(0.2, mining="all", within_source=within)
        anchors, _, negatives = objective.mine(projections(5), objective._relations(BATCH))
        crossing = BATCH.sources[anchors] != BATCH.sources[negatives]
        assert bool(crossing.any()) != within


def test_a_batch_without_a_fitting_triplet_costs_nothing_and_still_has_a_gradient():
    z = torch.eye(4)[torch.tensor([0, 1, 2, 3] * 2)].requires_grad_()
    people = torch.tensor([0, 1, 2, 3] * 2)
    batch = Batch(people, torch.zeros_like(people), people)
    loss = TripletMargin(0.2)(z, batch)
    loss.backward()
    assert loss == 0
    assert torch.equal(z.grad, torch.zeros_like(z))
