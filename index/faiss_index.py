"""The exact vector index, by FAISS: every query is compared with every face.

`IndexFlatIP` knows positions; the keys stand beside it in the same order. FAISS searches without
the interpreter's lock, but does not guard an index against changes meanwhile, so searches share a
lock that a change has alone. This is the only module that knows FAISS.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

import faiss
import numpy as np

from faces.types import Embeddings
from index.read_write_lock import ReadWriteLock
from index.vector_index import Keys, Similarities
from index.vectors import checked

EXACT = "exact"

_KEYS = np.dtype("<i8")
_VECTORS = np.dtype("<f4")


class FaissExactIndex:
    """An exact `VectorIndex` in this process's memory: 4 D + 8 bytes a face."""

    kind = EXACT

    def __init__(self, dimension: int) -> None:
        """An empty index for vectors of this dimension."""
        self._dimension = dimension
        self._lock = ReadWriteLock()
        self._vectors = faiss.IndexFlatIP(dimension)
        self._keys: Keys = np.empty(0, np.int64)
        self._last_seq = 0

    @property
    def size(self) -> int:
        """How many faces it holds."""
        return len(self._keys)

    @property
    def last_seq(self) -> int:
        """The last change of the store that it has followed."""
        return self._last_seq

    def add(self, keys: Keys, vectors: Embeddings) -> None:
        """Hold these faces; see `VectorIndex.add`."""
        vectors = checked(vectors, self._dimension)
        with self._lock.write():
            self._remove(keys)
            self._vectors.add(vectors)
            self._keys = np.concatenate([self._keys, keys])

    def remove(self, keys: Keys) -> None:
        """Let go of these faces; see `VectorIndex.remove`."""
        with self._lock.write():
            self._remove(keys)

    def follow(self, seq: int) -> None:
        """Note that all changes up to `seq` have been applied."""
        self._last_seq = seq

    def search(self, queries: Embeddings, count: int) -> tuple[Similarities, Keys]:
        """The nearest faces of each query; see `VectorIndex.search`."""
        queries = checked(queries, self._dimension)
        with self._lock.read():
            if not self.size:
                return np.empty((len(queries), 0), np.float32), np.empty(
                    (len(queries), 0), np.int64
                )
            with _one_thread():
                similarities, positions = self._vectors.search(queries, min(count, self.size))
            return similarities, self._keys[positions]

    def save(self, file: BinaryIO) -> None:
        """Write the keys (int64), then the vectors (float32), both little-endian."""
        with self._lock.read():
            file.write(self._keys.astype(_KEYS).data)
            if self.size:
                numbers = faiss.rev_swig_ptr(self._vectors.get_xb(), self.size * self._dimension)
                file.write(numbers.astype(_VECTORS, copy=False).data)

    def load(self, file: BinaryIO, count: int) -> None:
        """Hold what `save` wrote."""
        keys = np.frombuffer(file.read(count * _KEYS.itemsize), _KEYS).astype(np.int64)
        size = count * self._dimension * _VECTORS.itemsize
        vectors = np.frombuffer(file.read(size), _VECTORS).reshape(count, self._dimension)
        with self._lock.write():
            self._vectors.reset()
            self._vectors.add(checked(vectors, self._dimension))
            self._keys = keys

    def _remove(self, keys: Keys) -> None:
        """Drop those of the keys that are held; the others close up in the same order."""
        if not len(keys) or not self.size or keys.min() > self._keys.max():  # all new: keys grow
            return
        positions = np.flatnonzero(np.isin(self._keys, keys))
        if len(positions):
            self._vectors.remove_ids(faiss.IDSelectorBatch(positions))
            self._keys = np.delete(self._keys, positions)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Let FAISS search in the calling thread alone.

    Concurrent searches share the cores by themselves. A team of threads for each would wait in busy
    loops: on 2 loaded cores, 20,000 faces took 120 ms so, and 24 ms in one thread.
    """
    threads = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)  # of this thread only
    try:
        yield
    finally:
        faiss.omp_set_num_threads(threads)
