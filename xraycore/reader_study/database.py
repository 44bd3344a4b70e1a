"""Opens the review database, and brings its schema up to date."""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import platformdirs
from sqlalchemy import Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, NoSuchModuleError

from xraycore.config import database_url
from xraycore.errors import ReaderStudyError
from xraycore.utils.files import make_private_file, make_private_folder

# Of the newest migration: a database that has it needs none, and Alembic need not be imported.
HEAD = "0007"
VERSION_TABLE = "xraycore_version"
# Seconds to wait for the other processes that write.
PATIENCE = 30
# Any number that nobody else on the server locks.
_ADVISORY_LOCK = 0x58524159
# Alembic keeps what it migrates in a module.
_MIGRATING = threading.Lock()


def open_database(url: str | None = None) -> Engine:
    """A database with the newest schema, ready for `ReaderStudyRepository`.

    A database of an older schema is migrated, in one transaction; several processes may open the
    same one at once.

    Args:
        url: Of SQLAlchemy. By default that of XRAYCORE_DATABASE, or else the SQLite file
            `reviews.sqlite3` in the folder of the user's data.

    Raises:
        ReaderStudyError: If it cannot be reached or written, or is of a newer version of xraycore.
    """
    address = _address(url)
    with translate_errors(address):
        engine = _engine(address)
        try:
            with write_locked(engine).begin() as connection:
                if address.get_backend_name() == "postgresql":
                    connection.execute(text(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})"))
                revision = _revision(connection)
                if revision != HEAD:
                    _upgrade(connection, revision, address)
        except BaseException:
            engine.dispose()
            raise
    return engine


def write_locked(engine: Engine) -> Engine:
    """The same engine, whose transactions take SQLite's write lock when they begin.

    One that begins by reading and then writes fails at once, without waiting, if another has
    written in between.
    """
    return engine.execution_options(xraycore_writes=True)


def _address(url: str | None) -> URL:
    given = url or database_url()
    if not given:
        return URL.create("sqlite", database=str(_data_folder() / "reviews.sqlite3"))
    try:
        address = make_url(given)
    except ArgumentError:
        raise ReaderStudyError(
            "the database needs an SQLAlchemy URL such as sqlite:////folder/reviews.sqlite3 or "
            "postgresql://user@host/database. XRAYCORE_DATABASE is none"
        ) from None
    if address.drivername in ("postgres", "postgresql"):
        return address.set(drivername="postgresql+psycopg")
    if address.get_backend_name() == "sqlite" and address.database in (None, "", ":memory:"):
        raise ReaderStudyError("reviews need a database that is kept. Received: one in memory")
    return address


def _data_folder() -> Path:
    folder = platformdirs.user_data_path("xraycore", appauthor=False)
    try:
        make_private_folder(folder)
    except OSError as error:
        raise ReaderStudyError(
            f"{folder}: cannot make the folder for reviews ({error.strerror}). Name a database "
            "in XRAYCORE_DATABASE"
        ) from None
    return folder


def _engine(address: URL) -> Engine:
    if address.get_backend_name() != "sqlite":
        waits = {"connect_timeout": 10} if address.drivername == "postgresql+psycopg" else {}
        return create_engine(address, pool_pre_ping=True, connect_args=waits)
    with suppress(OSError):  # Where that fails, so does what follows, which says why.
        make_private_file(Path(address.database or ""))
    engine = create_engine(address, connect_args={"timeout": PATIENCE})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    """Readers that don't wait for writers, every commit on the disk, references checked."""
    connection.isolation_level = None  # transactions begin where `_begin_sqlite` says
    _use_wal(connection)
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")


def _use_wal(connection: sqlite3.Connection) -> None:
    """Turns the write-ahead log on; SQLite does not wait here when others do so too."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > end:
                raise
            time.sleep(0.05)


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("xraycore_writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _revision(connection: Connection) -> str | None:
    """The schema's revision, None for an empty database."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    return connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()


def _upgrade(connection: Connection, revision: str | None, address: URL) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", "xraycore.reader_study:migrations")
    config.attributes.update(connection=connection, version_table=VERSION_TABLE)
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if revision is not None and revision not in known:
        raise ReaderStudyError(
            f"{format_address(address)} was written by a newer version of xraycore (schema "
            f"{revision}; this one knows up to {HEAD}). Update xraycore"
        )
    with _MIGRATING:
        command.upgrade(config, "head")


MAX_REASON = 300
# What a driver says -> what it means and what to do.
_HINTS = {
    "readonly database": "it is read-only. Make the file and its folder writable",
    "unable to open database file": "its folder does not exist or is not writable",
    "database is locked": "another program keeps it locked. Close that and try again",
    "file is not a database": "the file is no SQLite database",
    "answers are kept as they were given": "an answer cannot be changed; store a new one",
    "what a student answered": "an answer to a lesson cannot be changed",
    "this study is finished": "this study is finished, and its answers are locked",
    "database or disk is full": "the disk is full. What was saved before is safe",
    "connection": "cannot reach the server. Is it running, and XRAYCORE_DATABASE right?",
    "No module named": "its driver is not installed",
}


def format_address(url: URL) -> str:
    """The address of a database without its password and options."""
    return url.set(query={}).render_as_string(hide_password=True)


@contextmanager
def translate_errors(url: URL) -> Iterator[None]:
    """Turns what a driver raises into a `ReaderStudyError` in one line.

    An IntegrityError passes: two have written the same at once, and the caller tries again.
    """
    try:
        yield
    except IntegrityError:
        raise
    except DBAPIError as error:
        raise ReaderStudyError(f"{format_address(url)}: {_reason(str(error.orig))}") from error
    except (ArgumentError, NoSuchModuleError, ImportError) as error:
        raise ReaderStudyError(f"{format_address(url)}: {_reason(str(error))}") from error


def _reason(said: str) -> str:
    line = " ".join(said.split())
    short = line if len(line) <= MAX_REASON else line[: MAX_REASON - 1] + "…"
    hint = next((hint for key, hint in _HINTS.items() if key.lower() in line.lower()), None)
    return f"{hint} ({short})" if hint else short
