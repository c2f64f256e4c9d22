"""The delta: faces that are not in the base yet, in memory, compared one and all.

Rows are only ever appended, and a count says how many there are, so whoever searches needs no lock:
he sees the rows up to the count he read.
"""

import numpy as np
import numpy.typing as npt

from faces.types import Embeddings
from index.faiss_index import Positions, inner_products
from index.vector_index import Keys, Similarities

_FIRST_ROWS = 64


class Delta:
    """Rows of float32 (D,), by the order in which they came. One thread at a time may append."""

    def __init__(self, dimension: int) -> None:
        """An empty delta."""
        self._vectors = np.empty((0, dimension), np.float32)
        self._keys: Keys = np.empty(0, np.int64)
        self._dead = np.empty(0, np.bool_)
        self._places: dict[int, int] = {}
        self._count = 0

    @property
    def count(self) -> int:
        """How many rows there are, dead ones too."""
        return self._count

    @property
    def live(self) -> int:
        """How many rows are not dead."""
        return len(self._places)

    def append(self, keys: Keys, vectors: Embeddings) -> None:
        """Add rows (N,), (N, D) of keys that are not here."""
        start, end = self._count, self._count + len(keys)
        if end > len(self._keys):
            self._grow(max(2 * len(self._keys), end, _FIRST_ROWS))
        self._vectors[start:end] = vectors
        self._keys[start:end] = keys
        self._dead[start:end] = False
        self._places.update(zip(keys.tolist(), range(start, end), strict=True))
        self._count = end

    def kill(self, keys: Keys) -> None:
        """Let go of the rows of these keys, as far as they are here."""
        for key in keys.tolist():
            place = self._places.pop(key, None)
            if place is not None:
                self._dead[place] = True

    def scan(self, queries: Embeddings, count: int) -> tuple[Similarities, Positions]:
        """The `count` rows most like each query, best first; fewer where there are fewer."""
        return inner_products(queries, self._vectors[: self._count], count)

    def keys_at(self, positions: Positions) -> Keys:
        """The keys of rows."""
        return self._keys[positions]

    @property
    def dead(self) -> npt.NDArray[np.bool_]:
        """Whether rows are dead; of at least `count` rows, and it changes as they die."""
        return self._dead

    def living(self) -> tuple[Keys, Embeddings]:
        """Keys and vectors of the rows that are not dead, copied."""
        alive = np.flatnonzero(~self._dead[: self._count])
        return self._keys[alive], self._vectors[alive]

    def _grow(self, size: int) -> None:
        """Copy the rows to larger arrays; who searches the old ones may go on with them."""
        vectors = np.empty((size, self._vectors.shape[1]), np.float32)
        vectors[: self._count] = self._vectors[: self._count]
        extra = size - len(self._keys)
        self._keys = np.concatenate([self._keys, np.empty(extra, np.int64)])
        self._dead = np.concatenate([self._dead, np.zeros(extra, np.bool_)])
        self._vectors = vectors
