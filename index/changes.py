"""The change log as a vector index follows it, and the embeddings it leads to.

A log entry names a face only; what to do follows from the store as it is now. An added face that
was erased since has no embedding any more and is left out, so applying twice does no harm.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from sqlalchemy import Connection, exists, func, select

from faces.types import Embeddings
from index.database import Database
from index.logs import ADD
from index.tables import ChangeRow, EmbeddingRow, FaceRow, GalleryRow
from index.vector_index import Keys
from index.vectors import from_bytes

CHANGES_PER_READ = 4096
"""Entries or embeddings read in one transaction, so that none is long and memory stays bounded."""


@dataclass(frozen=True, slots=True, eq=False)
class Changes:
    """What a stretch of the change log comes to.

    Attributes:
        removed: face keys to remove.
        added: face keys to add.
        collections: of `added`, their collections' keys.
        vectors: of `added`, float32 (N, D).
        seq: the last sequence number of the stretch.
    """

    removed: list[int]
    added: list[int]
    collections: list[int]
    vectors: Embeddings
    seq: int


def last_seq(connection: Connection) -> int:
    """The newest sequence number; 0 in a store that never changed."""
    return connection.scalar(select(func.max(ChangeRow.seq))) or 0


def count_embeddings(connection: Connection, encoder_key: int) -> int:
    """How many faces a projection for this encoder must hold."""
    query = select(func.count()).where(EmbeddingRow.encoder_key == encoder_key)
    return connection.scalar(query) or 0


def count_removals(connection: Connection) -> int:
    """How many faces were ever removed."""
    return connection.scalar(select(func.count()).where(ChangeRow.operation != ADD)) or 0


def uncleaned(connection: Connection) -> bool:
    """Whether faces were removed since the files were cleaned last, or they never were."""
    cleaned = connection.scalar(select(GalleryRow.cleaned_seq))
    if cleaned is None:
        return False
    later = exists().where(ChangeRow.seq > cleaned, ChangeRow.operation != ADD)
    return cleaned < 0 or bool(connection.scalar(select(later)))


def changes_since(
    connection: Connection, seq: int, *, encoder_key: int, dimension: int
) -> Changes | None:
    """The next stretch of the log after `seq`; None where there is nothing more."""
    query = (
        select(
            ChangeRow.seq,
            ChangeRow.face_key,
            ChangeRow.operation,
            EmbeddingRow.vector,
            FaceRow.collection_key,
        )
        .outerjoin(
            EmbeddingRow,
            (EmbeddingRow.face_key == ChangeRow.face_key)
            & (EmbeddingRow.encoder_key == encoder_key)
            & (ChangeRow.operation == ADD),
        )
        .outerjoin(FaceRow, FaceRow.key == EmbeddingRow.face_key)
        .where(ChangeRow.seq > seq)
        .order_by(ChangeRow.seq)
        .limit(CHANGES_PER_READ)
    )
    rows = connection.execute(query).all()
    if not rows:
        return None
    removed = [row.face_key for row in rows if row.operation != ADD]
    added = [row for row in rows if row.vector is not None]
    vectors = from_bytes([row.vector for row in added], dimension)
    return Changes(
        removed=removed,
        added=[row.face_key for row in added],
        collections=[row.collection_key for row in added],
        vectors=vectors,
        seq=rows[-1].seq,
    )


def faces_by_collection(connection: Connection) -> dict[int, int]:
    """Collection key -> how many faces it has, for those that have any."""
    query = select(FaceRow.collection_key, func.count().label("faces")).group_by(
        FaceRow.collection_key
    )
    return {row.collection_key: row.faces for row in connection.execute(query)}


def all_embeddings(
    database: Database, *, encoder_key: int, collection_key: int, dimension: int
) -> Iterator[tuple[Keys, Embeddings]]:
    """A collection's embeddings of one encoder in pieces: face keys (N,) that grow, (N, D)."""
    last_key = 0
    while True:
        with database.read() as connection:
            query = (
                select(EmbeddingRow.face_key, EmbeddingRow.vector)
                .join(FaceRow, FaceRow.key == EmbeddingRow.face_key)
                .where(
                    EmbeddingRow.encoder_key == encoder_key,
                    EmbeddingRow.face_key > last_key,
                    FaceRow.collection_key == collection_key,
                )
                .order_by(EmbeddingRow.face_key)
                .limit(CHANGES_PER_READ)
            )
            rows = connection.execute(query).all()
        if not rows:
            return
        last_key = rows[-1].face_key
        keys = np.array([row.face_key for row in rows], np.int64)
        yield keys, from_bytes([row.vector for row in rows], dimension)
