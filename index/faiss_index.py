"""What we ask of FAISS. This is the only module that knows it.

    inner_products  queries against rows in memory or in a mapped file, all of them
    GraphMaker      bytes of rows -> a graph that links like with like (HNSW)
    GraphScan       queries against bytes in a mapped file, along the graph

FAISS searches without the interpreter's lock. Nothing here changes once it is made, so searches
need no lock of ours either.

Axes: N rows, Q queries, K results, D embedding dimension.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

import faiss as untyped_faiss
import numpy as np
import numpy.typing as npt

from faces.types import Embeddings
from index.vector_index import Similarities

faiss: Any = untyped_faiss
"""Its own stubs lack half of what is used here."""

Positions: TypeAlias = npt.NDArray[np.int64]
"""Rows of a base or a delta: int64, -1 where there was none to name."""


def inner_products(
    queries: Embeddings, vectors: Embeddings, count: int
) -> tuple[Similarities, Positions]:
    """The rows of `vectors` (N, D) most like each query (Q, D), best first: two of (Q, K).

    K is `count`, or N if that is less. The vectors are read where they lie and not copied.
    """
    count = min(count, len(vectors))
    if not count or not len(queries):
        empty = (len(queries), count)
        return np.empty(empty, np.float32), np.empty(empty, np.int64)
    with _one_thread():
        found: tuple[Similarities, Positions] = faiss.knn(
            queries, vectors, count, metric=faiss.METRIC_INNER_PRODUCT
        )
        return found


@dataclass(frozen=True, slots=True, eq=False)
class Graph:
    """Links between rows by HNSW (Malkov and Yashunin, 2016), as FAISS lays them out.

    Attributes:
        neighbours: the links of all rows one after the other, int32; -1 where there is none.
        levels: how many levels each row is on, uint8 (N,), 1 or more.
        entry: the row that searches begin at.
        links: M; a row has up to 2 M on the lowest level and M on each other.
    """

    neighbours: npt.NDArray[np.int32]
    levels: npt.NDArray[np.uint8]
    entry: int
    links: int


class GraphScan:
    """Bytes of vectors, searched along a graph or one and all, where they lie in a mapped file.

    A byte stands for `byte - 128`, and queries are whole numbers (`FixedPoint.for_scan`).
    """

    def __init__(self, codes: npt.NDArray[np.uint8], graph: Graph) -> None:
        """Take the codes (N, D) and the graph; neither is copied, both must outlive this."""
        self._kept = (codes, graph)
        count, dimension = codes.shape
        self._index = _empty_graph(dimension, graph.links)
        storage = faiss.downcast_index(self._index.storage)
        storage.codes = faiss.MaybeOwnedVectorUInt8.create_view(
            faiss.swig_ptr(codes.reshape(-1)), codes.size, storage.codes.owner
        )
        self._index.hnsw.neighbors = faiss.MaybeOwnedVectorInt32.create_view(
            faiss.swig_ptr(graph.neighbours), graph.neighbours.size, storage.codes.owner
        )
        _set_levels(self._index, graph)
        self._index.ntotal = storage.ntotal = count
        self._storage = storage

    def scan(self, queries: Embeddings, count: int, effort: int) -> Positions:
        """The `count` best rows of each query (Q, `count`) that are met along the graph.

        `effort` rows at least are followed further (HNSW's efSearch). -1 where fewer were met.
        """
        return _along_graph(self._index, queries, count, effort)

    def scan_all(self, queries: Embeddings, count: int) -> Positions:
        """The same of all rows, each looked at."""
        with _one_thread():
            positions: Positions = self._storage.search(queries, count)[1]
            return positions


class GraphMaker:
    """Links rows one block after the other, in memory; goes on from an earlier graph if given."""

    def __init__(self, dimension: int, links: int, effort: int) -> None:
        """An empty graph of M `links`, whose rows are placed with this effort (efConstruction)."""
        self._index = _empty_graph(dimension, links)
        self._index.hnsw.efConstruction = effort
        self._links = links

    def start_from(self, codes: npt.NDArray[np.uint8], graph: Graph) -> None:
        """Copy rows (N, D) that are linked already."""
        storage = faiss.downcast_index(self._index.storage)
        storage.codes.resize(codes.size)
        owned = faiss.rev_swig_ptr(storage.codes.data(), codes.size)
        owned.reshape(codes.shape)[:] = codes
        neighbours = self._index.hnsw.neighbors
        neighbours.resize(graph.neighbours.size)
        faiss.rev_swig_ptr(neighbours.data(), graph.neighbours.size)[:] = graph.neighbours
        _set_levels(self._index, graph)
        self._index.ntotal = storage.ntotal = len(codes)

    def link(self, codes: npt.NDArray[np.uint8]) -> None:
        """Add rows (N, D)."""
        with _one_thread():
            self._index.add(codes.astype(np.float32) - 128)

    def scan(self, queries: Embeddings, count: int, effort: int) -> Positions:
        """See `GraphScan.scan`."""
        return _along_graph(self._index, queries, count, effort)

    def graph(self) -> Graph:
        """The links so far; valid as long as this maker."""
        hnsw = self._index.hnsw
        neighbours = faiss.rev_swig_ptr(hnsw.neighbors.data(), hnsw.neighbors.size())
        levels = faiss.vector_to_array(hnsw.levels).astype(np.uint8)
        return Graph(neighbours, levels, int(hnsw.entry_point), self._links)


def _empty_graph(dimension: int, links: int) -> Any:  # noqa: ANN401 - an index of FAISS
    signed_bytes = faiss.ScalarQuantizer.QT_8bit_direct_signed
    index = faiss.IndexHNSWSQ(dimension, signed_bytes, links, faiss.METRIC_INNER_PRODUCT)
    index.is_trained = True  # there is nothing to train: bytes are bytes
    faiss.downcast_index(index.storage).is_trained = True
    return index


def _along_graph(index: Any, queries: Embeddings, count: int, effort: int) -> Positions:  # noqa: ANN401
    wanted = faiss.SearchParametersHNSW(efSearch=max(effort, count))
    with _one_thread():
        positions: Positions = index.search(queries, count, params=wanted)[1]
        return positions


def _set_levels(index: Any, graph: Graph) -> None:  # noqa: ANN401 - an index of FAISS
    """Levels, and from them where each row's links begin."""
    sizes = faiss.vector_to_array(index.hnsw.cum_nneighbor_per_level)[graph.levels]
    offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.uint64)
    assert offsets[-1] == graph.neighbours.size
    faiss.copy_array_to_vector(graph.levels.astype(np.int32), index.hnsw.levels)
    faiss.copy_array_to_vector(offsets, index.hnsw.offsets)
    index.hnsw.entry_point = graph.entry
    index.hnsw.max_level = int(graph.levels[graph.entry]) - 1


def gpu_count() -> int:
    """How many GPUs FAISS can use; 0 for the build without them."""
    return int(faiss.get_num_gpus()) if hasattr(faiss, "StandardGpuResources") else 0


class GpuFlat:
    """Vectors on the first GPU as float16, searched without exception. For one thread only."""

    def __init__(self, dimension: int) -> None:
        """An empty index on the GPU."""
        self._resources = faiss.StandardGpuResources()
        config = faiss.GpuIndexFlatConfig()
        config.useFloat16 = True
        self._index: Any = faiss.GpuIndexFlatIP(self._resources, dimension, config)

    def add(self, vectors: Embeddings) -> None:
        """Append vectors (N, D)."""
        self._index.add(vectors)

    def scan(self, queries: Embeddings, count: int) -> Positions:
        """The rows (Q, `count`) most like each query, -1 where there are no more."""
        positions: Positions = self._index.search(queries, count)[1]
        return positions


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
