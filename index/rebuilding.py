"""Building an index from the embeddings in the store, when no snapshot is of use."""

from pathlib import Path

from index.base_building import write_exact
from index.bases import read_base
from index.binding import Binding
from index.changes import all_embeddings
from index.database import Database
from index.layered_index import LayeredIndex, State
from index.vectors import checked


def fill_from_store(
    index: LayeredIndex,
    database: Database,
    binding: Binding,
    *,
    collection_key: int,
    count: int,
    base: Path | None,
) -> None:
    """Let an empty index hold a collection's faces.

    Args:
        index: to be filled.
        database: the store.
        binding: whose embeddings.
        collection_key: of the collection.
        count: how many faces it has; those enrolled meanwhile come by the change log.
        base: file for an exact base, so that many faces need no memory; None for a few.

    Raises:
        InvalidEmbedding: an embedding is damaged.
        OSError: the base cannot be written.
    """
    blocks = all_embeddings(
        database,
        encoder_key=binding.encoder_key,
        collection_key=collection_key,
        dimension=binding.dimension,
    )
    if base is None:
        for keys, vectors in blocks:
            index.add(keys, vectors)
    else:
        sound = ((keys, checked(vectors, binding.dimension)) for keys, vectors in blocks)
        file = write_exact(base, binding.dimension, count, sound)
        index.restore(State.of_base(read_base(file), binding.dimension))
