"""Gradients of a whole batch, however many pieces and processes it is cut into.

    views -> network, piece by piece -> projections -> gather -> objective -> loss
    loss -> gradient at the projections -> network, piece by piece -> gradients of its weights

The objective never sees the network: the gradient at the projections is all that goes back. So a
batch may be larger than memory allows at once (gradient caching, Gao et al. 2021,
arXiv:2101.06983, section 3) or spread over processes, and the gradients are those of the
whole batch. One thing differs by the cut: batch norm takes its statistics from the pictures that
pass together, a piece of the batch (of all processes).
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.parallel import DistributedDataParallel

from training.distributed import World
from training.objectives import Batch, Objective


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What a step gave.

    Attributes:
        loss: scalar, of the whole batch.
        projections: (V*B, P) of the whole batch, without a graph.
    """

    loss: Tensor
    projections: Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Stepper:
    """Fills the gradients of a network and an objective with those of a batch.

    Attributes:
        network: makes projections of views; under torchrun wrapped for it.
        objective: makes a loss of projections.
        world: the processes.
        chunk: views that pass the network together; 0: all.
        precision: of the network's arithmetic.
    """

    network: nn.Module
    objective: Objective
    world: World
    chunk: int = 0
    precision: torch.dtype = torch.float32

    def __call__(self, views: Tensor, batch: Batch) -> Outcome:
        """Compute loss and gradients; gradients that are there already are added to.

        Args:
            views: float32 (V*b, 3, S, S), this process's part of the batch.
            batch: what is known of all rows (V*B,) of the whole batch.
        """
        pieces = self._cut(views)
        whole = len(pieces) == 1
        with nullcontext() if whole else self._without_graph():
            projections = torch.cat([self._project(piece) for piece in pieces])
        seen = self.world.gather(projections.detach().float(), self.objective.views)
        seen.requires_grad_()
        loss = self.objective(seen, batch)
        loss.backward()
        self.world.average_gradients(self.objective)
        gradients = self._own_gradients(seen).to(projections.dtype)
        if whole:
            projections.backward(gradients)  # type: ignore[no-untyped-call]  # torch leaves it untyped
        else:
            self._backward_in_pieces(pieces, self._cut(gradients))
        return Outcome(loss.detach(), seen.detach())

    def _cut(self, rows: Tensor) -> tuple[Tensor, ...]:
        """Pieces of nearly equal size: batch norm cannot do with a last piece of one."""
        count = -(-len(rows) // self.chunk) if self.chunk else 1
        return torch.tensor_split(rows, count)

    def _own_gradients(self, seen: Tensor) -> Tensor:
        """The gradient at this process's projections."""
        gradient = seen.grad if seen.grad is not None else torch.zeros_like(seen)
        # DistributedDataParallel takes the mean over processes; the sum is what is wanted.
        return self.world.own(gradient, self.objective.views) * self.world.size

    def _backward_in_pieces(
        self, pieces: tuple[Tensor, ...], gradients: tuple[Tensor, ...]
    ) -> None:
        last = len(pieces) - 1
        for number, (piece, gradient) in enumerate(zip(pieces, gradients, strict=True)):
            with nullcontext() if number == last else self._unsynchronised():
                self._project(piece).backward(gradient)  # type: ignore[no-untyped-call]

    def _project(self, views: Tensor) -> Tensor:
        narrow = self.precision != torch.float32
        with torch.autocast(views.device.type, dtype=self.precision, enabled=narrow):
            result: Tensor = self.network(views)
        return result

    def _unsynchronised(self) -> AbstractContextManager[None]:
        """Processes exchange gradients with the last piece only."""
        if isinstance(self.network, DistributedDataParallel):
            return self.network.no_sync()
        return nullcontext()

    @contextmanager
    def _without_graph(self) -> Iterator[None]:
        """The first of two passes keeps no graph, and leaves batch norm's running mean alone."""
        norms = [item for item in self.network.modules() if isinstance(item, _BatchNorm)]
        tracking = [norm.track_running_stats for norm in norms]
        for norm in norms:
            norm.track_running_stats = False
        try:
            with torch.no_grad():
                yield
        finally:
            for norm, tracked in zip(norms, tracking, strict=True):
                norm.track_running_stats = tracked
