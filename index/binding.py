"""The tie between a gallery and its encoder: similarities mean nothing across two encoders.

    bind      a gallery to its encoder when it is opened, or refuse another one
    switch    to an encoder whose embeddings are all there; one row changes, so it is atomic

A gallery knows every encoder that it holds embeddings of, when it was bound to each last (never,
while the embeddings are still being made), and in which folder the encoder's files are.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

from sqlalchemy import Connection, Row, Select, delete, exists, insert, select, update
from ulid import ULID

from faces.card import CARD_FILE, Card
from index.errors import EncoderChanged, EncoderMismatch
from index.tables import EmbeddingRow, EncoderRow, GalleryRow

_Row: TypeAlias = Row[int, str, str, str | None]
"""An encoder's key, name, contract and folder."""


@dataclass(frozen=True, slots=True)
class Binding:
    """Which store this is, and which encoder answers in it.

    Attributes:
        gallery_id: ULID of the store, made with it.
        encoder_key: of the encoder within the store.
        contract_hash: of the encoder.
        dimension: D.
    """

    gallery_id: str
    encoder_key: int
    contract_hash: str
    dimension: int


@dataclass(frozen=True, slots=True)
class KnownEncoder:
    """An encoder that a gallery has, or had, embeddings of.

    Attributes:
        key: within the store.
        name: of its card.
        contract_hash: of its card.
        folder: where its files were last known to be; None if nobody has said so.
    """

    key: int
    name: str
    contract_hash: str
    folder: Path | None


def bind(connection: Connection, card: Card, folder: Path | None = None) -> Binding:
    """Tie a new gallery to this encoder, or check that an old one belongs to it.

    A gallery without faces takes any encoder.

    Args:
        connection: of a write transaction.
        card: of the encoder.
        folder: where its files are.

    Raises:
        EncoderMismatch: the gallery has faces of another encoder.
    """
    gallery_id = connection.scalar(select(GalleryRow.id))
    if gallery_id is None:
        gallery_id = str(ULID())
        key = encoder_key(connection, card, folder)
        made = {"id": gallery_id, "encoder_key": key, "created_at": datetime.now(UTC)}
        connection.execute(insert(GalleryRow).values(made))
        _note_bound(connection, key)
        return Binding(gallery_id, key, card.contract_hash, card.dimension)
    bound = bound_encoder(connection)
    if bound.contract_hash == card.contract_hash:
        _note_folder(connection, bound, folder)
        return Binding(gallery_id, bound.key, card.contract_hash, card.dimension)
    if connection.scalar(select(exists().where(EmbeddingRow.encoder_key == bound.key))):
        raise EncoderMismatch(
            bound=bound.name,
            bound_hash=bound.contract_hash,
            given=card.name,
            given_hash=card.contract_hash,
        )
    key = encoder_key(connection, card, folder)
    switch(connection, key)
    connection.execute(delete(EncoderRow).where(EncoderRow.key == bound.key))
    return Binding(gallery_id, key, card.contract_hash, card.dimension)


def check_still_bound(connection: Connection, binding: Binding) -> None:
    """Refuse to write embeddings of an encoder that the gallery was switched away from.

    Raises:
        EncoderChanged: the gallery is bound to another encoder by now.
    """
    bound = connection.scalar(select(GalleryRow.encoder_key))
    if bound != binding.encoder_key:
        raise EncoderChanged(bound_encoder(connection).name)


def encoder_key(connection: Connection, card: Card, folder: Path | None) -> int:
    """The key of an encoder within the store, which gets to know it if it does not."""
    known = connection.execute(_known().where(EncoderRow.contract_hash == card.contract_hash))
    if (row := known.one_or_none()) is not None:
        _note_folder(connection, _encoder(row), folder)
        return _encoder(row).key
    values = insert(EncoderRow).values(
        contract_hash=card.contract_hash,
        name=card.name,
        version=card.version,
        dimension=card.dimension,
        folder=None if folder is None else str(folder.absolute()),
    )
    return connection.execute(values.returning(EncoderRow.key)).scalar_one()


def switch(connection: Connection, key: int) -> None:
    """Bind the gallery to another of its encoders."""
    connection.execute(update(GalleryRow).values(encoder_key=key))
    _note_bound(connection, key)


def bound_encoder(connection: Connection) -> KnownEncoder:
    """The encoder that the gallery is bound to."""
    bound = _known().join(GalleryRow, GalleryRow.encoder_key == EncoderRow.key)
    return _encoder(connection.execute(bound).one())


def former_encoder(connection: Connection) -> KnownEncoder | None:
    """The encoder that the gallery was bound to before this one, if its embeddings are kept."""
    query = (
        _known()
        .where(
            EncoderRow.bound_at.is_not(None), EncoderRow.key.not_in(select(GalleryRow.encoder_key))
        )
        .order_by(EncoderRow.bound_at.desc())
        .limit(1)
    )
    row = connection.execute(query).one_or_none()
    return None if row is None else _encoder(row)


def _known() -> Select[int, str, str, str | None]:
    return select(EncoderRow.key, EncoderRow.name, EncoderRow.contract_hash, EncoderRow.folder)


def _encoder(row: _Row) -> KnownEncoder:
    folder = None if row.folder is None else Path(row.folder)
    return KnownEncoder(row.key, row.name, row.contract_hash, folder)


def _note_bound(connection: Connection, key: int) -> None:
    now = datetime.now(UTC)
    connection.execute(update(EncoderRow).where(EncoderRow.key == key).values(bound_at=now))


def _note_folder(connection: Connection, known: KnownEncoder, folder: Path | None) -> None:
    """Note where an encoder's files are, unless they are where they are known to be."""
    if folder is None or (known.folder is not None and (known.folder / CARD_FILE).is_file()):
        return
    place = str(folder.absolute())
    connection.execute(update(EncoderRow).where(EncoderRow.key == known.key).values(folder=place))
