"""What readers of a study are asked, and what they are to mark."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Adds both; studies of before asked nothing in words."""
    for name in ("question", "finding"):
        op.add_column(
            "xraycore_studies", sa.Column(name, sa.Text, nullable=False, server_default="")
        )
