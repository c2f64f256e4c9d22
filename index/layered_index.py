"""A vector index of layers: an immutable base, an exact delta, and tombstones over the base.

    add     -> delta
    remove  -> a tombstone over the base, or out of the delta
    search  -> best of the base less its tombstones, and of the delta
    merge   -> a new base of all that is alive, made while the old one answers; then a swap

So faces come and go at once in every kind of index, although no approximate one can do that.
Searches take no lock: they see the layers that were current when they began.

Axes: N faces, Q queries, K results, D embedding dimension.
"""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from faces.types import Embeddings
from index.base_building import Pause, View, write_exact
from index.bases import EXACT, HNSW, NOBODY, Base, read_base
from index.covered import Accelerate, Covered, living
from index.delta import Delta
from index.faiss_index import Positions
from index.graph_building import write_graph
from index.merge_rules import AUTO, Rules
from index.vector_index import Keys, Similarities
from index.vectors import checked


@dataclass(frozen=True, slots=True, eq=False)
class _Layers:
    """What a search sees."""

    covered: Covered | None
    delta: Delta


@dataclass(slots=True, eq=False)
class _Merge:
    """A merge on its way: what it began with, and the keys that changed since."""

    view: View
    changed: set[int] = field(default_factory=set)


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """All that an index holds at one moment, to be kept and brought back.

    Attributes:
        base: the file of its base, if it has one.
        dead: positions of the base's tombstones.
        keys: of the delta.
        vectors: of the delta, float32 (N, D).
    """

    base: Base | None
    dead: Positions
    keys: Keys
    vectors: Embeddings

    @classmethod
    def of_base(cls, base: Base, dimension: int) -> "State":
        """All rows of a base, and nothing else."""
        nothing = np.empty(0, np.int64)
        return cls(base, nothing, nothing, np.empty((0, dimension), np.float32))


