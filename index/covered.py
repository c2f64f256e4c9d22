"""Rows of which some are dead: a base with its tombstones, or a delta. Search passes the dead by.

Axes: N rows, Q queries, K results, D embedding dimension.
"""

from collections.abc import Callable
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from faces.types import Embeddings
from index.bases import NOBODY, Base
from index.faiss_index import Positions
from index.vector_index import Keys, Similarities


class Rows(Protocol):
    """A base with its tombstones, or a delta."""

    @property
    def count(self) -> int:
        """N, dead ones too."""
        ...

    @property
    def dead(self) -> npt.NDArray[np.bool_]:
        """Which rows are dead, of at least `count`; it changes as they die."""
        ...

    def scan(self, queries: Embeddings, count: int) -> tuple[Similarities, Positions]:
        """The `count` rows most like each query, best first, dead ones too."""
        ...


class Scanned(Protocol):
    """A base, or something that searches one faster."""

    @property
    def kind(self) -> str:
        """Its name in settings and in answers."""
        ...

    def scan(self, queries: Embeddings, count: int) -> tuple[Similarities, Positions]:
        """See `Base.scan`."""
        ...


Accelerate: TypeAlias = Callable[[Base], Scanned]


class Covered:
    """A base with its tombstones: which rows are dead, and where each key is."""

    def __init__(self, base: Base, accelerate: Accelerate | None) -> None:
        """Sort the keys, which takes 0.1 s for a million."""
        self.base = base
        self.scanned: Scanned = base if accelerate is None else accelerate(base)
        self.count = base.count
        self.dead: npt.NDArray[np.bool_] = base.keys == NOBODY
        self.deaths = int(np.count_nonzero(self.dead))
        self._order = np.argsort(base.keys, kind="stable").astype(np.int32)

    def scan(self, queries: Embeddings, count: int) -> tuple[Similarities, Positions]:
        """See `Base.scan`."""
        return self.scanned.scan(queries, count)

    def positions(self, keys: Keys) -> Positions:
        """Of those of the keys that the base has, dead ones too."""
        places = np.searchsorted(self.base.keys, keys, sorter=self._order)
        positions = self._order[np.minimum(places, self.count - 1)].astype(np.int64)
        known: Positions = positions[self.base.keys[positions] == keys]
        return known

    def kill(self, positions: Positions) -> None:
        """Give tombstones to rows; those that have one keep it."""
        fresh = np.unique(positions[~self.dead[positions]])
        self.dead[fresh] = True
        self.deaths += len(fresh)


def living(rows: Rows, queries: Embeddings, count: int) -> tuple[Similarities, Positions]:
    """The best rows of each query that are not dead: as many as `count`, if there are so many.

    Dead rows are found like others, so more are asked for until enough of them are alive.
    """
    total = rows.count
    deaths = int(np.count_nonzero(rows.dead[:total]))
    count = min(count, total - deaths)
    asked = min(count + min(deaths, count), total)
    while True:
        similarities, positions = rows.scan(queries, asked)
        gone = (positions < 0) | rows.dead[positions]  # looked up after the scan: it may have grown
        if asked >= total or (np.sum(~gone, axis=1) >= count).all():
            break
        asked = min(4 * asked, total)
    similarities = np.where(gone, -np.inf, similarities)
    order = np.argsort(-similarities, axis=1, kind="stable")[:, :count]
    positions = np.where(gone, -1, positions)
    return np.take_along_axis(similarities, order, 1), np.take_along_axis(positions, order, 1)
