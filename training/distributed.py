"""Several processes train one network: each sees a part of the batch, all see all projections.

    torchrun -> joined() -> World(rank, size, device)
    projections of this process (V*b, P) -> gather -> of all of them (V*B, P), in the batch's order
    batch norm -> statistics over the pictures of all processes

With one process each of these does nothing, so the loop knows one way only.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from training.errors import BadConfig


@dataclass(frozen=True, slots=True)
class World:
    """The processes that train together.

    Attributes:
        device: what this process computes on.
        rank: number of this process, from 0; process 0 writes and shows.
        size: how many there are.
    """

    device: torch.device
    rank: int = 0
    size: int = 1

    def part(self, count: int) -> slice:
        """Which of `count` slots of a batch are this process's."""
        each = count // self.size
        return slice(self.rank * each, (self.rank + 1) * each)

    def gather(self, projections: Tensor, views: int) -> Tensor:
        """The projections of all processes (V*B, P), in the order of the whole batch.

        Args:
            projections: (V*b, P) of this process, without a graph.
            views: V.
        """
        if self.size == 1:
            return projections
        pieces = [torch.empty_like(projections) for _ in range(self.size)]
        dist.all_gather(pieces, projections.contiguous())
        width = projections.shape[1]
        each = torch.stack(pieces).reshape(self.size, views, -1, width)  # (W, V, b, P)
        return each.transpose(0, 1).reshape(-1, width)

    def own(self, gathered: Tensor, views: int) -> Tensor:
        """This process's rows (V*b, P) of what `gather` gave (V*B, P)."""
        if self.size == 1:
            return gathered
        width = gathered.shape[1]
        whole = gathered.reshape(views, -1, width)
        return whole[:, self.part(whole.shape[1])].reshape(-1, width)

    def average_gradients(self, module: nn.Module) -> None:
        """Make the gradients of a module that every process ran on all rows exactly the same."""
        if self.size > 1:
            for parameter in module.parameters():
                if parameter.grad is not None:
                    dist.all_reduce(parameter.grad)
                    parameter.grad /= self.size

    def any(self, flag: bool) -> bool:  # noqa: FBT001  # the question is the argument
        """Whether it is true in any process."""
        if self.size == 1:
            return flag
        value = torch.tensor(float(flag), device=self.device)
        dist.all_reduce(value)
        return bool(value)

    def wait(self) -> None:
        """Go on when all processes are here."""
        if self.size > 1:
            dist.barrier()


@contextmanager
def joined(device: str) -> Iterator[World]:
    """Join the processes that torchrun started; without it there is just this one.

    Args:
        device: "auto", "cpu" or a CUDA device; under torchrun each process takes a GPU of its own.

    Raises:
        BadConfig: the device is not there.
    """
    if not dist.is_torchelastic_launched():
        yield World(chosen_device(device))
        return
    own = chosen_device(device)
    if own.type == "cuda":
        own = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(own)
    dist.init_process_group("nccl" if own.type == "cuda" else "gloo")
    try:
        yield World(own, dist.get_rank(), dist.get_world_size())
    finally:
        dist.destroy_process_group()


def chosen_device(device: str) -> torch.device:
    """The device that a setting names; "auto" is a GPU where there is one.

    Raises:
        BadConfig: it is no device, or not there: no silent fallback.
    """
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        chosen = torch.device(device)
    except RuntimeError:
        raise BadConfig(f"device = {device!r} is none of auto, cpu, cuda, cuda:0, ...") from None
    if chosen.type == "cuda" and not torch.cuda.is_available():
        raise BadConfig(f"device = {device!r} was asked for, and torch finds no CUDA device here")
    return chosen


def share_statistics(network: nn.Module, world: World) -> nn.Module:
    """`network` with batch norm over the pictures of all processes (SimCLR's section 2.1).

    Statistics of one process alone would let pictures of a process recognise one another.
    """
    if world.size == 1:
        return network
    if world.device.type == "cuda":
        result: nn.Module
        result = nn.SyncBatchNorm.convert_sync_batchnorm(network)  # type: ignore[no-untyped-call]
        return result
    for module in list(network.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.BatchNorm1d | nn.BatchNorm2d):
                setattr(module, name, SharedBatchNorm.of(child))
    return network


class SharedBatchNorm(nn.modules.batchnorm._BatchNorm):  # noqa: SLF001  # the base of all batch norms
    """Batch norm over all processes on a CPU, where torch's SyncBatchNorm does not run."""

    @classmethod
    def of(cls, norm: nn.BatchNorm1d | nn.BatchNorm2d) -> "SharedBatchNorm":
        """One with the parameters and buffers of `norm`."""
        shared = cls(norm.num_features, norm.eps, norm.momentum, norm.affine)
        for name, value in (*norm.named_parameters(), *norm.named_buffers()):
            setattr(shared, name, value)
        return shared

    def _check_input_dim(self, input: Tensor) -> None:  # noqa: A002  # torch's name for it
        assert input.ndim in (2, 4)

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002
        """Normalise (B, C) or (B, C, H, W)."""
        if not self.training:
            result: Tensor = super().forward(input)
            return result
        axes = [axis for axis in range(input.ndim) if axis != 1]
        sums = torch.stack([input.sum(axes), (input * input).sum(axes)])
        total: Tensor = _SumOverProcesses.apply(sums)
        count = input.numel() // input.shape[1] * dist.get_world_size()
        mean = total[0] / count
        variance = (total[1] / count - mean * mean).clamp(min=0)
        if self.track_running_stats:
            self._remember(mean.detach(), variance.detach() * count / (count - 1))
        shape = [1, -1] + [1] * (input.ndim - 2)
        scale = (variance + self.eps).rsqrt()
        result = (input - mean.view(shape)) * scale.view(shape)
        if self.affine:
            result = result * self.weight.view(shape) + self.bias.view(shape)
        return result

    def _remember(self, mean: Tensor, variance: Tensor) -> None:
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        assert self.momentum is not None
        self.running_mean.lerp_(mean, self.momentum)
        self.running_var.lerp_(variance, self.momentum)
        self.num_batches_tracked.add_(1)


class _SumOverProcesses(torch.autograd.Function):
    """The sum of a tensor over processes; so is the gradient's."""

    @staticmethod
    def forward(_context: Any, value: Tensor) -> Tensor:  # noqa: ANN401  # torch's own context
        total = value.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(_context: Any, *gradients: Tensor) -> Tensor:  # noqa: ANN401
        total = gradients[0].clone()
        dist.all_reduce(total)
        return total
