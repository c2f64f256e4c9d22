"""The training loop.

    data -> pairs -> views -> network -> loss -> AdamW -> checkpoint now and then

A run lives in one folder (training.checkpoint) and goes on from its newest checkpoint when started
again; that gives the same weights as a run that was never interrupted.
"""

import json
import logging
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from training.checkpoint import (
    CONFIG_FILE,
    latest_epoch,
    load_backbone,
    load_config,
    load_optimizer,
    load_weights,
    save_checkpoint,
    save_config,
)
from training.config import TrainConfig
from training.data import UNLABELLED, TrainingData
from training.errors import BadConfig, BadTrainingData, Diverged
from training.losses import cosface, nt_xent, pair_labels
from training.network import FaceNetwork, load_imagenet_weights
from training.pairs import epoch_pairs
from training.views import ViewPolicy, make_views

logger = logging.getLogger("lookalike")

LOG_FILE = "log.jsonl"
LEAST_PEOPLE = 2


@dataclass(frozen=True, slots=True)
class Progress:
    """How a run stands: shown while it runs, logged after each epoch.

    Attributes:
        epoch: counted from 1.
        step: within the epoch, counted from 1.
        steps: in an epoch.
        loss: mean over the epoch so far.
        alignment: mean cosine of projections with their partner or prototype, so far.
        images_per_s: pictures the network saw in a second (two for each pair).
    """

    epoch: int
    step: int
    steps: int
    loss: float
    alignment: float
    images_per_s: float


def train(
    data: TrainingData,
    config: TrainConfig,
    run: Path,
    *,
    on_progress: Callable[[Progress], None] = lambda _progress: None,
) -> FaceNetwork:
    """Train, or go on training, the run in the folder `run`.

    Args:
        data: crops and people.
        config: settings; those of a run that goes on must be the same but for `epochs`.
        run: folder of the run.
        on_progress: told after every step.

    Raises:
        BadConfig: the folder holds a run with other settings.
        BadTrainingData: there is less than one batch of pairs.
        Diverged: the loss is not finite any more.
    """
    if config.threads:
        torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    device = torch.device(config.device)
    network = FaceNetwork(config.projection_dim, _prototypes(data, config)).to(device)
    network = network.to(memory_format=torch.channels_last)
    optimizer = _make_optimizer(network, config)
    done = _begin_or_go_on(run, config, network, optimizer)
    for epoch in range(done + 1, config.epochs + 1):
        progress = _train_epoch(data, config, epoch, network, optimizer, on_progress)
        with (run / LOG_FILE).open("a", encoding="utf-8") as log:
            log.write(json.dumps({name: getattr(progress, name) for name in progress.__slots__}))
            log.write("\n")
        if epoch % config.checkpoint_every == 0 or epoch == config.epochs:
            save_checkpoint(run, epoch, network, optimizer)
    return network


def _prototypes(data: TrainingData, config: TrainConfig) -> int:
    """How many prototypes the objective wants: one a person, or none.

    Raises:
        BadTrainingData: it wants some, and hardly anybody is named.
    """
    if config.objective != "cosface":
        return 0
    people = int(data.people.max()) + 1
    if people < LEAST_PEOPLE:
        raise BadTrainingData(
            f"the objective cosface needs photos of {LEAST_PEOPLE} named people or more; "
            f"there are {people} in {', '.join(config.sources)}"
        )
    return people


def _begin_or_go_on(
    run: Path, config: TrainConfig, network: FaceNetwork, optimizer: torch.optim.Optimizer
) -> int:
    """Load the newest checkpoint of `run`, or set its start; return the epochs already done."""
    if (run / CONFIG_FILE).is_file():
        old = load_config(run)
        if (
            replace(old, epochs=config.epochs, threads=config.threads, device=config.device)
            != config
        ):
            raise BadConfig(f"{run} holds a run with other settings: {old}; choose another folder")
    if epoch := latest_epoch(run):
        load_weights(run, network, epoch)
        load_optimizer(run, epoch, network, optimizer)
    elif config.start == "imagenet":
        if not load_imagenet_weights(network):
            logger.warning("the ImageNet weights cannot be loaded; starting from random ones")
    elif config.start != "random":
        load_backbone(Path(config.start), network)
    save_config(run, config)
    return epoch


