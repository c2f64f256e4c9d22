"""What all objectives have in common: made by name, finite, and clear about what they lack."""

import math

import numpy as np
import pytest
import torch

from training.config import OBJECTIVES as NAMES
from training.config import TrainConfig
from training.errors import BadTrainingData
from training.objectives import OBJECTIVES, Batch, Objective, make_objective

DIM, TEACHER_DIM, SLOTS = 8, 4, 6


def made(name: str, **settings) -> Objective:
    torch.manual_seed(0)
    config = TrainConfig(sources=("photos",), objective=name, **settings)
    return make_objective(config, people=3, dim=DIM, teacher_dim=TEACHER_DIM)


def batch_for(objective: Objective, slots: int = SLOTS, **columns: torch.Tensor) -> Batch:
    values = {
        "people": torch.arange(slots) % 3,
        "sources": torch.zeros(slots, dtype=torch.int64),
        "photos": torch.arange(slots),
        "teacher": torch.randn(slots, TEACHER_DIM, generator=torch.Generator().manual_seed(1)),
    }
    stacked = {
        key: value.repeat(objective.views, *[1] * (value.ndim - 1))
        for key, value in (values | columns).items()
    }
    return Batch(**stacked)


def projections(objective: Objective, slots: int = SLOTS) -> torch.Tensor:
    random = torch.Generator().manual_seed(2)
    return torch.randn(objective.views * slots, DIM, generator=random).requires_grad_()


def test_every_name_of_the_settings_has_an_objective_and_simclr_is_ntxent():
    assert set(OBJECTIVES) == set(NAMES) - {"simclr"}
    assert type(made("simclr")) is OBJECTIVES["ntxent"]


@pytest.mark.parametrize("name", OBJECTIVES)
def test_each_is_a_finite_number_with_a_gradient_that_a_step_along_makes_smaller(name):
    objective = made(name, mining="all")
    z = projections(objective)
    batch = batch_for(objective)
    state = {key: value.clone() for key, value in objective.state_dict().items()}
    loss = objective(z, batch)
    loss.backward()
    objective.load_state_dict(state)  # nnclr remembers
    assert loss.shape == ()
    assert loss.isfinite()
    assert z.grad.isfinite().all()
    assert z.grad.any()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in objective.parameters())
    assert objective(z.detach() - 0.01 * z.grad, batch) < loss
    assert -1 <= objective.alignment(z.detach(), batch) <= 1


@pytest.mark.parametrize("name", OBJECTIVES)
def test_gradients_stay_finite_where_all_projections_have_collapsed(name):
    objective = made(name)
    same = torch.ones(objective.views * SLOTS, DIM)
    same.requires_grad_()
    objective(same, batch_for(objective)).backward()
    assert same.grad.isfinite().all()


@pytest.mark.parametrize("name", OBJECTIVES)
def test_projections_of_bfloat16_are_compared_in_float32(name):
    objective = made(name)
    z = projections(objective).detach()
    batch = batch_for(objective)
    state = {key: value.clone() for key, value in objective.state_dict().items()}
    whole = objective(z.bfloat16().float(), batch)
    objective.load_state_dict(state)  # nnclr remembers
    with torch.autocast("cpu", dtype=torch.bfloat16):
        half = objective(z.bfloat16(), batch)
    assert half.dtype == torch.float32
    assert torch.equal(half, whole)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_a_batch_of_one_is_an_error(name):
    objective = made(name)
    with pytest.raises(BadTrainingData, match="a batch of 1 has none to compare"):
        objective(projections(objective, 1), batch_for(objective, 1))


@pytest.mark.parametrize("name", [n for n, kind in OBJECTIVES.items() if kind.needs_labels])
def test_missing_labels_are_an_error_before_and_while_training(name):
    unnamed = np.full(10, -1)
    with pytest.raises(
        BadTrainingData, match="needs photos of 2 named people or more; there are 0"
    ):
        OBJECTIVES[name].check(unnamed)
    with pytest.raises(BadTrainingData, match="there are 1"):
        OBJECTIVES[name].check(np.array([-1, 5, 5, 5]))
    objective = made(name)
    with pytest.raises(BadTrainingData, match="some in the batch lack one"):
        objective(projections(objective), batch_for(objective, people=torch.arange(SLOTS) - 1))
    config = TrainConfig(sources=("photos",), objective=name)
    with pytest.raises(BadTrainingData, match=f"{name} needs 2 named people or more; there are 1"):
        make_objective(config, people=1, dim=DIM)


def test_people_with_one_photo_each_make_no_pairs_of_one_person():
    singles = np.array([0, 1, 2, -1])
    with pytest.raises(BadTrainingData, match="each of the 3 named people has one"):
        OBJECTIVES["supcon"].check(singles)
    OBJECTIVES["cosface"].check(singles)  # has a prototype of each, and pairs of nobody
    OBJECTIVES["same-person"].check(singles)  # falls back on two views of one photo
    OBJECTIVES["supcon"].check(np.array([0, 1, 1]))


def test_a_missing_teacher_is_an_error_before_and_while_training():
    with pytest.raises(BadTrainingData, match="needs a teacher"):
        OBJECTIVES["distill"].check(np.array([-1]))
    config = TrainConfig(sources=("photos",), objective="distill")
    with pytest.raises(BadTrainingData, match="needs a teacher; there is none"):
        make_objective(config, people=0, dim=DIM)
    objective = made("distill")
    batch = batch_for(objective)
    without = Batch(batch.people, batch.sources, batch.photos)
    with pytest.raises(BadTrainingData, match="the batch has none"):
        objective(projections(objective), without)


def test_a_batch_of_one_person_costs_nothing_where_only_others_could_teach():
    for name in ("same-person", "triplet_margin"):
        objective = made(name)
        z = projections(objective)
        loss = objective(z, batch_for(objective, people=torch.zeros(SLOTS, dtype=torch.int64)))
        loss.backward()
        assert loss == 0
        assert not z.grad.any()


def test_the_margin_of_the_settings_takes_the_place_of_the_usual_one():
    assert made("cosface").criterion.margin == 0.2
    assert made("cosface", margin=0.4).criterion.margin == 0.4
    assert math.isclose(made("arcface").criterion.margin, 0.5)
