"""Where an encoder's files are, and when the gallery was bound to it last: what re-embedding needs.

Columns only, each without a default: SQLite then changes no row and makes no table anew.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the columns; a gallery has been bound to its one encoder since it was made."""
    op.add_column("encoder", sa.Column("folder", sa.String(), nullable=True))
    op.add_column("encoder", sa.Column("bound_at", sa.DateTime(), nullable=True))
    op.execute(
        "UPDATE encoder SET bound_at = (SELECT created_at FROM gallery "
        "WHERE gallery.encoder_key = encoder.key)"
    )
