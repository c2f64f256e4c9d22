"""Writing an hnsw base: rows are linked, the effort of searching them is measured, all is written.

    View -> bytes -> graph -> effort -> file

The graph is made in memory, with the coarse bytes that it needs: 0.7 GB for a million rows of 512
dimensions. Some rows are linked last, and before that they are the probes by which the effort is
measured. Rows in the graph would not do: they are found, and their likes with them, with a third
of the effort that a new photo needs.

Axes: N rows, Q probes, K nearest, D embedding dimension.
"""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from faces.types import Embeddings
from index.base_building import Pause, View
from index.base_file import BaseFile, BaseWriter, open_base
from index.bases import HNSW, NOBODY, REFINED, REFINED_MORE, ROWS_AT_ONCE, GraphBase
from index.faiss_index import Graph, GraphMaker, Positions, inner_products
from index.fixed_point import FixedPoint
from index.vector_index import Keys

LINKS = 18
"""HNSW's M: the largest with which a row of 512 dimensions takes less than 1,200 bytes."""

LINKING_EFFORT = 100
"""HNSW's efConstruction. Twice that takes twice as long to build."""

ROWS_LINKED_AT_ONCE = 512
"""Between two pauses; less than a second's work."""

MAX_DEAD_SHARE = 0.15
"""Beyond this, rows are linked anew: dead rows cannot be taken out of a graph, only passed by."""

RECALL = 0.992
"""Share of the nearest rows that the effort must find. Of a million likely faces, 0.995 asked for
an effort of 1,136, 15 times as fast as comparing all, and 0.992 for 692, 25 times as fast."""

NEAREST = 10
PROBES = 1000
"""With 300, the share found was off by 0.002 now and then."""

PROBES_AT_ONCE = 100
LEAST_EFFORT = 32
EFFORT_GROWTH = 1.15
"""From one effort that is tried to the next."""

REMEASURE_GROWTH = 1.5
"""The effort is measured again once there are this many times as many rows."""

_SEED = 0


def write_graph(path: Path, view: View, pause: Pause) -> BaseFile:
    """Write an hnsw base of a view that has rows.

    The rows and the graph of an earlier such base are taken over, with its dead rows (as `NOBODY`),
    unless too many are dead or a new vector does not fit the scale.

    Raises:
        OSError: the disk is full or cannot be written.
    """
    old = _reusable(view)
    plan = _Plan.of(view, old, _scale(view, pause) if old is None else old.fixed_point)
    maker = GraphMaker(view.vectors.shape[1], LINKS, LINKING_EFFORT)
    if old is not None:
        maker.start_from(old.file.arrays["coarse"], old.graph)
    probes = _linked_but_probes(maker, plan, pause)
    if old is not None and plan.count < REMEASURE_GROWTH * old.file.header.numbers["measured_at"]:
        numbers = {name: old.file.header.numbers[name] for name in ("effort", "measured_at")}
    else:
        effort = _enough_effort(maker, plan, probes, pause) if len(probes) else LEAST_EFFORT
        numbers = {"effort": effort, "measured_at": plan.count}
    maker.link(plan.scale.encode(probes)[0])
    graph = maker.graph()
    with closing(BaseWriter(path, _shapes(plan.count, view, graph))) as writer:
        _fill(writer, plan, graph, pause)
        writer.finish(HNSW, numbers | {"entry": graph.entry, "links": graph.links})
    return open_base(path)


