"""The tables of the review database. No patient identifier, file name or path has a place there."""

from datetime import UTC, datetime

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    false,
)
from sqlalchemy.engine import Dialect


class UtcTime(TypeDecorator):
    """A moment, kept as UTC without a zone, since SQLite knows none, and given back with it."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """UTC without its zone."""
        return value and value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """UTC with its zone."""
        return value and value.replace(tzinfo=UTC)


# Prefixed, so that they can share a database with those of others.
metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

# `key` is the name as names are compared: without case. `login` is what a sign-in knows him by.
readers = Table(
    "xraycore_readers",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("key", Text, nullable=False, unique=True),
    Column("login", Text),
    Index("ix_xraycore_readers_login", "login", unique=True),
)

# Without a seed, all readers read a study in its own order. `owner` is the login of who leads it;
# once it is finished, answers to it are refused. `question` and `finding` are told to its readers.
studies = Table(
    "xraycore_studies",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("key", Text, nullable=False, unique=True),
    Column("seed", BigInteger),
    Column("blinded", Boolean, nullable=False),
    Column("created", UtcTime, nullable=False),
    Column("owner", Text, nullable=False, server_default=""),
    Column("finished", UtcTime),
    Column("question", Text, nullable=False, server_default=""),
    Column("finding", Text, nullable=False, server_default=""),
)

# What a `Study` is read from.
study_columns = (
    *(studies.c.id, studies.c.name, studies.c.seed, studies.c.blinded, studies.c.created),
    *(studies.c.owner, studies.c.finished, studies.c.question, studies.c.finding),
)

# One heatmap of one film, to be judged.
items = Table(
    "xraycore_items",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("study_id", ForeignKey("xraycore_studies.id"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("model", Text, nullable=False),
    Column("method", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("weights", String(64), nullable=False, server_default=""),
    UniqueConstraint("study_id", "position"),
    UniqueConstraint("study_id", "sha256", "model", "method", "target"),
)

# One version of what a reader says of an item. Rows are added and never changed: the highest
# version is what the reader sees, the highest final one is what counts. Triggers see to it
# (migrations 0004 and 0005); what they let pass is an erasure, which blanks `author`, `session` and
# `comment` and sets `erased`. `chain` links an answer to the one of the same study before, see
# `chain.py`.
reviews = Table(
    "xraycore_reviews",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("item_id", ForeignKey("xraycore_items.id"), nullable=False),
    Column("reader_id", ForeignKey("xraycore_readers.id"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("final", Boolean, nullable=False),
    Column("verdict", String(10)),
    Column("grade", Integer),
    Column("comment", Text, nullable=False),
    Column("boxes", JSON, nullable=False),
    Column("no_finding", Boolean, nullable=False, server_default=false()),
    # NULL until the reader has seen heat on the film.
    Column("boxes_before_heat", JSON(none_as_null=True)),
    Column("seconds", Float, nullable=False),
    Column("saved", UtcTime, nullable=False),
    Column("author", Text, nullable=False, server_default=""),
    Column("session", Text, nullable=False, server_default=""),
    Column("digest", String(64)),
    Column("private_digest", String(64)),
    Column("chain", String(64)),
    Column("erased", UtcTime),
    UniqueConstraint("item_id", "reader_id", "version"),
    CheckConstraint("verdict IN ('agree', 'disagree', 'unsure')", name="verdict"),
    CheckConstraint("grade BETWEEN 1 AND 5", name="grade"),
    CheckConstraint("seconds >= 0", name="seconds"),
    CheckConstraint("NOT final OR (verdict IS NOT NULL AND grade IS NOT NULL)", name="complete"),
)

# Who may answer a study: by his login, or by a link whose token only its sha256 is kept of.
invitations = Table(
    "xraycore_invitations",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("study_id", ForeignKey("xraycore_studies.id"), nullable=False),
    Column("reader_id", ForeignKey("xraycore_readers.id"), nullable=False),
    Column("token_sha256", String(64), unique=True),
    Column("made", UtcTime, nullable=False),
    UniqueConstraint("study_id", "reader_id"),
)

# What was done to a study, by whom and when. Rows are added and never changed.
events = Table(
    "xraycore_events",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("study_id", ForeignKey("xraycore_studies.id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("who", Text, nullable=False),
    Column("at", UtcTime, nullable=False),
)

# One sitting of a student, who is a reader by name or login, at a lesson as it was then. Rows of
# both tables are added and never changed (migration 0007); nothing in them names a person.
lesson_attempts = Table(
    "xraycore_lesson_attempts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("reader_id", ForeignKey("xraycore_readers.id"), nullable=False),
    Column("lesson", Text, nullable=False),
    Column("lesson_sha256", String(64), nullable=False),
    Column("course", Text, nullable=False, server_default=""),
    Column("begun", UtcTime, nullable=False),
    Column("limit_minutes", Float),
)

lesson_answers = Table(
    "xraycore_lesson_answers",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("attempt_id", ForeignKey("xraycore_lesson_attempts.id"), nullable=False),
    Column("step", Integer, nullable=False),
    Column("said", JSON, nullable=False),
    Column("found", JSON, nullable=False),
    Column("points", Float, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("saved", UtcTime, nullable=False),
    UniqueConstraint("attempt_id", "step"),
    CheckConstraint("points BETWEEN 0 AND 1", name="points"),
    CheckConstraint("seconds >= 0", name="seconds"),
)
