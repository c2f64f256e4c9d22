"""What is said of a run while it goes on."""

import math

import numpy as np
import pytest
import torch

from training.gradients import Outcome
from training.monitor import Meter, Progress, knn_on, look
from training.network import FaceNetwork
from training.objectives import Batch


def a_batch(people: list[int]) -> Batch:
    numbers = torch.tensor(people)
    return Batch(numbers, torch.zeros_like(numbers), torch.arange(len(people)))


def test_alignment_is_the_mean_squared_distance_of_the_two_views_of_a_photo():
    projections = torch.randn(12, 4, generator=torch.Generator().manual_seed(0))
    units = [(row / row.norm()).tolist() for row in projections]
    pairs = [(units[i], units[i + 6]) for i in range(6)]
    expected = np.mean([sum((a - b) ** 2 for a, b in zip(*pair, strict=True)) for pair in pairs])
    aligned, uniform = look(projections, a_batch([-1] * 12), views=2)
    assert aligned == pytest.approx(expected, rel=1e-5)
    assert -4.5 < uniform < 0


def test_with_one_view_photos_of_one_person_are_aligned():
    projections = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 3.0], [1.0, 0.0]])
    assert look(projections, a_batch([0, 1, 1, -1]), views=1)[0] == 0  # the two of person 1
    assert look(projections, a_batch([0, 0, 1, 2]), views=1)[0] == pytest.approx(2)
    assert math.isnan(look(projections, a_batch([0, 1, 2, -1]), views=1)[0])


def test_a_meter_goes_on_from_its_sums():
    batch, projections = a_batch([-1] * 8), torch.randn(8, 4)
    whole = Meter({})
    for loss in (1.0, 2.0, 6.0):
        whole.step(Outcome(torch.tensor(loss), projections))
        whole.read(Outcome(torch.tensor(loss), projections), batch, 2)
    first = Meter({})
    first.step(Outcome(torch.tensor(1.0), projections))
    first.drain()
    rest = Meter(first.sums)
    for loss in (2.0, 6.0):
        rest.step(Outcome(torch.tensor(loss), projections))
    rest.read(Outcome(torch.tensor(6.0), projections), batch, 2)
    assert rest.progress(1, 3, 3, 0.1).loss == whole.progress(1, 3, 3, 0.1).loss == 3.0
    assert rest.sums["seen"] == 24


def test_projections_in_one_place_or_two_opposite_ones_are_a_collapse():
    one = torch.ones(32, 8) + 0.001 * torch.randn(32, 8, generator=torch.Generator().manual_seed(0))
    spread = torch.randn(32, 8, generator=torch.Generator().manual_seed(1))
    for projections, collapsed in ((one, True), (spread, False)):
        aligned, uniform = look(projections, a_batch([-1] * 32), views=2)
        assert Progress(1, 1, 1, 1.0, aligned, uniform, 1.0, 0.1).collapsed is collapsed


def test_an_alignment_that_is_not_there_is_null_in_json():
    progress = Progress(1, 1, 1, 1.0, math.nan, -2.0, 10.0, 0.1)
    assert progress.as_dict()["alignment"] is None


@pytest.mark.usefixtures("tiny_network")
def test_neighbours_are_counted_without_disturbing_the_training(faces):
    network = FaceNetwork(8).train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    accuracy = knn_on(network, faces, 32, torch.device("cpu"))
    assert 0 <= accuracy <= 1
    assert network.training
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name]), name
