"""What a run is made of, and how it is taken up and put down.

config + data -> Parts(network, objective, optimiser, batches)
run folder -> Place, and the parts as they were there; Parts + Place -> run folder
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim import Optimizer

from training.batches import Batches
from training.checkpoint import (
    CONFIG_FILE,
    RESUME_FILE,
    Place,
    epochs,
    load_backbone,
    load_config,
    load_resume,
    save_config,
    save_resume,
    save_weights,
)
from training.config import TrainConfig, differences
from training.data import TrainingData
from training.distributed import World, share_statistics
from training.errors import BadCheckpoint, BadConfig, Diverged
from training.gradients import Stepper
from training.network import FaceNetwork, Network, load_imagenet_weights, make_network
from training.objectives import OBJECTIVES, Objective, make_objective
from training.optimizers import make_optimizer

logger = logging.getLogger("lookalike")


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """What a run is made of; `learnt` holds network and objective under these names."""

    config: TrainConfig
    run: Path
    world: World
    network: Network
    objective: Objective
    learnt: nn.ModuleDict
    optimizer: Optimizer
    stepper: Stepper
    batches: Batches


@dataclass(frozen=True, slots=True)
class Own:
    """What a caller makes itself in place of what the settings name; None: as they name it.

    Attributes:
        network: makes a network with random weights.
        objective: makes an objective, given the width P of the projections.
    """

    network: Callable[[], Network] | None = None
    objective: Callable[[int], Objective] | None = None


def make_parts(
    data: TrainingData, config: TrainConfig, run: Path, world: World, own: Own | None = None
) -> Parts:
    """Network, objective, optimiser and batches, with random weights on the run's device.

    Raises:
        BadConfig: a setting does not fit the machine, or names what is not there.
        BadTrainingData: the objective cannot learn from these data.
    """
    _set_up_torch(config, world)
    if config.batch % world.size:
        raise BadConfig(f"batch = {config.batch} cannot be shared by {world.size} processes")
    own = own or Own()
    network = own.network() if own.network else make_network(config)
    has_teacher = data.teacher is not None
    if own.objective:
        objective = own.objective(network.projection_dim)
        type(objective).check(data.people, has_teacher=has_teacher)
    else:
        OBJECTIVES[config.objective].check(data.people, has_teacher=has_teacher)
        objective = make_objective(
            config,
            people=int(data.people.max()) + 1,
            dim=network.projection_dim,
            teacher_dim=0 if data.teacher is None else data.teacher.shape[1],
        )
    share_statistics(network, world)
    learnt = nn.ModuleDict({"network": network, "objective": objective})
    # Convolutions are faster with channels last, on a GPU and on a CPU.
    learnt.to(world.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    stepper = Stepper(
        _wrapped(network, config, world), objective, world, config.chunk, _precision(config, world)
    )
    optimizer = make_optimizer(learnt.parameters(), config)
    batches = Batches(data, config, type(objective), world)
    return Parts(config, run, world, network, objective, learnt, optimizer, stepper, batches)


def _set_up_torch(config: TrainConfig, world: World) -> None:
    if config.threads:
        torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    if world.device.type == "cuda":
        torch.set_float32_matmul_precision("high")  # TF32 where bfloat16 is not used
        torch.backends.cudnn.benchmark = True  # all batches are of one size


def _precision(config: TrainConfig, world: World) -> torch.dtype:
    narrow = config.precision == "auto" and world.device.type == "cuda"
    return torch.bfloat16 if narrow or config.precision == "bfloat16" else torch.float32


def _wrapped(network: Network, config: TrainConfig, world: World) -> nn.Module:
    """The network as it is trained: compiled, and one of several, where that is asked for."""
    module: nn.Module = network
    if config.compile:
        network.compile()
    if world.size > 1:
        module = DistributedDataParallel(module)
    return module


def begin_or_go_on(parts: Parts) -> Place:
    """Load where the run stands, or set its start; return the place.

    Raises:
        BadConfig: the folder holds a run with other settings.
        BadCheckpoint: what is there, or what it is to start from, cannot be loaded.
    """
    config, run = parts.config, parts.run
    if (run / CONFIG_FILE).is_file() and (changed := differences(load_config(run), config)):
        raise BadConfig(f"{run} holds a run with other settings ({changed}); choose another folder")
    place = load_resume(run, parts.learnt, parts.optimizer)
    if place is None and epochs(run):
        raise BadCheckpoint(
            f"{run} has weights but no {RESUME_FILE} to go on from; "
            f"begin another run with start = {run}"
        )
    if place is None:
        _start(parts)
    if parts.world.rank == 0:
        save_config(run, config)
    return place or Place()


def _start(parts: Parts) -> None:
    start, network = parts.config.start, parts.network
    if start == "random":
        return
    if not isinstance(network, FaceNetwork):
        raise BadConfig(f"start = {start!r}: only a ResNet starts from weights that are there")
    if start != "imagenet":
        load_backbone(Path(start), network)
    elif not load_imagenet_weights(network, parts.config.arch):
        logger.warning("the ImageNet weights cannot be loaded; starting from random ones")


def save(parts: Parts, place: Place, *, weights: bool = False) -> None:
    """Save where the run stands, and the weights by themselves where an epoch is over.

    Raises:
        Diverged: a weight is not finite: the last step spoilt it; what was saved before stays.
    """
    for name, value in parts.learnt.named_parameters():
        if not bool(value.isfinite().all()):
            raise Diverged(
                f"{name} is not finite any more after epoch {place.epoch}. What helps: a lower "
                f"learning_rate or a longer warmup; what {parts.run} holds is still sound"
            )
    if parts.world.rank == 0:
        if weights:
            save_weights(parts.run, place.epoch, parts.learnt, parts.config.keep_checkpoints)
        save_resume(parts.run, place, parts.learnt, parts.optimizer)
    parts.world.wait()