@dataclass(frozen=True, slots=True, eq=False)
class _Plan:
    """Which rows are taken over, and where the others go.

    Attributes:
        view: what the index held.
        old: the base that is gone on with, if one is.
        scale: of the new base.
        places: the positions in the new base of the rows that are not taken over, in their order.
        probes: how many of the last positions are the probes'.
    """

    view: View
    old: GraphBase | None
    scale: FixedPoint
    places: Positions
    probes: int

    @classmethod
    def of(cls, view: View, old: GraphBase | None, scale: FixedPoint) -> "_Plan":
        """A plan by which a random few of the new rows go last."""
        taken = 0 if old is None else old.count
        fresh = len(view.keys) if old is not None else view.count
        probes = min(PROBES, fresh // 4)
        last = np.zeros(fresh, np.bool_)
        last[np.random.default_rng(_SEED).choice(fresh, probes, replace=False)] = True
        places = np.empty(fresh, np.int64)
        places[np.flatnonzero(~last)] = np.arange(taken, taken + fresh - probes)
        places[np.flatnonzero(last)] = np.arange(taken + fresh - probes, taken + fresh)
        return cls(view, old, scale, places, probes)

    @property
    def taken(self) -> int:
        """How many rows are taken over, dead ones too."""
        return 0 if self.old is None else self.old.count

    @property
    def count(self) -> int:
        """N of the new base."""
        return self.taken + len(self.places)

    @property
    def first_probe(self) -> int:
        """The position of the first probe; all others come before."""
        return self.count - self.probes

    def fresh(self) -> Iterator[tuple[Positions, Keys, Embeddings]]:
        """Places, keys and vectors of the rows that are not taken over, in blocks."""
        view, start = self.view, 0
        if self.old is not None:
            view = View(None, np.empty(0, np.int64), view.keys, view.vectors)
        for keys, vectors in view.blocks():
            yield self.places[start : start + len(keys)], keys, vectors
            start += len(keys)

    def linked(self) -> Iterator[tuple[Positions, Embeddings]]:
        """Positions and vectors of all rows that are alive and no probes, in blocks."""
        if self.old is not None:
            for first in range(0, len(self.view.alive), ROWS_AT_ONCE):
                rows = self.view.alive[first : first + ROWS_AT_ONCE]
                yield rows, self.old.at(rows)
        for places, _, vectors in self.fresh():
            others = places < self.first_probe
            yield places[others], vectors[others]


def _reusable(view: View) -> GraphBase | None:
    """The view's base, if its graph can be gone on with."""
    old = view.base
    if not isinstance(old, GraphBase) or not old.fixed_point.holds(view.vectors):
        return None
    return old if old.count - len(view.alive) <= MAX_DEAD_SHARE * old.count else None


def _scale(view: View, pause: Pause) -> FixedPoint:
    """A scale for all vectors of a view."""
    largest = 0.0
    for _, vectors in view.blocks():
        pause()
        largest = max(largest, float(np.abs(vectors).max()))
    return FixedPoint.for_numbers_up_to(largest)


def _linked_but_probes(maker: GraphMaker, plan: _Plan, pause: Pause) -> Embeddings:
    """Link the rows of a plan in the order of their places, all but the probes; gives those."""
    probes = [np.empty((0, plan.view.vectors.shape[1]), np.float32)]
    for places, _, vectors in plan.fresh():
        last = places >= plan.first_probe
        probes.append(vectors[last])
        coarse = plan.scale.encode(vectors[~last])[0]
        for first in range(0, len(coarse), ROWS_LINKED_AT_ONCE):
            pause()
            maker.link(coarse[first : first + ROWS_LINKED_AT_ONCE])
    return np.concatenate(probes)


def _enough_effort(maker: GraphMaker, plan: _Plan, probes: Embeddings, pause: Pause) -> int:
    """The least effort that lets the probes (Q, D) find `RECALL` of their nearest rows."""
    nearest = _nearest(plan, probes, pause)
    scaled, effort = plan.scale.for_scan(probes), float(LEAST_EFFORT)
    while effort < plan.count:
        hits = 0
        for first in range(0, len(scaled), PROBES_AT_ONCE):
            pause()
            some = slice(first, first + PROBES_AT_ONCE)
            found = maker.scan(scaled[some], REFINED * NEAREST + REFINED_MORE, int(effort))
            hits += sum(
                int(np.isin(mine, row).sum())
                for mine, row in zip(nearest[some], found, strict=True)
            )
        if hits >= RECALL * nearest.size:
            break
        effort *= EFFORT_GROWTH
    return int(effort)


def _nearest(plan: _Plan, probes: Embeddings, pause: Pause) -> Positions:
    """Positions (Q, K) of the linked rows nearest to each probe, by comparing all."""
    similarities = np.empty((len(probes), 0), np.float32)
    nearest = np.empty((len(probes), 0), np.int64)
    for positions, vectors in plan.linked():
        pause()
        products, rows = inner_products(probes, vectors, NEAREST)
        similarities = np.concatenate([similarities, products], axis=1)
        nearest = np.concatenate([nearest, positions[rows]], axis=1)
        order = np.argsort(-similarities, axis=1)[:, :NEAREST]
        similarities = np.take_along_axis(similarities, order, 1)
        nearest = np.take_along_axis(nearest, order, 1)
    return nearest


def _shapes(count: int, view: View, graph: Graph) -> dict[str, tuple[str, tuple[int, ...]]]:
    dimension = view.vectors.shape[1]
    return {
        "coarse": ("u1", (count, dimension)),
        "fine": ("u1", (count, dimension)),
        "keys": ("<i8", (count,)),
        "neighbours": ("<i4", graph.neighbours.shape),
        "levels": ("u1", (count,)),
        "step": ("<f8", (1,)),
    }


def _fill(writer: BaseWriter, plan: _Plan, graph: Graph, pause: Pause) -> None:
    """Write all arrays."""
    arrays = writer.arrays
    if plan.old is not None:
        _take_over(writer, plan.old, plan.view)
    for places, keys, vectors in plan.fresh():
        pause()
        arrays["coarse"][places], arrays["fine"][places] = plan.scale.encode(vectors)
        arrays["keys"][places] = keys
    arrays["neighbours"][:] = graph.neighbours
    arrays["levels"][:] = graph.levels
    arrays["step"][:] = plan.scale.step


def _take_over(writer: BaseWriter, old: GraphBase, view: View) -> None:
    """Copy the rows of an earlier base."""
    for name in ("coarse", "fine"):
        for first in range(0, old.count, ROWS_AT_ONCE):
            rows = slice(first, min(first + ROWS_AT_ONCE, old.count))
            writer.arrays[name][rows] = old.file.arrays[name][rows]
    writer.arrays["keys"][: old.count] = NOBODY
    writer.arrays["keys"][view.alive] = old.keys[view.alive]
