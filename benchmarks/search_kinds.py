"""The vector indexes that benchmarks/search.py compares, all behind one seam.

    Kind.build(exact, folder)  vectors of a mapped exact base -> files
    Kind.open(folder)          files -> Opened
    Opened.search(query, k)    keys of the k nearest, by one thread

`effort` is what makes a search of an approximate kind look further; ours chose its own when it was
built, for the others the benchmark finds the least that is enough.
"""

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import faiss as untyped_faiss
import numpy as np

from faces.types import Embeddings
from index.bases import ROWS_AT_ONCE, ExactBase
from index.layered_index import LayeredIndex, State
from index.manifest import Origin
from index.merge_rules import Rules
from index.snapshot import Snapshots
from index.vector_index import Keys

faiss: Any = untyped_faiss

LINKS, LINKING_EFFORT = 18, 100
CANDIDATES = 50
NEVER = Rules(delta_rows=10**9)


class Opened(Protocol):
    """An index that is ready to be searched."""

    def search(self, query: Embeddings, count: int) -> Keys:
        """Keys (`count`,) of the nearest to one query (1, D), best first."""
        ...

    def set_effort(self, effort: int) -> None:
        """Look further, or less far."""
        ...


class Kind(Protocol):
    """A way of building and opening an index."""

    efforts: tuple[int, ...]
    """What to try, least first; empty where the index chooses."""

    def build(self, exact: ExactBase, folder: Path) -> None:
        """Write the index of all rows of a base."""
        ...

    def open(self, folder: Path, exact: ExactBase) -> Opened:
        """Load it; `exact` is for kinds that refine from full vectors and hold none."""
        ...


class Ours:
    """A `LayeredIndex`, kept in a snapshot as the service keeps it."""

    efforts: tuple[int, ...] = ()

    def __init__(self, kind: str) -> None:
        self._kind = kind

    def build(self, exact: ExactBase, folder: Path) -> None:
        """Merge an index that holds the exact base."""
        dimension = exact.at(np.arange(1)).shape[1]
        index = LayeredIndex(dimension, self._kind, NEVER)
        index.restore(State.of_base(exact, dimension))
        snapshots = self._snapshots(folder, dimension)
        index.merge(snapshots.new_base(1), lambda: None)
        snapshots.save(1, {1: index.state()})

    def open(self, folder: Path, exact: ExactBase) -> "OpenedOurs":
        """Compare the checksums and map the base."""
        dimension = exact.at(np.arange(1)).shape[1]
        index = LayeredIndex(dimension, self._kind, NEVER)
        index.restore(self._snapshots(folder, dimension).load()[1][1])
        return OpenedOurs(index)

    def _snapshots(self, folder: Path, dimension: int) -> Snapshots:
        return Snapshots(folder, Origin("benchmark", "benchmark", self._kind, dimension))


class OpenedOurs:
    """A `LayeredIndex`."""

    def __init__(self, index: LayeredIndex) -> None:
        self.index = index

    def search(self, query: Embeddings, count: int) -> Keys:
        """See `Opened.search`."""
        keys: Keys = self.index.search(query, count)[1][0]
        return keys

    def set_effort(self, effort: int) -> None:
        """It has chosen."""


class Ivf:
    """FAISS's lists with a byte a number, refined from the full vectors in their mapped file."""

    efforts: tuple[int, ...] = (16, 32, 64, 128, 256, 512, 768, 1024, 1536, 2048)

    def build(self, exact: ExactBase, folder: Path) -> None:
        """Train 2 sqrt(N) lists on 40 vectors each."""
        lists = int(2 * np.sqrt(exact.count))
        dimension = exact.at(np.arange(1)).shape[1]
        index = faiss.IndexIVFScalarQuantizer(
            faiss.IndexFlatIP(dimension),
            dimension,
            lists,
            faiss.ScalarQuantizer.QT_8bit,
            faiss.METRIC_INNER_PRODUCT,
        )
        index.cp.niter = 10
        chosen = np.random.default_rng(0).choice(exact.count, 40 * lists, replace=False)
        index.train(exact.at(np.sort(chosen)))
        for _, vectors in rows(exact):
            index.add(vectors)
        faiss.write_index(index, str(folder / "ivf.faiss"))

    def open(self, folder: Path, exact: ExactBase) -> "_Refined":
        """Read it, with the lists mapped."""
        return _Refined(faiss.read_index(str(folder / "ivf.faiss"), faiss.IO_FLAG_MMAP), exact)


class _Refined:
    def __init__(self, index: Any, exact: ExactBase) -> None:  # noqa: ANN401 - an index of FAISS
        self._index, self._exact = index, exact

    def search(self, query: Embeddings, count: int) -> Keys:
        """See `Opened.search`."""
        found = self._index.search(query, CANDIDATES)[1]
        keys: Keys = self._exact.refine(query, found, count)[1][0]
        return keys

    def set_effort(self, effort: int) -> None:
        """Lists to look into."""
        self._index.nprobe = effort


