"""The change log as a vector index follows it, and the embeddings it leads to.

A log entry names a face only; what to do follows from the store as it is now. An added face that
was erased since has no embedding any more and is left out, so applying twice does no harm.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from faces.types import Embeddings
from index.database import Database
from index.tables import ChangeRow, EmbeddingRow
from index.vectors import from_bytes
from index.writing import ADD

CHANGES_PER_READ = 4096
"""Entries or embeddings read in one transaction, so that none is long and memory stays bounded."""


@dataclass(frozen=True, slots=True, eq=False)
class Changes:
    """What a stretch of the change log comes to.

    Attributes:
        removed: face keys to remove.
        added: face keys to add.
        vectors: of `added`, float32 (N, D).
        seq: the last sequence number of the stretch.
    """

    removed: list[int]
    added: list[int]
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


def changes_since(
    connection: Connection, seq: int, *, encoder_key: int, dimension: int
) -> Changes | None:
    """The next stretch of the log after `seq`; None where there is nothing more."""
    query = (
        select(ChangeRow.seq, ChangeRow.face_key, ChangeRow.operation, EmbeddingRow.vector)
        .outerjoin(
            EmbeddingRow,
            (EmbeddingRow.face_key == ChangeRow.face_key)
            & (EmbeddingRow.encoder_key == encoder_key)
            & (ChangeRow.operation == ADD),
        )
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
    return Changes(removed, [row.face_key for row in added], vectors, rows[-1].seq)


def all_embeddings(
    database: Database, *, encoder_key: int, dimension: int
) -> Iterator[tuple[list[int], Embeddings]]:
    """Every embedding of one encoder, in pieces of (face keys, float32 (N, D)), by growing key."""
    last_key = 0
    while True:
        with database.read() as connection:
            query = (
                select(EmbeddingRow.face_key, EmbeddingRow.vector)
                .where(EmbeddingRow.encoder_key == encoder_key, EmbeddingRow.face_key > last_key)
                .order_by(EmbeddingRow.face_key)
                .limit(CHANGES_PER_READ)
            )
            rows = connection.execute(query).all()
        if not rows:
            return
        last_key = rows[-1].face_key
        yield [row.face_key for row in rows], from_bytes([row.vector for row in rows], dimension)
