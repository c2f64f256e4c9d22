"""Places of faces on a map of their collection.

A new table, empty until a map is drawn. Its rows go with their face.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the table."""
    of_encoder = sa.ForeignKey("encoder.key", ondelete="CASCADE")
    of_face = sa.ForeignKey("face.key", ondelete="CASCADE")
    op.create_table(
        "map_place",
        sa.Column("encoder_key", KEY, of_encoder, primary_key=True, autoincrement=False),
        sa.Column("face_key", KEY, of_face, primary_key=True, autoincrement=False, index=True),
        sa.Column("x", sa.Double(), nullable=False),
        sa.Column("y", sa.Double(), nullable=False),
    )