def _make_optimizer(network: FaceNetwork, config: TrainConfig) -> torch.optim.Optimizer:
    """AdamW; biases and batch norm, which have one axis, are not decayed."""
    parameters = list(network.parameters())
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": config.weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=config.learning_rate)


def _train_epoch(
    data: TrainingData,
    config: TrainConfig,
    epoch: int,
    network: FaceNetwork,
    optimizer: torch.optim.Optimizer,
    on_progress: Callable[[Progress], None],
) -> Progress:
    people = data.people
    if config.objective == "simclr":
        people = np.full_like(people, UNLABELLED)
    anchors, partners = epoch_pairs(
        people, config.objective, config.max_per_person, (config.seed, epoch)
    )
    steps = len(anchors) // config.batch
    if not steps:
        raise BadTrainingData(f"{len(anchors)} photos are less than one batch of {config.batch}")
    generator = torch.Generator(config.device).manual_seed(config.seed * 100_003 + epoch)
    network.train()
    began, losses, alignments, seen, progress = time.perf_counter(), 0.0, 0.0, 0, None
    for step, rows in enumerate(_batches(steps, config.batch), start=1):
        _set_rate(optimizer, config, (epoch - 1) * steps + step, config.epochs * steps)
        photos = anchors[rows]
        if config.objective != "cosface":
            photos = np.concatenate([photos, partners[rows]])
        crops = _gather(data, photos, config.device)
        views = make_views(crops, config.size_px, ViewPolicy(), generator)
        projections = network(views.contiguous(memory_format=torch.channels_last))
        who = torch.from_numpy(people[photos]).to(config.device)
        sources = torch.from_numpy(data.sources[photos]).to(config.device)
        loss, alignment = _loss(config, network, projections, who, sources)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        optimizer.step()
        losses += float(loss.detach())
        if not math.isfinite(losses):
            raise Diverged(f"the loss is not finite any more at epoch {epoch}, step {step}")
        alignments += float(alignment)
        seen += len(photos)
        rate = seen / (time.perf_counter() - began)
        progress = Progress(epoch, step, steps, losses / step, alignments / step, rate)
        on_progress(progress)
    assert progress is not None
    return progress


def _loss(
    config: TrainConfig, network: FaceNetwork, projections: Tensor, people: Tensor, sources: Tensor
) -> tuple[Tensor, Tensor]:
    """The loss of a batch, and its alignment: the mean cosine with what each should be near."""
    if network.prototypes is not None:
        own = network.prototypes.detach()[people]
        alignment = functional.cosine_similarity(projections.detach(), own).mean()
        loss = cosface(projections, network.prototypes, people, config.scale, config.margin)
        return loss, alignment
    first, second = projections.detach().chunk(2)
    alignment = functional.cosine_similarity(first, second).mean()
    return nt_xent(projections, pair_labels(people), sources, config.temperature), alignment


def _batches(steps: int, batch: int) -> Iterator[slice]:
    return (slice(step * batch, (step + 1) * batch) for step in range(steps))


def _gather(data: TrainingData, rows: np.ndarray, device: str) -> Tensor:
    """Crops of `rows` as uint8 (2B, 3, S', S') on the device."""
    crops = torch.from_numpy(data.crops[rows]).to(device)
    return crops.permute(0, 3, 1, 2)


def _set_rate(
    optimizer: torch.optim.Optimizer, config: TrainConfig, step: int, total_steps: int
) -> None:
    """Linear warm-up, then half a cosine to zero (arXiv:2002.05709, section 2.2)."""
    warm = max(1, round(config.warmup * total_steps))
    if step <= warm:
        share = step / warm
    else:
        share = 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, total_steps - warm)))
    for group in optimizer.param_groups:
        group["lr"] = config.learning_rate * share
