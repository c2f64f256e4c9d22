"""Writing exact bases: from the store, or from what an index held, a block of rows at a time.

Bases with a graph: `graph_building`.

Axes: N rows, D embedding dimension.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from faces.types import Embeddings
from index.base_file import BaseFile, BaseWriter, open_base
from index.bases import EXACT, ROWS_AT_ONCE, Base
from index.faiss_index import Positions
from index.vector_index import Keys

Pause = Callable[[], None]
"""Called now and then by what takes long; may raise to give up."""


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """What an index held at one moment.

    Attributes:
        base: its base, if it has one.
        alive: positions of the base's rows that are not dead, ascending.
        keys: of the delta.
        vectors: of the delta, float32 (N, D).
    """

    base: Base | None
    alive: Positions
    keys: Keys
    vectors: Embeddings

    @property
    def count(self) -> int:
        """N, of base and delta together."""
        return len(self.alive) + len(self.keys)

    def blocks(self) -> Iterator[tuple[Keys, Embeddings]]:
        """Keys and vectors of the base's rows that are alive, then of the delta's."""
        if self.base is not None:
            for first in range(0, len(self.alive), ROWS_AT_ONCE):
                rows = self.alive[first : first + ROWS_AT_ONCE]
                yield self.base.keys[rows], self.base.at(rows)
        for first in range(0, len(self.keys), ROWS_AT_ONCE):
            last = first + ROWS_AT_ONCE
            yield self.keys[first:last], self.vectors[first:last]


def write_exact(
    path: Path, dimension: int, room: int, blocks: Iterable[tuple[Keys, Embeddings]]
) -> BaseFile:
    """Write an exact base of the first `room` rows of the blocks.

    Raises:
        OSError: the disk is full or cannot be written.
    """
    shapes = {"keys": ("<i8", (room,)), "vectors": ("<f4", (room, dimension))}
    with closing(BaseWriter(path, shapes)) as writer:
        count = 0
        for keys, vectors in blocks:
            last = min(count + len(keys), room)
            writer.arrays["keys"][count:last] = keys[: last - count]
            writer.arrays["vectors"][count:last] = vectors[: last - count]
            count = last
        writer.finish(EXACT, {"count": count})
    return open_base(path)