class FlatFaiss:
    """FAISS's own exact index, its vectors in private memory."""

    efforts: tuple[int, ...] = ()

    def build(self, exact: ExactBase, folder: Path) -> None:
        """Copy the vectors."""
        index = faiss.IndexFlatIP(exact.at(np.arange(1)).shape[1])
        for _, vectors in rows(exact):
            index.add(vectors)
        faiss.write_index(index, str(folder / "flat.faiss"))

    def open(self, folder: Path, exact: ExactBase) -> "_Flat":
        """Read it."""
        del exact
        return _Flat(faiss.read_index(str(folder / "flat.faiss")))


class _Flat:
    def __init__(self, index: Any) -> None:  # noqa: ANN401 - an index of FAISS
        self._index = index

    def search(self, query: Embeddings, count: int) -> Keys:
        """See `Opened.search`."""
        keys: Keys = self._index.search(query, count)[1][0]
        return keys

    def set_effort(self, effort: int) -> None:
        """It always looks at everything."""


class Hnswlib:
    """hnswlib: a graph over float32 vectors in private memory."""

    efforts: tuple[int, ...] = (50, 75, 100, 150, 200, 300, 400, 600, 800, 1200, 1600)

    def build(self, exact: ExactBase, folder: Path) -> None:
        """Link all rows with one thread."""
        index = self._empty(exact)
        index.init_index(exact.count, M=LINKS, ef_construction=LINKING_EFFORT)
        for keys, vectors in rows(exact):
            index.add_items(vectors, keys, num_threads=1)
        index.save_index(str(folder / "hnswlib.bin"))

    def open(self, folder: Path, exact: ExactBase) -> "_Hnswlib":
        """Read it."""
        index = self._empty(exact)
        index.load_index(str(folder / "hnswlib.bin"))
        return _Hnswlib(index)

    @staticmethod
    def _empty(exact: ExactBase) -> Any:  # noqa: ANN401 - published without types
        hnswlib = importlib.import_module("hnswlib")  # may be absent, and has no types
        return hnswlib.Index("ip", exact.at(np.arange(1)).shape[1])


class _Hnswlib:
    def __init__(self, index: Any) -> None:  # noqa: ANN401 - published without types
        self._index = index

    def search(self, query: Embeddings, count: int) -> Keys:
        """See `Opened.search`."""
        return np.asarray(self._index.knn_query(query, count, num_threads=1)[0][0], np.int64)

    def set_effort(self, effort: int) -> None:
        """HNSW's efSearch."""
        self._index.set_ef(effort)


class Usearch:
    """USearch: a graph over float16 vectors in a mapped file."""

    efforts: tuple[int, ...] = Hnswlib.efforts

    def build(self, exact: ExactBase, folder: Path) -> None:
        """Link all rows with one thread."""
        Index = importlib.import_module("usearch.index").Index  # noqa: N806 - a class; may be absent

        dimension = exact.at(np.arange(1)).shape[1]
        index = Index(
            ndim=dimension,
            metric="ip",
            dtype="f16",
            connectivity=LINKS,
            expansion_add=LINKING_EFFORT,
        )
        for keys, vectors in rows(exact):
            index.add(keys, vectors, threads=1)
        index.save(str(folder / "usearch.bin"))

    def open(self, folder: Path, exact: ExactBase) -> "_Usearch":
        """Map it."""
        Index = importlib.import_module("usearch.index").Index  # noqa: N806 - a class; may be absent

        del exact
        return _Usearch(Index.restore(str(folder / "usearch.bin"), view=True))


class _Usearch:
    def __init__(self, index: Any) -> None:  # noqa: ANN401 - published with types of its own
        self._index = index

    def search(self, query: Embeddings, count: int) -> Keys:
        """See `Opened.search`."""
        return np.asarray(self._index.search(query[0], count, threads=1).keys, np.int64)

    def set_effort(self, effort: int) -> None:
        """HNSW's efSearch."""
        self._index.expansion_search = effort


def rows(exact: ExactBase) -> Iterator[tuple[Keys, Embeddings]]:
    """All rows of a base, in blocks."""
    for first in range(0, exact.count, ROWS_AT_ONCE):
        positions = np.arange(first, min(first + ROWS_AT_ONCE, exact.count))
        yield positions, exact.at(positions)


KINDS: dict[str, Kind] = {
    "exact": Ours("exact"),
    "hnsw": Ours("hnsw"),
    "faiss flat": FlatFaiss(),
    "faiss ivf,sq8+refine": Ivf(),
    "hnswlib": Hnswlib(),
    "usearch f16": Usearch(),
}
