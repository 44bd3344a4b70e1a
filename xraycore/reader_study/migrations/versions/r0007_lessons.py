"""What students answered to lessons: rows that are added, and never changed or taken away."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

_ATTEMPTS, _ANSWERS = "xraycore_lesson_attempts", "xraycore_lesson_answers"
_KEPT = "what a student answered to a lesson is kept"


def upgrade() -> None:
    """Adds both tables and their rules."""
    op.create_table(
        _ATTEMPTS,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("reader_id", sa.Integer, sa.ForeignKey("xraycore_readers.id"), nullable=False),
        sa.Column("lesson", sa.Text, nullable=False),
        sa.Column("lesson_sha256", sa.String(64), nullable=False),
        sa.Column("course", sa.Text, nullable=False, server_default=""),
        sa.Column("begun", sa.DateTime, nullable=False),
        sa.Column("limit_minutes", sa.Float),
    )
    op.create_table(
        _ANSWERS,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("attempt_id", sa.Integer, sa.ForeignKey(f"{_ATTEMPTS}.id"), nullable=False),
        sa.Column("step", sa.Integer, nullable=False),
        sa.Column("said", sa.JSON, nullable=False),
        sa.Column("found", sa.JSON, nullable=False),
        sa.Column("points", sa.Float, nullable=False),
        sa.Column("seconds", sa.Float, nullable=False),
        sa.Column("saved", sa.DateTime, nullable=False),
        sa.UniqueConstraint("attempt_id", "step"),
        sa.CheckConstraint("points BETWEEN 0 AND 1", name="ck_xraycore_lesson_answers_points"),
        sa.CheckConstraint("seconds >= 0", name="ck_xraycore_lesson_answers_seconds"),
    )
    sqlite = op.get_bind().dialect.name == "sqlite"
    for statement in _sqlite() if sqlite else _postgresql():
        op.execute(statement)


def _sqlite() -> list[str]:
    # REPLACE deletes a row without asking the trigger of DELETE.
    same = {
        _ATTEMPTS: "id = NEW.id",
        _ANSWERS: "id = NEW.id OR (attempt_id = NEW.attempt_id AND step = NEW.step)",
    }
    rules = [
        f"CREATE TRIGGER {table}_{what.lower()} BEFORE {what} ON {table} "
        f"BEGIN SELECT RAISE(ABORT, '{_KEPT}'); END"
        for table in same
        for what in ("UPDATE", "DELETE")
    ]
    return rules + [
        f"CREATE TRIGGER {table}_replace BEFORE INSERT ON {table} "
        f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {row}) "
        f"BEGIN SELECT RAISE(ABORT, '{_KEPT}'); END"
        for table, row in same.items()
    ]


def _postgresql() -> list[str]:
    return [
        f"""
        CREATE FUNCTION xraycore_keep_lessons() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION '{_KEPT}'; END $$
        """,
        *(
            f"CREATE TRIGGER {table}_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION xraycore_keep_lessons()"
            for table in (_ATTEMPTS, _ANSWERS)
        ),
    ]