class LayeredIndex:
    """A `VectorIndex` of any kind by FAISS."""

    def __init__(
        self,
        dimension: int,
        kind: str = AUTO,
        rules: Rules | None = None,
        accelerate: Accelerate | None = None,
    ) -> None:
        """An empty index.

        Args:
            dimension: D.
            kind: "exact", "hnsw", "gpu", or "auto" for what fits the number of faces.
            rules: when to merge, and into what.
            accelerate: what brings bases to a GPU; for the kind "gpu".
        """
        self._dimension = dimension
        self._named = kind
        self._rules = rules or Rules()
        self._accelerate = accelerate
        self._change = threading.Lock()
        self._layers = _Layers(None, Delta(dimension))
        self._merge: _Merge | None = None
        self.unsaved = True

    @property
    def kind(self) -> str:
        """Of the base, or without one "exact": only a delta is searched."""
        covered = self._layers.covered
        return EXACT if covered is None else covered.scanned.kind

    @property
    def size(self) -> int:
        """How many faces it holds."""
        layers = self._layers
        return layers.delta.live + (
            layers.covered.count - layers.covered.deaths if layers.covered else 0
        )

    @property
    def base_path(self) -> Path | None:
        """File of its base, if it has one."""
        covered = self._layers.covered
        return None if covered is None else covered.base.file.path

    def add(self, keys: Keys, vectors: Embeddings) -> None:
        """Hold these faces; see `VectorIndex.add`."""
        vectors = checked(vectors, self._dimension)
        if not len(keys):
            return
        with self._change:
            self._remove(keys)
            self._layers.delta.append(keys, vectors)

    def remove(self, keys: Keys) -> None:
        """Let go of these faces; see `VectorIndex.remove`."""
        with self._change:
            self._remove(keys)

    def search(self, queries: Embeddings, count: int) -> tuple[Similarities, Keys]:
        """The nearest faces of each query; see `VectorIndex.search`."""
        queries = checked(queries, self._dimension)
        layers, wanted = self._layers, min(count, self.size)
        similarities, places = living(layers.delta, queries, wanted)
        keys = np.where(places < 0, NOBODY, layers.delta.keys_at(places))
        if layers.covered is not None:
            of_base, positions = living(layers.covered, queries, wanted)
            base_keys = np.where(positions < 0, NOBODY, layers.covered.base.keys[positions])
            similarities = np.concatenate([of_base, similarities], axis=1)
            keys = np.concatenate([base_keys, keys], axis=1)
        order = np.argsort(-similarities, axis=1, kind="stable")[:, :wanted]
        similarities = np.take_along_axis(similarities, order, 1)
        keys = np.take_along_axis(keys, order, 1)
        whole = (keys != NOBODY).all(axis=0)  # faces may have gone while this was on its way
        return similarities[:, whole], keys[:, whole]

    def merge_due(self) -> bool:
        """Whether delta or tombstones have grown so large that `merge` should be called."""
        layers, size = self._layers, self.size
        kind = self._rules.kind_for(self._named, size)
        covered = layers.covered
        if covered is None:
            return layers.delta.count > self._rules.delta_limit(kind, 0)
        if covered.base.kind != kind:
            return kind == HNSW or size < self._rules.exact_up_to // 2  # no going back and forth
        return max(layers.delta.count, covered.deaths) > self._rules.delta_limit(
            kind, covered.count
        )

    def merge(self, path: Path, pause: Pause) -> None:
        """Write what the index holds into a new base, and search that from then on.

        Searches and changes go on meanwhile. One merge at a time.

        Args:
            path: of the new base; the old base's file may be removed afterwards.
            pause: called now and then; what it raises ends the merge, and nothing has changed.

        Raises:
            OSError: the disk is full or cannot be written.
        """
        with self._change:
            state = self._state()
            merge = self._merge = _Merge(_view(state))
        try:
            covered = self._written(path, merge.view, pause)
            with self._change:
                self._swap(covered, merge)
        finally:
            self._merge = None

    def state(self) -> State:
        """What it holds now, as a copy that later changes leave alone."""
        with self._change:
            return self._state()

    def restore(self, state: State) -> None:
        """Hold this instead of what it holds now."""
        delta = Delta(self._dimension)
        delta.append(state.keys, checked(state.vectors, self._dimension))
        covered = None if state.base is None else Covered(state.base, self._accelerate)
        if covered is not None:
            covered.kill(state.dead)
        with self._change:
            self._layers = _Layers(covered, delta)
            self.unsaved = True

    def _state(self) -> State:
        covered = self._layers.covered
        keys, vectors = self._layers.delta.living()
        if covered is None:
            return State(None, np.empty(0, np.int64), keys, vectors)
        return State(covered.base, np.flatnonzero(covered.dead), keys, vectors)

    def _written(self, path: Path, view: View, pause: Pause) -> Covered | None:
        """A new base of a view."""
        if not view.count:
            return None
        if self._rules.kind_for(self._named, view.count) == HNSW:
            return Covered(read_base(write_graph(path, view, pause)), self._accelerate)
        blocks = _paused(view, pause)
        base = read_base(write_exact(path, self._dimension, view.count, blocks))
        return Covered(base, self._accelerate)

    def _swap(self, covered: Covered | None, merge: _Merge) -> None:
        """Let searches see the new base; what changed meanwhile is dead there or in the delta."""
        changed = np.fromiter(merge.changed, np.int64, len(merge.changed))
        if covered is not None:
            covered.kill(covered.positions(changed))
        keys, vectors = self._layers.delta.living()
        newer = ~np.isin(keys, merge.view.keys) | np.isin(keys, changed)
        delta = Delta(self._dimension)
        delta.append(keys[newer], vectors[newer])
        self._layers = _Layers(covered, delta)
        self.unsaved = True

    def _remove(self, keys: Keys) -> None:
        layers = self._layers
        if layers.covered is not None:
            layers.covered.kill(layers.covered.positions(keys))
        layers.delta.kill(keys)
        if layers.delta.count > 2 * layers.delta.live + self._rules.delta_rows:
            compact = Delta(self._dimension)
            compact.append(*layers.delta.living())
            self._layers = _Layers(layers.covered, compact)
        if self._merge is not None:
            self._merge.changed.update(keys.tolist())
        self.unsaved = True


def _view(state: State) -> View:
    count = 0 if state.base is None else state.base.count
    alive = np.delete(np.arange(count), state.dead)
    return View(state.base, alive, state.keys, state.vectors)


def _paused(view: View, pause: Pause) -> Iterator[tuple[Keys, Embeddings]]:
    for block in view.blocks():
        pause()
        yield block
