"""The boxes as a reader had drawn them before heat was shown."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Adds the column; of what is there already, it is not known."""
    op.add_column("xraycore_reviews", sa.Column("boxes_before_heat", sa.JSON))
