"""Whose weights drew a heatmap, and that a reader sees no finding."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Adds a column each; of what is there already, neither is known."""
    op.add_column(
        "xraycore_items",
        sa.Column("weights", sa.String(64), nullable=False, server_default=""),
    )
    op.add_column(
        "xraycore_reviews",
        sa.Column("no_finding", sa.Boolean, nullable=False, server_default=sa.false()),
    )
