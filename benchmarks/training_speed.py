"""How much of the machine's speed the training loop leaves to the network, and its memory.

    python benchmarks/training_speed.py [--json benchmarks/results/training_speed.json]

Epochs of the loop (crops from disk, views, objective, optimiser, meters) take turns with the bare
forward and backward pass of the same network and batch, so that whatever else the machine does
slows both. The ratio of an epoch is that of its rate to the mean rate of the bare passes before and
after it. On a busy machine the ratio by CPU time is the steadier one; it gives no credit for work
that goes on beside the network's. Memory is the peak after each epoch of a second, longer run that
validates and saves.
"""

import argparse
import json
import os
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch

from training.config import TrainConfig
from training.data import TrainingData, cached_size
from training.distributed import chosen_device
from training.loop import train
from training.monitor import Progress
from training.network import make_network

TARGET = 0.85
MEMORY_EPOCHS = 12


@dataclass(frozen=True)
class Speed:
    """Rates in pictures a second; `ratio` is the median over epochs of loop to bare passes.

    `ratio_by_cpu_time` is the same of pictures in a second of this process's CPU time.
    """

    size_px: int
    pictures_a_step: int
    loop_images_per_s: float
    bare_images_per_s: float
    ratio: float
    ratio_by_cpu_time: float | None
    ratios: list[float]
    ratios_by_cpu_time: list[float]


def made_up(folder: Path, size_px: int, photos: int) -> TrainingData:
    """Noise, mapped from disk as crops are; five photos a person."""
    side = cached_size(size_px)
    file = folder / f"{size_px}-{photos}.u8"
    crops = np.memmap(file, np.uint8, mode="w+", shape=(photos, side, side, 3))
    crops[:] = np.random.default_rng(0).integers(0, 255, crops.shape, dtype=np.uint8)
    crops.flush()
    people = np.arange(photos) // 5
    return TrainingData(np.memmap(file, np.uint8, "r", shape=crops.shape), people, people * 0, {})


def bare_passes(config: TrainConfig, device: torch.device) -> Callable[[int], float]:
    """Forward and backward passes of the loop's network and batch: steps -> pictures a second."""
    network = make_network(config).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    if config.compile:
        network.compile()
    narrow = device.type == "cuda" and config.precision != "float32"
    views = torch.rand(2 * config.batch, 3, config.size_px, config.size_px, device=device)
    views = views.contiguous(memory_format=torch.channels_last)
    gradient = torch.rand(2 * config.batch, network.projection_dim, device=device)

    def run(steps: int) -> float:
        network.train()
        began = time.perf_counter()
        for _ in range(steps):
            network.zero_grad(set_to_none=True)
            with torch.autocast(device.type, torch.bfloat16, enabled=narrow):
                projections = network(views)
            projections.backward(gradient.to(projections.dtype))
        if device.type == "cuda":
            torch.cuda.synchronize()
        return steps * len(views) / (time.perf_counter() - began)

    return run


def measure_speed(config: TrainConfig, steps: int, folder: Path) -> Speed:
    """Let epochs of the loop and bare passes take turns; the first epoch warms up."""
    data = made_up(folder, config.size_px, config.batch * steps)
    bare = bare_passes(config, chosen_device(config.device))
    loops, bares = _Rates(), _Rates()

    def note(progress: Progress) -> None:
        if progress.step == progress.steps:
            pictures = 2 * config.batch * steps
            loops.note(progress.images_per_s, pictures)
            bares.start()
            bares.note(bare(steps), pictures)
            loops.start()

    train(data, config, folder / f"run-{config.size_px}", on_progress=note)
    ratios = _ratios(loops.by_wall, bares.by_wall)
    by_cpu = _ratios(loops.by_cpu, bares.by_cpu)
    on_cpu = chosen_device(config.device).type == "cpu"
    return Speed(
        config.size_px,
        2 * config.batch,
        round(statistics.median(loops.by_wall[1:]), 1),
        round(statistics.median(bares.by_wall), 1),
        round(statistics.median(ratios), 3),
        round(statistics.median(by_cpu), 3) if on_cpu else None,
        ratios,
        by_cpu if on_cpu else [],
    )


class _Rates:
    """Pictures in a second, by the clock and by the CPU time of all threads of this process."""

    def __init__(self) -> None:
        self.by_wall: list[float] = []
        self.by_cpu: list[float] = []
        self.start()

    def start(self) -> None:
        self._since = time.process_time()

    def note(self, by_wall: float, pictures: int) -> None:
        self.by_wall.append(by_wall)
        self.by_cpu.append(pictures / (time.process_time() - self._since))


def _ratios(loops: list[float], bares: list[float]) -> list[float]:
    """Each epoch but the first against the mean of the bare passes before and after it."""
    around = [(before + after) / 2 for before, after in pairwise(bares)]
    return [round(loop / passes, 3) for loop, passes in zip(loops[1:], around, strict=True)]


def measure_memory(config: TrainConfig, folder: Path) -> list[int]:
    """Peak resident memory in MB (10**6 bytes) after each epoch, checkpoints and kNN included."""
    data = made_up(folder, config.size_px, config.batch * 2)
    peaks: list[int] = []

    def note(progress: Progress) -> None:
        if progress.step == progress.steps:
            peaks.append(round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6))

    settings = replace(config, epochs=MEMORY_EPOCHS, knn_every=1, checkpoint_every=1)
    train(data, settings, folder / "memory", validation=data, on_progress=note)
    return peaks


def machine(device: torch.device, threads: int) -> dict[str, Any]:
    """Where this was measured, and how busy it was."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"
    return {
        "device": name,
        "cores": os.cpu_count(),
        "threads": threads or torch.get_num_threads(),
        "load_before": round(os.getloadavg()[0], 1),
        "torch": torch.__version__,
    }


def main() -> None:
    """Measure, print a table and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--sizes", type=int, nargs="+", default=[64, 112])
    parser.add_argument("--batch", type=int, default=32, help="photos; the network sees twice that")
    parser.add_argument("--steps", type=int, default=4, help="of an epoch")
    parser.add_argument("--epochs", type=int, default=6, help="the first one warms up")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    device = chosen_device(options.device)
    config = TrainConfig(
        ("made up",),
        epochs=options.epochs,
        batch=options.batch,
        threads=options.threads,
        device=options.device,
        compile=options.compile,
        checkpoint_every=options.epochs,
        knn_every=0,
        tensorboard=False,
    )
    result: dict[str, Any] = {"machine": machine(device, options.threads), "target": TARGET}
    with tempfile.TemporaryDirectory() as name:
        folder, speeds = Path(name), []
        # First, since the peak is that of the process: after larger batches nothing would show.
        peaks = measure_memory(replace(config, size_px=64, batch=16), folder)
        result["peak_mb_after_each_epoch"] = peaks
        print(f"peak memory after each epoch: {peaks} MB", flush=True)
        for size_px in options.sizes:
            speed = measure_speed(replace(config, size_px=size_px), options.steps, folder)
            print(
                f"{size_px:>4} px: loop {speed.loop_images_per_s:>8} images/s, "
                f"bare {speed.bare_images_per_s:>8}, ratio {speed.ratio} of {speed.ratios}, "
                f"by CPU time {speed.ratio_by_cpu_time} of {speed.ratios_by_cpu_time}",
                flush=True,
            )
            speeds.append(asdict(speed))
        result["speed"] = speeds
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
