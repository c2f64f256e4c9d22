"""Bases on a GPU: one thread owns the device and answers all who wait in one search.

    searches --> queue --> owner: everything that waits, as one batch --> device
    bases    --> queue --> owner: a block of rows whenever nobody waits

The device finds candidates among all rows in float16; the base itself compares those again. Until a
base is on the device, and for more candidates than that gives, the base answers on the CPU.

Axes: N rows, Q queries, K results, D embedding dimension.
"""

import logging
import queue
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from faces.types import Embeddings
from index.bases import REFINED, REFINED_MORE, ROWS_AT_ONCE, Base
from index.faiss_index import Positions
from index.vector_index import Similarities

log = logging.getLogger(__name__)

GPU = "gpu"

MAX_CANDIDATES = 2048
"""FAISS gives no more from a GPU."""


class DeviceRows(Protocol):
    """Vectors on a device. Only the owner's thread calls it."""

    def add(self, vectors: Embeddings) -> None:
        """Append vectors (N, D)."""
        ...

    def scan(self, queries: Embeddings, count: int) -> Positions:
        """The rows (Q, `count`) most like each query, -1 where there are no more."""
        ...


@dataclass(slots=True, eq=False)
class _Search:
    """Somebody who waits for an answer."""

    rows: DeviceRows
    queries: Embeddings
    count: int
    answer: "Future[Positions]" = field(default_factory=Future)


class GpuOwner:
    """The thread that owns the device. Thread-safe."""

    def __init__(self, make_rows: Callable[[int], DeviceRows]) -> None:
        """Start it; `make_rows` makes empty rows of a dimension, in the owner's thread."""
        self._make_rows = make_rows
        self._searches: queue.SimpleQueue[_Search | None] = queue.SimpleQueue()
        self._uploads: queue.SimpleQueue[Iterator[None]] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="gpu", daemon=True)
        self._thread.start()

    def bring(self, base: Base) -> "GpuBase":
        """The base, which is copied to the device from now on and searched there once it is."""
        brought = GpuBase(base, self)
        self._uploads.put(self._copy(brought))
        self._searches.put(None)  # wakes the owner
        return brought

    def scan(self, rows: DeviceRows, queries: Embeddings, count: int) -> Positions:
        """Candidates (Q, `count`) of the queries, together with whoever asks at the same time.

        Raises:
            RuntimeError: the device failed.
        """
        search = _Search(rows, queries, count)
        self._searches.put(search)
        return search.answer.result()

    def _run(self) -> None:
        upload: Iterator[None] | None = None
        while True:
            if upload is None and not self._uploads.empty():
                upload = self._uploads.get()
            self._answer(self._waiting(block=upload is None))
            if upload is not None and next(upload, self) is self:
                upload = None

    def _waiting(self, *, block: bool) -> list[_Search]:
        """All searches that wait now; with `block`, after waiting for something to do."""
        waiting = []
        try:
            waiting.append(self._searches.get(block=block))
            while True:
                waiting.append(self._searches.get_nowait())
        except queue.Empty:
            return [search for search in waiting if search is not None]

    def _answer(self, searches: list[_Search]) -> None:
        """One search of the device for all who ask the same rows."""
        groups: dict[int, list[_Search]] = defaultdict(list)
        for search in searches:
            groups[id(search.rows)].append(search)
        for group in groups.values():
            try:
                queries = np.concatenate([search.queries for search in group])
                found = group[0].rows.scan(queries, max(search.count for search in group))
            except RuntimeError as error:  # what FAISS raises, whatever CUDA says
                for search in group:
                    search.answer.set_exception(error)
                continue
            start = 0
            for search in group:
                rows = found[start : start + len(search.queries), : search.count]
                search.answer.set_result(rows)
                start += len(search.queries)

    def _copy(self, brought: "GpuBase") -> Iterator[None]:
        """Copy a base block by block, with a pause for searches after each."""
        base = brought.base
        try:
            rows = self._make_rows(base.at(np.arange(1)).shape[1])
            for first in range(0, base.count, ROWS_AT_ONCE):
                rows.add(base.at(np.arange(first, min(first + ROWS_AT_ONCE, base.count))))
                yield
        except RuntimeError as error:  # no room there, for instance: the CPU goes on answering
            log.warning("gpu_failed rows=%d error=%s", base.count, error)
            return
        brought.rows = rows


class GpuBase:
    """A `Scanned` base with, once that is made, its copy on the device."""

    kind = GPU

    def __init__(self, base: Base, owner: GpuOwner) -> None:
        """Not on the device yet."""
        self.base = base
        self.rows: DeviceRows | None = None
        self._owner = owner

    @property
    def count(self) -> int:
        """N."""
        return self.base.count

    def scan(self, queries: Embeddings, count: int) -> tuple[Similarities, Positions]:
        """See `Base.scan`."""
        rows, count = self.rows, min(count, self.count)
        candidates = min(REFINED * count + REFINED_MORE, self.count)
        if rows is None or candidates > MAX_CANDIDATES:
            return self.base.scan(queries, count)
        try:
            found = self._owner.scan(rows, queries, candidates)
        except RuntimeError as error:
            log.warning("gpu_failed rows=%d error=%s", self.count, error)
            self.rows = None
            return self.base.scan(queries, count)
        return self.base.refine(queries, found, count)
