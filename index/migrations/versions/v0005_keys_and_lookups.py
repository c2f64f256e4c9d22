"""API keys, and what the audit log needs to tell of them and of searches.

A new table, and columns without a default: SQLite then changes no row and makes no table anew.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the table, which is empty: until a key is created nothing changes for anybody."""
    op.create_table(
        "api_key",
        sa.Column("key", KEY, primary_key=True),
        sa.Column("id", sa.String(), nullable=False, unique=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False, unique=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("last_used", sa.Date(), nullable=True),
        sa.Column("revoked_at", sa.DateTime(), nullable=True),
        sqlite_autoincrement=True,
    )
    op.add_column("audit_log", sa.Column("key_id", sa.String(), nullable=True))
    op.add_column("audit_log", sa.Column("faces", sa.Integer(), nullable=True))
