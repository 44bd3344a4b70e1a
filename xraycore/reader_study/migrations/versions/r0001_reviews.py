"""Readers, studies, their items and the reviews."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Makes the tables."""
    op.create_table(
        "xraycore_readers",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False, unique=True),
    )
    op.create_table(
        "xraycore_studies",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False, unique=True),
        sa.Column("seed", sa.BigInteger),
        sa.Column("blinded", sa.Boolean, nullable=False),
        sa.Column("created", sa.DateTime, nullable=False),
    )
    op.create_table(
        "xraycore_items",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("study_id", sa.Integer, sa.ForeignKey("xraycore_studies.id"), nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("method", sa.Text, nullable=False),
        sa.Column("target", sa.Text, nullable=False),
        sa.UniqueConstraint("study_id", "position"),
        sa.UniqueConstraint("study_id", "sha256", "model", "method", "target"),
    )
    op.create_table(
        "xraycore_reviews",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("item_id", sa.Integer, sa.ForeignKey("xraycore_items.id"), nullable=False),
        sa.Column("reader_id", sa.Integer, sa.ForeignKey("xraycore_readers.id"), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("final", sa.Boolean, nullable=False),
        sa.Column("verdict", sa.String(10)),
        sa.Column("grade", sa.Integer),
        sa.Column("comment", sa.Text, nullable=False),
        sa.Column("boxes", sa.JSON, nullable=False),
        sa.Column("seconds", sa.Float, nullable=False),
        sa.Column("saved", sa.DateTime, nullable=False),
        sa.UniqueConstraint("item_id", "reader_id", "version"),
        sa.CheckConstraint("verdict IN ('agree', 'disagree', 'unsure')", name="verdict"),
        sa.CheckConstraint("grade BETWEEN 1 AND 5", name="grade"),
        sa.CheckConstraint("seconds >= 0", name="seconds"),
        sa.CheckConstraint(
            "NOT final OR (verdict IS NOT NULL AND grade IS NOT NULL)", name="complete"
        ),
    )
