"""Optimisers and their rate.

parameters -> decayed / not decayed -> AdamW, SGD or LARS
step of all steps -> linear warm-up, then half a cosine to zero -> rate
"""

import math
from collections.abc import Callable, Iterable
from typing import Any, overload

import torch
from torch import Tensor
from torch.optim import SGD, AdamW, Optimizer

from training.config import TrainConfig

TRUST = 0.001
"""eta of LARS, as in its paper (arXiv:1708.03888, section 5) and SimCLR's code."""


class Lars(Optimizer):
    """Layer-wise adaptive rate scaling for large batches (arXiv:1708.03888, algorithm 1).

    Each weight moves by a share of its own length. As in SimCLR's code, parameters of groups with
    `adapted` false (biases, batch norm) take plain steps of SGD with momentum.
    """

    def __init__(
        self, groups: Iterable[dict[str, Any]], lr: float, momentum: float, trust: float = TRUST
    ) -> None:
        defaults = {"lr": lr, "momentum": momentum, "weight_decay": 0.0, "adapted": True}
        super().__init__(groups, defaults)
        self.trust = trust

    @overload
    def step(self, closure: None = None) -> None: ...
    @overload
    def step(self, closure: Callable[[], float]) -> float: ...
    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """Take one step."""
        assert closure is None  # the loop has none
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is not None:
                    self._move(weight, group)
        return None

    def _move(self, weight: Tensor, group: dict[str, Any]) -> None:
        update = weight.grad.add(weight, alpha=group["weight_decay"])  # type: ignore[union-attr]
        if group["adapted"]:
            length, slope = weight.norm(), update.norm()
            share = torch.where((length > 0) & (slope > 0), self.trust * length / slope, 1.0)
            update = update * share
        state = self.state[weight]
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = torch.zeros_like(weight)
        velocity = state["momentum_buffer"]
        velocity.mul_(group["momentum"]).add_(update, alpha=group["lr"])
        weight.sub_(velocity)


def make_optimizer(parameters: Iterable[Tensor], config: TrainConfig) -> Optimizer:
    """The optimiser that `config` names.

    Biases and batch norm, which have one axis, are not decayed (arXiv:2002.05709, appendix B.1),
    and LARS does not adapt their rate.
    """
    every = list(parameters)
    groups: list[dict[str, Any]] = [
        {"params": [p for p in every if p.ndim > 1], "weight_decay": config.weight_decay},
        {"params": [p for p in every if p.ndim <= 1], "weight_decay": 0.0},
    ]
    rate, momentum = config.learning_rate, config.momentum
    if config.optimizer == "lars":
        groups[1]["adapted"] = False
        return Lars(groups, rate, momentum)
    if config.optimizer == "sgd":
        return SGD(groups, rate, momentum)
    return AdamW(groups, rate)


def set_rate(optimizer: Optimizer, config: TrainConfig, step: int, total_steps: int) -> float:
    """Set the rate of a step, counted from 1, and return it."""
    rate = config.learning_rate * rate_share(step, total_steps, config.warmup)
    for group in optimizer.param_groups:
        group["lr"] = rate
    return rate


def rate_share(step: int, total_steps: int, warmup: float) -> float:
    """Linear warm-up, then half a cosine to zero (arXiv:2002.05709, section 2.2)."""
    warm = max(1, round(warmup * total_steps))
    if step <= warm:
        return step / warm
    return 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, total_steps - warm)))
