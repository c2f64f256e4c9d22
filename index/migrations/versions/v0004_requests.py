"""Requests that are done once however often they are sent: digests and face ids, for a day."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "request",
        sa.Column("key_sha256", sa.String(), primary_key=True),
        sa.Column("request_sha256", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("faces", sa.JSON(), nullable=False),
        sa.Column("note", sa.JSON(), nullable=False),
    )
    op.create_index(None, "request", ["at"])
