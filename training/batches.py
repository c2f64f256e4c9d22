"""Batches of an epoch, prepared while the network is busy with the one before.

    (seed, epoch) -> pairs -> photos of a step -> crops -> device -> views + Batch

Everything random is drawn from (seed, epoch, step, process), so that an epoch can be entered
anywhere and gives what it would have given.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from training.config import TrainConfig
from training.data import TrainingData
from training.distributed import World
from training.errors import BadTrainingData
from training.objectives import Batch, Objective
from training.pairs import epoch_pairs
from training.parallel import ahead
from training.views import make_views, plain_views, view_policy

BATCHES_AHEAD = 2

Indices = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Batches:
    """Makes the batches of a run.

    Attributes:
        data: crops and people.
        config: settings.
        objective: decides how many views there are and what they show.
        world: of whose batch this process makes its part.
    """

    data: TrainingData
    config: TrainConfig
    objective: type[Objective]
    world: World

    def epoch(self, epoch: int, done: int = 0) -> "Epoch":
        """Plan an epoch.

        Args:
            epoch: counted from 1.
            done: steps to be left out.

        Raises:
            BadTrainingData: there is less than one batch of photos.
        """
        anchors, partners = epoch_pairs(
            self.data.people,
            self.objective,
            self.config.max_per_person,
            (self.config.seed, epoch),
        )
        steps = len(anchors) // self.config.batch
        if not steps:
            raise BadTrainingData(
                f"{len(anchors)} photos are less than one batch of {self.config.batch}"
            )
        return Epoch(self, epoch, done, steps, anchors, partners)


@dataclass(frozen=True, slots=True, eq=False)
class Epoch:
    """One pass over the photos: iterate to get views (V*b, 3, S, S) and what is known of the batch.

    The views are this process's part, the Batch tells of all V*B rows.
    """

    made_by: Batches
    epoch: int
    done: int
    steps: int
    anchors: Indices
    partners: Indices

    def __iter__(self) -> Iterator[tuple[Tensor, Batch]]:
        left = range(self.done + 1, self.steps + 1)
        with ThreadPoolExecutor(1) as pool:
            yield from ahead(pool, self._prepare, left, limit=BATCHES_AHEAD)

    def _prepare(self, step: int) -> tuple[Tensor, Batch]:
        """Batch of one step, counted from 1.

        Raises:
            BadTrainingData: the crops cannot be read any more.
        """
        size = self.made_by.config.batch
        rows = slice((step - 1) * size, step * size)
        slots = [self.anchors[rows], self.partners[rows]][: self.made_by.objective.views]
        try:
            views = self._views(slots, step)
        except (OSError, IndexError) as error:
            raise BadTrainingData(
                f"the crops for epoch {self.epoch}, step {step} cannot be read: {error}"
            ) from error
        return views, self._known(np.concatenate(slots))

    def _views(self, slots: list[Indices], step: int) -> Tensor:
        """This process's views, float32 (V*b, 3, S, S) on its device."""
        config, world = self.made_by.config, self.made_by.world
        part = world.part(config.batch)
        crops = self._crops(np.concatenate([photos[part] for photos in slots]))
        seed = seed_of(config.seed, self.epoch, step, world.rank)
        generator = torch.Generator(world.device).manual_seed(seed)
        policy, size_px = view_policy(config.views), config.size_px
        if config.augment == "one" and len(slots) == 2:
            first, second = crops.chunk(2)
            changed = make_views(second, size_px, policy, generator)
            views = torch.cat([plain_views(first, size_px), changed])
        else:
            views = make_views(crops, size_px, policy, generator)
        return views.contiguous(memory_format=torch.channels_last)

    def _crops(self, photos: Indices) -> Tensor:
        """Crops as uint8 (N, 3, S', S') on the device."""
        crops = torch.from_numpy(self.made_by.data.crops[photos])
        if self.made_by.world.device.type == "cuda":
            crops = crops.pin_memory().to(self.made_by.world.device, non_blocking=True)
        return crops.permute(0, 3, 1, 2)

    def _known(self, photos: Indices) -> Batch:
        data, device = self.made_by.data, self.made_by.world.device
        return Batch(
            people=torch.from_numpy(data.people[photos]).to(device),
            sources=torch.from_numpy(data.sources[photos]).to(device),
            photos=torch.from_numpy(photos).to(device),
            teacher=(
                None if data.teacher is None else torch.from_numpy(data.teacher[photos]).to(device)
            ),
        )


def seed_of(*numbers: int) -> int:
    """One seed from several numbers; other numbers give one that has nothing to do with it."""
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0] >> 1)
