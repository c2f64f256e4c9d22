"""The exact vector index, by FAISS: every query is compared with every face.

`IndexIDMap` over `IndexFlatIP`. FAISS searches without the interpreter's lock, but does not guard
an index against changes meanwhile, so searches share a lock that a change has alone. This is the
only module that knows FAISS.
"""

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
        self._index = _empty(dimension)
        self._largest_key = -1
        self._last_seq = 0

    @property
    def size(self) -> int:
        """How many faces it holds."""
        return int(self._index.ntotal)

    @property
    def last_seq(self) -> int:
        """The last change of the store that it has followed."""
        return self._last_seq

    def add(self, keys: Keys, vectors: Embeddings) -> None:
        """Hold these faces; see `VectorIndex.add`."""
        vectors = checked(vectors, self._dimension)
        if not len(keys):
            return
        with self._lock.write():
            # Keys grow, so a new face is beyond all others; only a repeated change looks closer.
            if keys.min() <= self._largest_key:
                self._remove(keys)
            self._index.add_with_ids(vectors, keys)
            self._largest_key = max(self._largest_key, int(keys.max()))

    def remove(self, keys: Keys) -> None:
        """Let go of these faces; see `VectorIndex.remove`."""
        if len(keys):
            with self._lock.write():
                self._remove(keys)

    def follow(self, seq: int) -> None:
        """Note that all changes up to `seq` have been applied."""
        self._last_seq = seq

    def search(self, queries: Embeddings, count: int) -> tuple[Similarities, Keys]:
        """The nearest faces of each query; see `VectorIndex.search`."""
        queries = checked(queries, self._dimension)
        with self._lock.read():
            similarities, keys = self._index.search(queries, max(1, min(count, self.size)))
        found = int((keys[:1] >= 0).sum())  # FAISS fills up with -1 where it holds fewer
        return similarities[:, :found], keys[:, :found]

    def save(self, file: BinaryIO) -> None:
        """Write the keys (int64), then the vectors (float32), both little-endian."""
        with self._lock.read():
            flat = faiss.downcast_index(self._index.index)
            shape = (self.size, self._dimension)
            vectors = faiss.rev_swig_ptr(flat.get_xb(), shape[0] * shape[1]).reshape(shape)
            file.write(faiss.vector_to_array(self._index.id_map).astype(_KEYS).tobytes())
            file.write(memoryview(vectors.astype(_VECTORS, copy=False)).cast("B"))

    def load(self, file: BinaryIO, count: int) -> None:
        """Hold what `save` wrote."""
        keys = np.frombuffer(file.read(count * _KEYS.itemsize), _KEYS).astype(np.int64)
        size = count * self._dimension * _VECTORS.itemsize
        vectors = np.frombuffer(file.read(size), _VECTORS).reshape(count, self._dimension)
        fresh = _empty(self._dimension)
        fresh.add_with_ids(checked(vectors, self._dimension), keys)
        with self._lock.write():
            self._index = fresh
            self._largest_key = int(keys.max(initial=-1))

    def _remove(self, keys: Keys) -> None:
        self._index.remove_ids(faiss.IDSelectorBatch(np.ascontiguousarray(keys, np.int64)))


def _empty(dimension: int) -> faiss.IndexIDMap:
    return faiss.IndexIDMap(faiss.IndexFlatIP(dimension))
