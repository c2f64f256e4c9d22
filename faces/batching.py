"""Batching: crops of several requests go through the encoder in one call.

    worker -> embed(crops) --.
    worker -> embed(crops) --+-> one call of the graph -> each its own embeddings
    worker -> embed(crops) --'

Whoever waits longest leads: it takes what waits beside it and makes the call in its own thread, so
nothing is handed over and a lone request costs no more than without. A device has lanes, the calls
that it does well at the same time: one a core, and one for a GPU. Crops that find every lane taken
go together in the next call. `wait_s` lets a leader also wait for requests that are not here yet.

A row does not depend on the rows beside it: with ONNX Runtime on a CPU the bits are the same
whatever the batch, which the tests hold to 1e-5.
"""

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from faces.card import Card
from faces.encoder import LoadedEncoder
from faces.landmarks import LandmarkNetwork
from faces.types import Crops, Embeddings

MOST = 16
"""Crops in one call. On two cores 16 take 60 % of the time that they take one by one."""


@dataclass(slots=True, eq=False)
class _Ticket:
    """Crops of one caller, and what became of them."""

    crops: Crops
    deadline_s: float
    embeddings: Embeddings | None = None
    error: Exception | None = None

    @property
    def done(self) -> bool:
        return self.embeddings is not None or self.error is not None


class BatchingEncoder:
    """An encoder that joins the crops of concurrent callers. Thread-safe."""

    def __init__(
        self,
        encoder: LoadedEncoder,
        *,
        lanes: int = 1,
        wait_s: float = 0.0,
        company: Callable[[], int] | None = None,
        observe: Callable[[int], None] | None = None,
    ) -> None:
        """Wrap an encoder.

        Args:
            encoder: does the work.
            lanes: calls of it that may run at the same time.
            wait_s: how long a leader waits for others, in seconds.
            company: how many requests are in work; a leader waits for no more than those.
            observe: is told how many crops each call had.
        """
        self._encoder = encoder
        self._lanes = lanes
        self._free = lanes
        self._wait_s = wait_s
        self._company = company
        self._observe = observe
        self._waiting: list[_Ticket] = []
        self._changed = threading.Condition()

    @property
    def card(self) -> Card:
        """The encoder's card."""
        return self._encoder.card

    @property
    def landmarks(self) -> LandmarkNetwork | None:
        """The encoder's landmark network."""
        return self._encoder.landmarks

    @property
    def device(self) -> str:
        """Where the encoder runs."""
        return self._encoder.device

    @property
    def dimension(self) -> int:
        """D, the length of one embedding."""
        return self._encoder.dimension

    def warm_up(self, companions: int) -> None:
        """Run the sizes of batches that so many concurrent callers can make: 1, 2, 4 ... `MOST`.

        The first call of a size plans its memory, and on a GPU chooses its algorithms.
        """
        size_px = self.card.input.size_px
        batches = self._wait_s > 0 or companions > self._lanes
        largest = min(companions, MOST) if batches else 1
        sizes = [1 << power for power in range(largest.bit_length()) if 1 << power < largest]
        for size in [*sizes, largest]:
            self._encoder.embed(np.zeros((size, size_px, size_px, 3), np.uint8))

    def embed(self, crops: Crops) -> Embeddings:
        """Embed uint8 crops (N, S, S, 3) into float32 (N, D), together with those of others.

        Raises:
            ValueError: these crops have another shape or type than the card says.
        """
        ticket = _Ticket(crops, time.monotonic() + self._wait_s)
        with self._changed:
            self._waiting.append(ticket)
            self._changed.notify_all()
            while not (ticket.done or self._may_lead(ticket)):
                self._changed.wait(self._patience_s(ticket))
            if not ticket.done:
                batch = self._take()
        if not ticket.done:
            self._run(batch)
        if ticket.error is not None:
            raise ticket.error
        assert ticket.embeddings is not None
        return ticket.embeddings

    def _may_lead(self, ticket: _Ticket) -> bool:
        """Whether to make a call now: first in the row, a lane is free, nobody to wait for."""
        if self._free == 0 or not self._waiting or self._waiting[0] is not ticket:
            return False
        if time.monotonic() >= ticket.deadline_s:
            return True
        if sum(len(other.crops) for other in self._waiting) >= MOST:
            return True
        return self._company is not None and self._company() <= len(self._waiting)

    def _patience_s(self, ticket: _Ticket) -> float | None:
        """How long to sleep; None until somebody wakes us: no lane is free, or another leads."""
        if self._free == 0 or not self._waiting or self._waiting[0] is not ticket:
            return None
        return max(0.0, ticket.deadline_s - time.monotonic())

    def _take(self) -> list[_Ticket]:
        """The first in the row, and those behind it as far as they fit in one call."""
        batch = [self._waiting.pop(0)]
        count = len(batch[0].crops)
        while self._waiting and count + len(self._waiting[0].crops) <= MOST:
            count += len(self._waiting[0].crops)
            batch.append(self._waiting.pop(0))
        self._free -= 1
        self._changed.notify_all()  # the next in the row leads now
        return batch

    def _run(self, batch: Sequence[_Ticket]) -> None:
        try:
            self._embed_together(batch)
        finally:
            with self._changed:
                self._free += 1
                self._changed.notify_all()

    def _embed_together(self, batch: Sequence[_Ticket]) -> None:
        """One call for all; where that fails one for each, so that nobody pays for another."""
        if len(batch) > 1:
            with suppress(Exception):  # ONNX Runtime's errors share no base below Exception
                joined = self._embed(np.concatenate([ticket.crops for ticket in batch]))
                ends = np.cumsum([len(ticket.crops) for ticket in batch])
                for ticket, rows in zip(batch, np.split(joined, ends[:-1]), strict=True):
                    ticket.embeddings = rows
                return
        for ticket in batch:
            try:
                ticket.embeddings = self._embed(ticket.crops)
            except Exception as error:  # noqa: BLE001 - raised again by the caller it belongs to
                ticket.error = error

    def _embed(self, crops: Crops) -> Embeddings:
        if self._observe is not None:
            self._observe(len(crops))
        return self._encoder.embed(crops)
