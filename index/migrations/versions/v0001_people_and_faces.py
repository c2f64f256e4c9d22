"""People, faces, context crops, embeddings, both logs, and the binding to an encoder."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
NAME = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the first schema, with the collection that everything belongs to."""
    _make_encoders()
    _make_people()
    _make_faces()
    _make_logs()


def _make_encoders() -> None:
    op.create_table(
        "encoder",
        sa.Column("key", KEY, primary_key=True),
        sa.Column("contract_hash", sa.String(), nullable=False, unique=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("dimension", sa.Integer(), nullable=False),
    )
    op.create_table(
        "gallery",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("encoder_key", KEY, sa.ForeignKey("encoder.key"), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
    )


def _make_people() -> None:
    collection = op.create_table(
        "collection",
        sa.Column("key", KEY, primary_key=True),
        sa.Column("name", NAME, nullable=False, unique=True),
    )
    op.bulk_insert(collection, [{"key": 1, "name": "default"}])
    op.create_table(
        "person",
        sa.Column("key", KEY, primary_key=True),
        sa.Column("id", sa.String(), nullable=False, unique=True),
        sa.Column("collection_key", KEY, sa.ForeignKey("collection.key"), nullable=False),
        sa.Column("name", NAME, nullable=False),
        sa.Column("name_folded", NAME, nullable=False),
        sa.UniqueConstraint("collection_key", "name"),
        sqlite_autoincrement=True,
    )
    op.create_index(None, "person", ["collection_key", "name_folded", "key"])


def _make_faces() -> None:
    op.create_table(
        "face",
        sa.Column("key", KEY, primary_key=True),
        sa.Column("id", sa.String(), nullable=False, unique=True),
        sa.Column(
            "person_key", KEY, sa.ForeignKey("person.key", ondelete="CASCADE"), nullable=False
        ),
        sa.Column("photo_sha256", sa.String(), nullable=False),
        sa.Column("source_name", sa.String(), nullable=False),
        sa.Column("left_px", sa.Integer(), nullable=False),
        sa.Column("top_px", sa.Integer(), nullable=False),
        sa.Column("width_px", sa.Integer(), nullable=False),
        sa.Column("height_px", sa.Integer(), nullable=False),
        sa.Column("confidence", sa.Double(), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.UniqueConstraint("person_key", "photo_sha256"),
        sqlite_autoincrement=True,
    )
    of_face = sa.ForeignKey("face.key", ondelete="CASCADE")
    op.create_table(
        "context_crop",
        sa.Column("face_key", KEY, of_face, primary_key=True, autoincrement=False),
        sa.Column("jpeg", sa.LargeBinary(), nullable=False),
    )
    of_face = sa.ForeignKey("face.key", ondelete="CASCADE")
    of_encoder = sa.ForeignKey("encoder.key")
    op.create_table(
        "embedding",
        sa.Column("encoder_key", KEY, of_encoder, primary_key=True, autoincrement=False),
        sa.Column("face_key", KEY, of_face, primary_key=True, autoincrement=False, index=True),
        sa.Column("vector", sa.LargeBinary(), nullable=False),
    )


def _make_logs() -> None:
    op.create_table(
        "change_log",
        sa.Column("seq", KEY, primary_key=True),
        sa.Column("operation", sa.String(), nullable=False),
        sa.Column("face_key", KEY, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "audit_log",
        sa.Column("key", KEY, primary_key=True),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("face_id", sa.String(), nullable=False),
        sqlite_autoincrement=True,
    )
