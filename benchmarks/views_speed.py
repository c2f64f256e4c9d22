"""How fast views are made, by policy and size, and what the alternatives would take.

    python benchmarks/views_speed.py [--json benchmarks/results/views.json]

Rates are views in a second of this process's CPU time with one thread, the best of several passes,
so that other work on the machine weighs little. Beside the policies stand: the forward and backward
pass that a step needs anyhow, and SimCLR's policy by torchvision's transforms and by kornia, where
that is installed. torchvision draws one set of numbers for all it is given, so it goes picture by
picture.
"""

import argparse
import importlib
import importlib.util
import json
import platform
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn
from torchvision.models import resnet18
from torchvision.transforms import v2

from training.data import cached_size
from training.views import POLICIES, make_views

BATCH = 64
SIZES_PX = (64, 112)
PASSES = 5
ENOUGH = 0.85
"""Share of the bare forward and backward rate that training must keep."""


def rate(work: Callable[[], object]) -> float:
    """Pictures a second of CPU time: the best of some passes over a batch."""
    work()
    best = float("inf")
    for _ in range(PASSES):
        began = time.process_time()
        work()
        best = min(best, time.process_time() - began)
    return BATCH / best


def network_step(size_px: int) -> Callable[[], object]:
    """Forward and backward pass of ResNet-18, as training runs it on a CPU."""
    network = resnet18()
    network.fc = nn.Identity()
    network = network.to(memory_format=torch.channels_last)
    views = torch.rand(BATCH, 3, size_px, size_px).to(memory_format=torch.channels_last)

    def step() -> None:
        network.zero_grad(set_to_none=True)
        network(views).square().mean().backward()

    return step


def by_torchvision(size_px: int) -> Callable[[Tensor], Tensor]:
    """SimCLR's policy for one picture (3, S, S), uint8; of torchvision's v2 transforms."""
    simclr = v2.Compose(
        [
            v2.RandomResizedCrop(size_px, scale=(0.08, 1.0), antialias=True),
            v2.RandomHorizontalFlip(),
            v2.RandomApply([v2.ColorJitter(0.8, 0.8, 0.8, 0.2)], p=0.8),
            v2.RandomGrayscale(0.2),
            v2.ToDtype(torch.float32, scale=True),
            v2.RandomApply([v2.GaussianBlur(_odd(size_px // 10), (0.1, 2.0))], p=0.5),
        ]
    )
    return lambda crops: torch.stack([simclr(crop) for crop in crops])


def by_kornia(size_px: int) -> Callable[[Tensor], Tensor]:
    """The same by kornia, which draws numbers for each sample of a batch."""
    k = importlib.import_module("kornia.augmentation")  # need not be installed

    simclr = k.AugmentationSequential(
        k.RandomResizedCrop((size_px, size_px), scale=(0.08, 1.0)),
        k.RandomHorizontalFlip(),
        k.ColorJitter(0.8, 0.8, 0.8, 0.2, p=0.8),
        k.RandomGrayscale(p=0.2),
        k.RandomGaussianBlur((_odd(size_px // 10),) * 2, (0.1, 2.0), p=0.5),
    )

    def views(crops: Tensor) -> Tensor:
        result: Tensor = simclr(crops.float() / 255)
        return result

    return views


def measure(size_px: int) -> dict[str, float]:
    """Rates at one size by name."""
    side = cached_size(size_px)
    crops = torch.randint(0, 256, (BATCH, side, side, 3)).to(torch.uint8).permute(0, 3, 1, 2)
    middle = crops[..., :size_px, :size_px].contiguous()
    generator = torch.Generator().manual_seed(0)
    rates = {"forward and backward": rate(network_step(size_px))}
    for name, policy in POLICIES.items():
        rates[name] = rate(lambda policy=policy: make_views(crops, size_px, policy, generator))  # type: ignore[misc]  # bound at once
    others = {"simclr by torchvision": by_torchvision(size_px)}
    if importlib.util.find_spec("kornia"):
        others["simclr by kornia"] = by_kornia(size_px)
    for name, views in others.items():
        rates[name] = rate(lambda views=views: views(middle))  # type: ignore[misc]  # bound at once
    return rates


def main() -> None:
    """Measure, print a table, and write it as JSON where that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    figures = {size_px: measure(size_px) for size_px in SIZES_PX}
    for size_px, rates in figures.items():
        bare = rates["forward and backward"]
        print(f"{size_px} px: views/s of one thread, and share of the bare rate that a step keeps")
        for name, value in rates.items():
            kept = value / (value + bare)
            verdict = "" if name == "forward and backward" or kept >= ENOUGH else "  too slow"
            print(f"  {name:24}{value:10.0f}{'' if value == bare else f'{kept:8.1%}'}{verdict}")
    if arguments.json:
        machine = {"machine": platform.machine(), "torch": torch.__version__, "batch": BATCH}
        text = json.dumps({**machine, "views_per_s": figures}, indent=2)
        arguments.json.write_text(text + "\n", encoding="utf-8")


def _odd(number: int) -> int:
    return number + 1 - number % 2


if __name__ == "__main__":
    main()
