"""Collections, consent and retention of faces, digests of crops, unnamed people, clean files.

Columns only, each with a constant default: SQLite then changes no row, and no table is made anew.
(A table made anew is dropped first, and with foreign keys on that would take the crops along.)
"""

import hashlib

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

NEVER_CLEANED = "-1"
"""The files of an older gallery may hold copies of rows in pages that were never looked at."""


def upgrade() -> None:
    """Add the columns and fill in the digests of the crops that are there."""
    op.add_column("person", sa.Column("named", sa.Boolean(), nullable=False, server_default="1"))
    for column in (
        sa.Column("collection_key", sa.Integer(), nullable=False, server_default="1"),
        sa.Column("consent_reference", sa.String(), nullable=True),
        sa.Column("expires_at", sa.DateTime(), nullable=True),
        sa.Column("crop_sha256", sa.String(), nullable=False, server_default=""),
    ):
        op.add_column("face", column)
    op.create_index(None, "face", ["collection_key"])
    op.create_index(None, "face", ["expires_at"])
    op.create_index(None, "face", ["photo_sha256"])
    op.add_column("audit_log", sa.Column("collection_key", sa.Integer(), nullable=True))
    for name, default in (("cleaned_seq", NEVER_CLEANED), ("cleanings", "0")):
        column = sa.Column(name, sa.BigInteger(), nullable=False, server_default=default)
        op.add_column("gallery", column)
    _fill_in_digests()


def _fill_in_digests() -> None:
    digest = "encode(sha256(jpeg), 'hex')"
    if op.get_bind().dialect.name == "sqlite":  # which has no such function of its own
        driver = op.get_bind().connection.driver_connection
        assert driver is not None
        driver.create_function("sha256_hex", 1, lambda data: hashlib.sha256(data).hexdigest())
        digest = "sha256_hex(jpeg)"
    op.execute(
        f"UPDATE face SET crop_sha256 = coalesce("  # noqa: S608 - one of the two above
        f"(SELECT {digest} FROM context_crop WHERE face_key = face.key), '')"
    )
