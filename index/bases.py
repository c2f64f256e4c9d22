"""The two kinds of base: rows that never change, in a mapped file.

    exact    float32 vectors; every query is compared with every row
    hnsw     bytes linked into a graph; a query is compared with the rows that it meets along it,
             and the best of those again by all 16 bits

Axes: N rows, Q queries, K results, D embedding dimension.
"""

from typing import Protocol

import numpy as np

from faces.types import Embeddings
from index.base_file import BLANK, Array, BadFile, BaseFile
from index.faiss_index import Graph, GraphScan, Positions, inner_products
from index.fixed_point import FixedPoint
from index.vector_index import Keys, Similarities

EXACT = "exact"
HNSW = "hnsw"

NOBODY = -1
"""The key of a row that was dead already when its base was written."""

REFINED = 2
REFINED_MORE = 30
"""Of the coarse scan, this many times as many rows as wanted, and so many more, are compared again.
Of 30,000 likely faces, the ten best were always among the 20 best by coarse bytes."""

ROWS_MET = 12
"""A search along the graph looks at this many times as many rows as its effort, at about twice the
price of rows in order; with 20,000 likely faces it was 12 to 21 times as many."""

ROWS_AT_ONCE = 16_384
"""Rows decoded together: 32 MiB at D = 512."""


class Base(Protocol):
    """Immutable rows that can be searched. Thread-safe."""

    @property
    def file(self) -> BaseFile:
        """Where it lies."""
        ...

    @property
    def kind(self) -> str:
        """Its name in settings and in answers."""
        ...

    @property
    def keys(self) -> Keys:
        """Of the rows, (N,)."""
        ...

    @property
    def row_arrays(self) -> tuple[str, ...]:
        """Names of the arrays in the file that are overwritten where a face is erased."""
        ...

    @property
    def count(self) -> int:
        """N."""
        ...

    def scan(self, queries: Embeddings, count: int) -> tuple[Similarities, Positions]:
        """The `count` rows most like each query, best first; -1 and -inf where there are no more.

        Where `count` is N or more, every row is among them.
        """
        ...

    def refine(
        self, queries: Embeddings, positions: Positions, count: int
    ) -> tuple[Similarities, Positions]:
        """The best `count` of these rows (Q, K) for each query, by all that is known of them."""
        ...

    def at(self, positions: Positions) -> Embeddings:
        """The vectors of these rows, float32 (K, D)."""
        ...

    def holds_vector(self, position: int) -> bool:
        """Whether this row has not been overwritten yet."""
        ...


class ExactBase:
    """Float32 vectors, all of which are compared."""

    kind = EXACT
    row_arrays = ("vectors",)

    def __init__(self, file: BaseFile) -> None:
        """Take the arrays out of the file."""
        self.file = file
        count = file.header.numbers["count"]
        self.keys: Keys = file.arrays["keys"][:count]
        self._vectors: Embeddings = file.arrays["vectors"][:count]

    @property
    def count(self) -> int:
        """N."""
        return len(self.keys)

    def scan(self, queries: Embeddings, count: int) -> tuple[Similarities, Positions]:
        """See `Base.scan`."""
        return inner_products(queries, self._vectors, count)

    def refine(
        self, queries: Embeddings, positions: Positions, count: int
    ) -> tuple[Similarities, Positions]:
        """See `Base.refine`."""
        return _refined(positions, count, lambda query, rows: self._vectors[rows] @ queries[query])

    def at(self, positions: Positions) -> Embeddings:
        """See `Base.at`."""
        return self._vectors[positions]

    def holds_vector(self, position: int) -> bool:
        """See `Base.holds_vector`."""
        return _holds_more_than_blanks(self._vectors[position])


