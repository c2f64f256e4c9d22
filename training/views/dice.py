"""Random numbers of a batch of views: each sample has its own."""

from enum import IntEnum, auto

import torch
from torch import Tensor


class Step(IntEnum):
    """What can be done to a view; a policy draws for each sample and step whether it is."""

    MOVE = 0
    TURN = auto()
    SHEAR = auto()
    POSE = auto()
    MIRROR = auto()
    BLUR = auto()
    SHRINK = auto()
    COMPRESS = auto()
    COLOUR = auto()
    GREY = auto()
    SIDE_LIGHT = auto()
    NOISE = auto()
    COVER = auto()


class Dice:
    """Draws (B,) numbers for a batch of B views, on its device."""

    def __init__(
        self, count: int, device: torch.device, generator: torch.Generator, *, subset: bool = False
    ) -> None:
        """Make it.

        Args:
            count: B.
            device: of the numbers, and of `generator`.
            generator: where they come from.
            subset: each sample gets a random number of steps, from none to all, and which these
                are is random too; the chances of a policy then only say which steps are possible.
        """
        self._count = count
        self._device = device
        self._generator = generator
        self._ranks: Tensor | None = None
        if subset:
            self._ranks = self._unit(len(Step), count).argsort(dim=0).argsort(dim=0)
            self._steps = (self._unit(count) * (len(Step) + 1)).floor()

    def uniform(self, low: float, high: float) -> Tensor:
        """Numbers (B,) between `low` and `high`."""
        return low + (high - low) * self._unit(self._count)

    def spread(self, most: float) -> Tensor:
        """Numbers (B,) between -`most` and `most`."""
        return self.uniform(-most, most)

    def applies(self, step: Step, chance: float = 1.0) -> Tensor:
        """Whether a step applies, bool (B,); never where its chance is 0."""
        if self._ranks is None or chance == 0:
            return self._unit(self._count) < chance
        return self._ranks[step] < self._steps

    def noise(self, *shape: int) -> Tensor:
        """Numbers between 0 and 1 of any shape."""
        return self._unit(*shape)

    def normal(self, *shape: int) -> Tensor:
        """Normally distributed numbers of any shape."""
        return torch.randn(shape, device=self._device, generator=self._generator)

    def _unit(self, *shape: int) -> Tensor:
        return torch.rand(shape, device=self._device, generator=self._generator)
