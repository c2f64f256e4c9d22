"""The training loop.

    batches -> network -> objective -> gradients -> optimiser -> meters -> checkpoint now and then

A run lives in one folder (training.checkpoint) and goes on from where it stopped when started
again, also inside an epoch; that gives the same weights as a run that was never interrupted.
"""

import math
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path

import torch

from training.batches import seed_of
from training.checkpoint import Place
from training.config import TrainConfig
from training.data import TrainingData
from training.distributed import World, chosen_device
from training.errors import BadTrainingData, Diverged
from training.journal import Journal
from training.monitor import Meter, Progress, knn_on, tell_collapse
from training.network import Network
from training.optimizers import set_rate
from training.parts import Own, Parts, begin_or_go_on, make_parts, save
from training.stopping import Stop

READ_EVERY = {"cpu": 1, "cuda": 10}
"""Steps between readings of the meters. Reading makes the CPU wait for a GPU, which then idles."""

OnProgress = Callable[[Progress], None]


def train(
    data: TrainingData,
    config: TrainConfig,
    run: Path,
    *,
    validation: TrainingData | None = None,
    world: World | None = None,
    own: Own | None = None,
    on_progress: OnProgress = lambda _progress: None,
) -> Network:
    """Train, or go on training, the run in the folder `run`.

    Args:
        data: crops and people.
        config: settings; those of a run that goes on must be the same in all that decides weights.
        run: folder of the run.
        validation: labelled faces of other people, for the kNN accuracy.
        world: the processes that train together (training.distributed.joined); else this one.
        own: a network or an objective in place of those that `config` names.
        on_progress: told of every step that is read, of an epoch's last with the kNN accuracy.

    Returns:
        The trained network.

    Raises:
        BadConfig: the folder holds a run with other settings, or one does not fit the machine.
        BadTrainingData: the objective cannot learn from these data, or they cannot be read.
        Diverged: the loss is not finite any more.
        KeyboardInterrupt: Ctrl-C or SIGTERM; what was done is saved.
    """
    world = world or World(chosen_device(config.device))
    parts = make_parts(data, config, run, world, own)
    place = begin_or_go_on(parts)
    tell: OnProgress = on_progress if world.rank == 0 else lambda _progress: None
    with Stop(patient=world.size > 1) as stop, _journal(parts, place) as journal:
        while place.epoch < config.epochs:
            progress = _train_epoch(parts, place, stop, tell)
            place = Place(place.epoch + 1)
            if _due(place.epoch, config.knn_every, config) and validation is not None:
                knn = knn_on(parts.network, validation, config.size_px, world.device)
                progress = replace(progress, knn=knn)
            tell(progress)
            due, stopped = _due(place.epoch, config.checkpoint_every, config), world.any(stop.asked)
            if due or stopped:
                save(parts, place, weights=due)
            if journal:
                journal.write(progress)
            if stopped:
                raise KeyboardInterrupt
    return parts.network


def _train_epoch(parts: Parts, place: Place, stop: Stop, tell: OnProgress) -> Progress:
    """Do the steps that are left of the epoch after `place`."""
    config, world, number, done = parts.config, parts.world, place.epoch + 1, place.step
    epoch = parts.batches.epoch(number, done)
    meter, read_every = Meter(place.sums), READ_EVERY[world.device.type]
    parts.learnt.train()
    try:
        for step, (views, batch) in enumerate(epoch, start=done + 1):
            all_steps, steps_before = config.epochs * epoch.steps, place.epoch * epoch.steps
            rate = set_rate(parts.optimizer, config, steps_before + step, all_steps)
            torch.manual_seed(seed_of(config.seed, number, step))  # of what an objective draws
            parts.optimizer.zero_grad(set_to_none=True)
            outcome = parts.stepper(views, batch)
            meter.step(outcome)
            read = step % read_every == 0 or step == epoch.steps
            if read:
                meter.read(outcome, batch, parts.objective.views)
                _check_finite(meter, f"epoch {number}, step {step}", parts.run)
            parts.optimizer.step()
            done = step
            if read:
                progress = meter.progress(number, step, epoch.steps, rate)
            if read and step < epoch.steps:  # the last step is told with what the epoch came to
                tell(progress)
                if world.any(stop.asked):
                    save(parts, Place(place.epoch, step, meter.sums))
                    raise KeyboardInterrupt
                meter.skip()
    except BadTrainingData:
        if done > place.step:
            meter.drain()
            save(parts, Place(place.epoch, done, meter.sums))
        raise
    tell_collapse(progress)
    return progress


def _journal(parts: Parts, place: Place) -> AbstractContextManager[Journal | None]:
    """Process 0 keeps the journal."""
    if parts.world.rank:
        return nullcontext()
    return Journal(parts.run, done=place.epoch, curves=parts.config.tensorboard)


def _due(epoch: int, every: int, config: TrainConfig) -> bool:
    """Whether something done every so many epochs, and after the last, is due."""
    return every > 0 and (epoch % every == 0 or epoch == config.epochs)


def _check_finite(meter: Meter, where: str, run: Path) -> None:
    """Stop before a step spoils the weights.

    Raises:
        Diverged: the loss is infinite or not a number.
    """
    if not math.isfinite(meter.sums["loss"]):
        raise Diverged(
            f"the loss is not finite any more at {where}. What helps: a lower learning_rate, a "
            f"longer warmup, or precision = float32; what {run} holds is still sound"
        )
