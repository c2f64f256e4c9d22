"""A memory of embeddings seen of late, for objectives that compare with more than a batch."""

import torch
from torch import Tensor, nn


class Memory(nn.Module):
    """The last Q embeddings of unit length. As buffers, they are saved and moved with a network."""

    queue: Tensor
    place: Tensor

    def __init__(self, size: int, dim: int) -> None:
        """Make it empty.

        Args:
            size: embeddings remembered, Q.
            dim: width of each.
        """
        super().__init__()
        self.register_buffer("queue", torch.zeros(size, dim))
        self.register_buffer("place", torch.zeros((), dtype=torch.int64))

    @property
    def empty(self) -> Tensor:
        """Bool (Q,), True where nothing has been remembered yet."""
        return self.queue.abs().sum(dim=1) == 0

    def kept(self) -> Tensor:
        """What is remembered, (at most Q, dim)."""
        return self.queue[~self.empty]

    @torch.no_grad()
    def remember(self, units: Tensor) -> None:
        """Put `units` (N, dim) in the place of the oldest."""
        size = len(self.queue)
        newest = units[-size:]
        places = (self.place + torch.arange(len(newest), device=units.device)) % size
        self.queue[places] = newest
        self.place.copy_((self.place + len(newest)) % size)
