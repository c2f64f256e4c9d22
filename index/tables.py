"""The schema of the store, as SQLAlchemy tables. Changes to it are numbered migrations.

    collection 1-n person 1-n face 1-1 context_crop
                                   1-n embedding n-1 encoder
                                   1-n map_place n-1 encoder
    gallery      which encoder the gallery is bound to (one row)
    change_log   what a vector index has to follow: sequence number, operation, face key
    audit_log    who did what, when: ids only
    request      what was asked for under an Idempotency-Key: digests and face ids, for a day
    api_key      who may use a served gallery: digests of keys, and their roles

Each thing has an integer `key`, which is what tables join on and what a vector index knows a face
by, and where the world sees it, a ULID as `id`. Keys are never used twice.
"""

from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    Dialect,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

DEFAULT_COLLECTION_KEY = 1
"""The first migration makes this collection, "default", and nothing removes it."""

DEFAULT_COLLECTION = "default"

Name = String().with_variant(String(collation="C"), "postgresql")
"""Text that is listed in order: of code points, as SQLite has it, whatever a server's language."""

Key = BigInteger().with_variant(Integer, "sqlite")
"""SQLite counts only `INTEGER` columns up by itself."""


class UtcDateTime(TypeDecorator[datetime]):
    """A time in UTC. It is stored without its zone, which SQLite cannot hold."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        """Aware to naive UTC."""
        return None if value is None else value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        """Naive UTC to aware."""
        return None if value is None else value.replace(tzinfo=UTC)


class Table(DeclarativeBase):
    """Base of all tables; constraints get names, so that a later migration can name them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class CollectionRow(Table):
    """A gallery of its own within one store."""

    __tablename__ = "collection"

    key: Mapped[int] = mapped_column(Key, primary_key=True)
    name: Mapped[str] = mapped_column(Name, unique=True)


class EncoderRow(Table):
    """An encoder whose embeddings the store holds, or is about to.

    `folder` is where its files are, as far as anybody has said; `bound_at` is when the gallery was
    bound to it last, null if it never was.
    """

    __tablename__ = "encoder"

    key: Mapped[int] = mapped_column(Key, primary_key=True)
    contract_hash: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    version: Mapped[str]
    dimension: Mapped[int]
    folder: Mapped[str | None]
    bound_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class GalleryRow(Table):
    """The one row that says which store this is and which encoder answers.

    Up to the change `cleaned_seq` nothing that was erased is left in any file; -1 if that was never
    made sure of. `cleanings` counts how often.
    """

    __tablename__ = "gallery"

    id: Mapped[str] = mapped_column(primary_key=True)
    encoder_key: Mapped[int] = mapped_column(ForeignKey(EncoderRow.key))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    cleaned_seq: Mapped[int] = mapped_column(BigInteger, default=0)
    cleanings: Mapped[int] = mapped_column(BigInteger, default=0)


class PersonRow(Table):
    """A group of faces. `name_folded` is the name as listings sort and search it.

    Of somebody nobody has named yet, `named` is false and the name is made up.
    """

    __tablename__ = "person"
    __table_args__ = (
        UniqueConstraint("collection_key", "name"),
        Index(None, "collection_key", "name_folded", "key"),
        {"sqlite_autoincrement": True},
    )

    key: Mapped[int] = mapped_column(Key, primary_key=True)
    id: Mapped[str] = mapped_column(unique=True)
    collection_key: Mapped[int] = mapped_column(ForeignKey(CollectionRow.key))
    name: Mapped[str] = mapped_column(Name)
    name_folded: Mapped[str] = mapped_column(Name)
    named: Mapped[bool] = mapped_column(default=True)