class GraphBase:
    """Fixed-point vectors, linked into a graph by their coarse bytes.

    `effort` is enough for the best ten, as `graph_building` measured; it grows with the number of
    results wanted, and where a large part of all rows is wanted, every row is looked at.
    """

    kind = HNSW
    row_arrays = ("coarse", "fine")

    def __init__(self, file: BaseFile) -> None:
        """Take the arrays out of the file and hand them to FAISS."""
        arrays, numbers = file.arrays, file.header.numbers
        self.file = file
        self.keys: Keys = arrays["keys"]
        self.fixed_point = FixedPoint(float(arrays["step"][0]))
        self.graph = Graph(
            arrays["neighbours"], arrays["levels"], int(numbers["entry"]), int(numbers["links"])
        )
        self.effort = int(numbers["effort"])
        self._bytes = GraphScan(arrays["coarse"], self.graph)

    @property
    def count(self) -> int:
        """N."""
        return len(self.keys)

    def scan(self, queries: Embeddings, count: int) -> tuple[Similarities, Positions]:
        """See `Base.scan`."""
        wanted = REFINED * min(count, self.count) + REFINED_MORE
        return self.scan_with(queries, count, max(self.effort, 2 * wanted))

    def scan_with(
        self, queries: Embeddings, count: int, effort: int
    ) -> tuple[Similarities, Positions]:
        """The same with a certain effort; all rows where that is less work."""
        count = min(count, self.count)
        wanted = min(REFINED * count + REFINED_MORE, self.count)
        scaled = self.fixed_point.for_scan(queries)
        if effort * ROWS_MET < self.count:
            positions = self._bytes.scan(scaled, wanted, effort)
            similarities, best = self.refine(queries, positions, count)
            if (best >= 0).all():
                return similarities, best
        return self.refine(queries, self._bytes.scan_all(scaled, wanted), count)

    def refine(
        self, queries: Embeddings, positions: Positions, count: int
    ) -> tuple[Similarities, Positions]:
        """See `Base.refine`."""
        coarse, fine = self.file.arrays["coarse"], self.file.arrays["fine"]
        return _refined(
            positions,
            count,
            lambda query, rows: self.fixed_point.similarities(
                queries[query], coarse[rows], fine[rows]
            ),
        )

    def at(self, positions: Positions) -> Embeddings:
        """See `Base.at`."""
        coarse, fine = self.file.arrays["coarse"], self.file.arrays["fine"]
        return self.fixed_point.decode(coarse[positions], fine[positions])

    def holds_vector(self, position: int) -> bool:
        """See `Base.holds_vector`."""
        return any(
            _holds_more_than_blanks(self.file.arrays[name][position]) for name in self.row_arrays
        )


def read_base(file: BaseFile) -> Base:
    """The base that an open file holds.

    Raises:
        BadFile: of a kind that this version does not know, or without what the kind needs.
    """
    kinds: dict[str, type[ExactBase | GraphBase]] = {EXACT: ExactBase, HNSW: GraphBase}
    try:
        return kinds[file.header.kind](file)
    except KeyError as error:
        raise BadFile(f"{file.path} is no base that is known here: {error} is amiss") from error


def _holds_more_than_blanks(row: Array) -> bool:
    return bool((row.view(np.uint8) != BLANK).any())


class _Compare(Protocol):
    def __call__(self, query: int, rows: Positions) -> Similarities: ...


def _refined(positions: Positions, count: int, compare: _Compare) -> tuple[Similarities, Positions]:
    """Compare each query with its rows anew, a block of rows at a time, and keep the best."""
    best = np.full((len(positions), count), -1, np.int64)
    similarities = np.full((len(positions), count), -np.inf, np.float32)
    for query, row in enumerate(positions):
        found = row[row >= 0]
        pieces = [
            compare(query, found[first : first + ROWS_AT_ONCE])
            for first in range(0, len(found), ROWS_AT_ONCE)
        ]
        if pieces:
            scores = np.concatenate(pieces)
            order = np.argsort(-scores, kind="stable")[:count]
            best[query, : len(order)] = found[order]
            similarities[query, : len(order)] = scores[order]
    return similarities, best
