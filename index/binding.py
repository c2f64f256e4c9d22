"""The tie between a gallery and its encoder: similarities mean nothing across two encoders."""

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, delete, exists, insert, select, update
from ulid import ULID

from faces.card import Card
from index.errors import EncoderMismatch
from index.tables import EmbeddingRow, EncoderRow, GalleryRow


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


def bind(connection: Connection, card: Card) -> Binding:
    """Tie a new gallery to this encoder, or check that an old one belongs to it.

    A gallery without faces takes any encoder.

    Raises:
        EncoderMismatch: the gallery has faces of another encoder.
    """
    bound = connection.execute(
        select(GalleryRow.id, EncoderRow.key, EncoderRow.contract_hash, EncoderRow.name).join(
            EncoderRow, EncoderRow.key == GalleryRow.encoder_key
        )
    ).one_or_none()
    if bound is None:
        gallery_id = str(ULID())
        encoder_key = _insert_encoder(connection, card)
        connection.execute(
            insert(GalleryRow).values(
                id=gallery_id, encoder_key=encoder_key, created_at=datetime.now(UTC)
            )
        )
        return Binding(gallery_id, encoder_key, card.contract_hash, card.dimension)
    gallery_id, encoder_key, contract_hash, name = bound
    if contract_hash == card.contract_hash:
        return Binding(gallery_id, encoder_key, contract_hash, card.dimension)
    if connection.scalar(select(exists().where(EmbeddingRow.encoder_key == encoder_key))):
        raise EncoderMismatch(
            bound=name, bound_hash=contract_hash, given=card.name, given_hash=card.contract_hash
        )
    fresh_key = _insert_encoder(connection, card)
    connection.execute(update(GalleryRow).values(encoder_key=fresh_key))
    connection.execute(delete(EncoderRow).where(EncoderRow.key == encoder_key))
    return Binding(gallery_id, fresh_key, card.contract_hash, card.dimension)


def _insert_encoder(connection: Connection, card: Card) -> int:
    values = insert(EncoderRow).values(
        contract_hash=card.contract_hash,
        name=card.name,
        version=card.version,
        dimension=card.dimension,
    )
    return connection.execute(values.returning(EncoderRow.key)).scalar_one()
