"""Dropping embeddings of encoders that a gallery was moved away from, once nobody wants back."""

from sqlalchemy import delete, select

from index.database import Database
from index.logs import Entry, log
from index.tables import EmbeddingRow, EncoderRow, GalleryRow


def drop_others(database: Database, *, actor: str = "local") -> int:
    """Remove the embeddings of all encoders but the one that answers; say how many those were.

    There is no rollback after it.

    Raises:
        CleaningFailed: they are removed, but their bytes could not be overwritten yet.
        StoreError: the store cannot be written.
    """
    bound = select(GalleryRow.encoder_key).scalar_subquery()
    with database.write() as connection:
        dropped = connection.execute(
            delete(EmbeddingRow).where(EmbeddingRow.encoder_key != bound)
        ).rowcount
        connection.execute(delete(EncoderRow).where(EncoderRow.key != bound))
        if dropped:
            log(connection, "drop-embeddings", actor, [Entry()])
    database.clean()
    return dropped
