"""Answers that SQLite's REPLACE does not get past the rules of 0004; a study stays finished."""

from alembic import op

revision = "0005"
down_revision = "0004"

_ANSWERS = "answers are kept as they were given: a correction is a new one"
_EVENTS = "what was done to a study is kept"
_FINISHED = "this study is finished, and that is kept: its answers are locked"


def upgrade() -> None:
    """Adds the rules."""
    sqlite = op.get_bind().dialect.name == "sqlite"
    for statement in _sqlite() if sqlite else _postgresql():
        op.execute(statement)


def _sqlite() -> list[str]:
    # REPLACE deletes a row without asking the trigger of DELETE.
    there = "SELECT 1 FROM xraycore_reviews WHERE id = NEW.id OR "
    same = "item_id = NEW.item_id AND reader_id = NEW.reader_id AND version = NEW.version"
    return [
        f"CREATE TRIGGER xraycore_reviews_replace BEFORE INSERT ON xraycore_reviews "
        f"WHEN EXISTS ({there}({same})) BEGIN SELECT RAISE(ABORT, '{_ANSWERS}'); END",
        f"CREATE TRIGGER xraycore_events_replace BEFORE INSERT ON xraycore_events "
        f"WHEN EXISTS (SELECT 1 FROM xraycore_events WHERE id = NEW.id) "
        f"BEGIN SELECT RAISE(ABORT, '{_EVENTS}'); END",
        f"CREATE TRIGGER xraycore_studies_finished BEFORE UPDATE ON xraycore_studies "
        f"WHEN OLD.finished IS NOT NULL AND NEW.finished IS NOT OLD.finished "
        f"BEGIN SELECT RAISE(ABORT, '{_FINISHED}'); END",
        f"CREATE TRIGGER xraycore_studies_replace BEFORE INSERT ON xraycore_studies "
        f"WHEN EXISTS (SELECT 1 FROM xraycore_studies "
        f"WHERE (id = NEW.id OR key = NEW.key) AND finished IS NOT NULL) "
        f"BEGIN SELECT RAISE(ABORT, '{_FINISHED}'); END",
    ]


def _postgresql() -> list[str]:
    return [
        f"""
        CREATE FUNCTION xraycore_keep_finished() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION '{_FINISHED}'; END $$
        """,
        "CREATE TRIGGER xraycore_studies_finished BEFORE UPDATE ON xraycore_studies FOR EACH ROW "
        "WHEN (OLD.finished IS NOT NULL AND NEW.finished IS DISTINCT FROM OLD.finished) "
        "EXECUTE FUNCTION xraycore_keep_finished()",
    ]
