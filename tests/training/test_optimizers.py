"""Optimisers and their rate, against slow loops written from the papers."""

import math
from itertools import pairwise

import pytest
import torch
from torch import nn

from training.config import TrainConfig
from training.optimizers import TRUST, Lars, make_optimizer, rate_share, set_rate


def test_lars_moves_each_layer_as_its_paper_says():
    """Algorithm 1 of arXiv:1708.03888, a layer at a time, in plain numbers."""
    torch.manual_seed(0)
    weight, bias = nn.Parameter(torch.randn(3, 2)), nn.Parameter(torch.randn(3))
    rate, momentum, decay = 0.5, 0.9, 0.01
    groups = [
        {"params": [weight], "weight_decay": decay},
        {"params": [bias], "weight_decay": 0.0, "adapted": False},
    ]
    optimizer = Lars(groups, rate, momentum)
    w, b = weight.detach().clone(), bias.detach().clone()
    velocity_w, velocity_b = torch.zeros_like(w), torch.zeros_like(b)
    for _ in range(3):
        weight.grad, bias.grad = torch.randn(3, 2), torch.randn(3)
        gradient = weight.grad + decay * w
        local = TRUST * math.sqrt(float((w**2).sum())) / math.sqrt(float((gradient**2).sum()))
        velocity_w = momentum * velocity_w + rate * local * gradient
        velocity_b = momentum * velocity_b + rate * bias.grad
        w, b = w - velocity_w, b - velocity_b
        optimizer.step()
    assert torch.allclose(weight, w)
    assert torch.allclose(bias, b)


def test_lars_leaves_a_layer_of_zeros_able_to_move():
    weight = nn.Parameter(torch.zeros(2, 2))
    weight.grad = torch.ones(2, 2)
    Lars([{"params": [weight]}], lr=0.1, momentum=0.0).step()
    assert torch.allclose(weight, torch.full((2, 2), -0.1))


@pytest.mark.parametrize("name", ["adamw", "sgd", "lars"])
def test_biases_and_batch_norm_are_not_decayed(name):
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4, 2))
    config = TrainConfig(("photos",), optimizer=name, weight_decay=0.3)
    decayed, plain = make_optimizer(network.parameters(), config).param_groups
    assert decayed["weight_decay"] == 0.3
    assert plain["weight_decay"] == 0
    assert {p.ndim for p in decayed["params"]} == {2, 4}
    assert {p.ndim for p in plain["params"]} == {1}


def test_the_rate_rises_in_a_line_and_falls_as_half_a_cosine():
    shares = [rate_share(step, 100, warmup=0.1) for step in range(1, 101)]
    assert shares[:10] == pytest.approx([step / 10 for step in range(1, 11)])
    assert shares[54] == pytest.approx(0.5)  # half-way between step 10 and step 100
    assert shares[-1] == pytest.approx(0)
    assert all(later < earlier for earlier, later in pairwise(shares[9:]))


def test_the_rate_is_set_for_all_parameters():
    config = TrainConfig(("photos",), optimizer="sgd", learning_rate=0.2, warmup=0.5)
    optimizer = make_optimizer(nn.Linear(2, 2).parameters(), config)
    assert set_rate(optimizer, config, 1, 4) == pytest.approx(0.1)
    assert [group["lr"] for group in optimizer.param_groups] == pytest.approx([0.1, 0.1])