class FaceRow(Table):
    """A face in a photo, without its pixels and its embedding.

    `collection_key` is that of its person, repeated so that searches need not look there.
    """

    __tablename__ = "face"
    __table_args__ = (
        UniqueConstraint("person_key", "photo_sha256"),
        Index(None, "collection_key"),
        Index(None, "expires_at"),
        Index(None, "photo_sha256"),
        {"sqlite_autoincrement": True},
    )

    key: Mapped[int] = mapped_column(Key, primary_key=True)
    id: Mapped[str] = mapped_column(unique=True)
    person_key: Mapped[int] = mapped_column(ForeignKey(PersonRow.key, ondelete="CASCADE"))
    photo_sha256: Mapped[str]
    source_name: Mapped[str]
    left_px: Mapped[int]
    top_px: Mapped[int]
    width_px: Mapped[int]
    height_px: Mapped[int]
    confidence: Mapped[float]
    details: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    collection_key: Mapped[int] = mapped_column(default=DEFAULT_COLLECTION_KEY)
    consent_reference: Mapped[str | None]
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    crop_sha256: Mapped[str] = mapped_column(default="")


class ContextCropRow(Table):
    """The context crop of a face, in a table of its own so that faces stay small to read."""

    __tablename__ = "context_crop"

    face_key: Mapped[int] = mapped_column(
        ForeignKey(FaceRow.key, ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    jpeg: Mapped[bytes]


class EmbeddingRow(Table):
    """A face as one encoder sees it: little-endian float32 (D,) of unit length."""

    __tablename__ = "embedding"

    encoder_key: Mapped[int] = mapped_column(
        ForeignKey(EncoderRow.key), primary_key=True, autoincrement=False
    )
    face_key: Mapped[int] = mapped_column(
        ForeignKey(FaceRow.key, ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
        index=True,
    )
    vector: Mapped[bytes]


class MapPlaceRow(Table):
    """Where a face is on the map of its collection, by one encoder: both axes -1 to 1."""

    __tablename__ = "map_place"

    encoder_key: Mapped[int] = mapped_column(
        ForeignKey(EncoderRow.key, ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    face_key: Mapped[int] = mapped_column(
        ForeignKey(FaceRow.key, ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
        index=True,
    )
    x: Mapped[float] = mapped_column(Double)
    y: Mapped[float] = mapped_column(Double)


class ChangeRow(Table):
    """One step of the change log. It outlives its face, so nothing ties it to one."""

    __tablename__ = "change_log"
    __table_args__ = ({"sqlite_autoincrement": True},)

    seq: Mapped[int] = mapped_column(Key, primary_key=True)
    operation: Mapped[str]
    face_key: Mapped[int] = mapped_column(Key)


class AuditRow(Table):
    """One entry of the audit log: ids only, and they outlive what they name.

    `faces` is how many faces a lookup was about; other entries are about one thing each.
    """

    __tablename__ = "audit_log"
    __table_args__ = ({"sqlite_autoincrement": True},)

    key: Mapped[int] = mapped_column(Key, primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    actor: Mapped[str]
    action: Mapped[str]
    person_id: Mapped[str]
    face_id: Mapped[str]
    collection_key: Mapped[int | None]
    key_id: Mapped[str | None]
    faces: Mapped[int | None]


class RequestRow(Table):
    """A request that is done once. It outlives its faces for a day at most, so it holds no names.

    `faces` is a list of [face id, whether it was a duplicate] in the order of the answer; `note` is
    the caller's.
    """

    __tablename__ = "request"

    key_sha256: Mapped[str] = mapped_column(primary_key=True)
    request_sha256: Mapped[str]
    at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    faces: Mapped[list[Any]] = mapped_column(JSON)
    note: Mapped[list[Any]] = mapped_column(JSON)


class ApiKeyRow(Table):
    """A key to the service. Of the key itself there is only its SHA-256."""

    __tablename__ = "api_key"
    __table_args__ = ({"sqlite_autoincrement": True},)

    key: Mapped[int] = mapped_column(Key, primary_key=True)
    id: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    role: Mapped[str]
    sha256: Mapped[bytes] = mapped_column(unique=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_used: Mapped[date | None]
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
