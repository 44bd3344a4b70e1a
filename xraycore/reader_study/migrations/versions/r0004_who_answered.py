"""Who answered, who leads and who is invited; answers that nobody can change, in a chain."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

# What an erasure may blank; all else of an answer stays as it was given.
_BLANKED = ("author", "session", "comment")
_KEPT = (
    *("id", "item_id", "reader_id", "version", "final", "verdict", "grade", "boxes"),
    *("no_finding", "boxes_before_heat", "seconds", "saved", "digest", "private_digest", "chain"),
)
_ANSWERS = "answers are kept as they were given: a correction is a new one"
_FINISHED = "this study is finished: its answers are locked"
_EVENTS = "what was done to a study is kept"
_FINISHED_ITEM = (
    "EXISTS (SELECT 1 FROM xraycore_items JOIN xraycore_studies "
    "ON xraycore_studies.id = xraycore_items.study_id "
    "WHERE xraycore_items.id = NEW.item_id AND xraycore_studies.finished IS NOT NULL)"
)


def upgrade() -> None:
    """Adds them; of what is there already, nobody knows who answered from where."""
    op.add_column("xraycore_readers", sa.Column("login", sa.Text))
    op.create_index("ix_xraycore_readers_login", "xraycore_readers", ["login"], unique=True)
    op.add_column(
        "xraycore_studies", sa.Column("owner", sa.Text, nullable=False, server_default="")
    )
    op.add_column("xraycore_studies", sa.Column("finished", sa.DateTime))
    for name in ("author", "session"):
        op.add_column(
            "xraycore_reviews", sa.Column(name, sa.Text, nullable=False, server_default="")
        )
    for name in ("digest", "private_digest", "chain"):
        op.add_column("xraycore_reviews", sa.Column(name, sa.String(64)))
    op.add_column("xraycore_reviews", sa.Column("erased", sa.DateTime))
    op.create_table(
        "xraycore_invitations",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("study_id", sa.Integer, sa.ForeignKey("xraycore_studies.id"), nullable=False),
        sa.Column("reader_id", sa.Integer, sa.ForeignKey("xraycore_readers.id"), nullable=False),
        sa.Column("token_sha256", sa.String(64), unique=True),
        sa.Column("made", sa.DateTime, nullable=False),
        sa.UniqueConstraint("study_id", "reader_id"),
    )
    op.create_table(
        "xraycore_events",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("study_id", sa.Integer, sa.ForeignKey("xraycore_studies.id"), nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("who", sa.Text, nullable=False),
        sa.Column("at", sa.DateTime, nullable=False),
    )
    triggers = _sqlite() if op.get_bind().dialect.name == "sqlite" else _postgresql()
    for statement in triggers:
        op.execute(statement)


def _sqlite() -> list[str]:
    same = " AND ".join(f"NEW.{name} IS OLD.{name}" for name in _KEPT)
    blank = " AND ".join(f"NEW.{name} = ''" for name in _BLANKED)
    return [
        f"CREATE TRIGGER xraycore_reviews_update BEFORE UPDATE ON xraycore_reviews WHEN NOT "
        f"(OLD.erased IS NULL AND NEW.erased IS NOT NULL AND {same} AND {blank}) "
        f"BEGIN SELECT RAISE(ABORT, '{_ANSWERS}'); END",
        f"CREATE TRIGGER xraycore_reviews_delete BEFORE DELETE ON xraycore_reviews "
        f"BEGIN SELECT RAISE(ABORT, '{_ANSWERS}'); END",
        f"CREATE TRIGGER xraycore_reviews_insert BEFORE INSERT ON xraycore_reviews "
        f"WHEN {_FINISHED_ITEM} BEGIN SELECT RAISE(ABORT, '{_FINISHED}'); END",
        *(
            f"CREATE TRIGGER xraycore_events_{what.lower()} BEFORE {what} ON xraycore_events "
            f"BEGIN SELECT RAISE(ABORT, '{_EVENTS}'); END"
            for what in ("UPDATE", "DELETE")
        ),
    ]


def _postgresql() -> list[str]:
    # A column of type json has no equality: it is compared as the text that was stored.
    same = " AND ".join(f"NEW.{name}::text IS NOT DISTINCT FROM OLD.{name}::text" for name in _KEPT)
    blank = " AND ".join(f"NEW.{name} = ''" for name in _BLANKED)
    return [
        f"""
        CREATE FUNCTION xraycore_keep_reviews() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'INSERT' THEN
                IF {_FINISHED_ITEM} THEN RAISE EXCEPTION '{_FINISHED}'; END IF;
                RETURN NEW;
            END IF;
            IF TG_OP = 'UPDATE' THEN
                IF OLD.erased IS NULL AND NEW.erased IS NOT NULL AND {same} AND {blank} THEN
                    RETURN NEW;
                END IF;
            END IF;
            RAISE EXCEPTION '{_ANSWERS}';
        END $$
        """,
        "CREATE TRIGGER xraycore_reviews_row BEFORE INSERT OR UPDATE OR DELETE ON xraycore_reviews "
        "FOR EACH ROW EXECUTE FUNCTION xraycore_keep_reviews()",
        "CREATE TRIGGER xraycore_reviews_truncate BEFORE TRUNCATE ON xraycore_reviews "
        "FOR EACH STATEMENT EXECUTE FUNCTION xraycore_keep_reviews()",
        f"""
        CREATE FUNCTION xraycore_keep_events() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION '{_EVENTS}'; END $$
        """,
        "CREATE TRIGGER xraycore_events_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON "
        "xraycore_events FOR EACH STATEMENT EXECUTE FUNCTION xraycore_keep_events()",
    ]
