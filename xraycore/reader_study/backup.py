"""Copies of the review database, also while it is used, and their way back.

A copy is one SQLite file, whichever database it is of: it can be brought back into SQLite and into
PostgreSQL. That of PostgreSQL holds our tables only, as they were at one moment.
"""

import shutil
import sqlite3
import tempfile
from contextlib import closing
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, Engine, func, insert, select, text, update

from xraycore.errors import ReaderStudyError
from xraycore.reader_study import tables
from xraycore.reader_study.chain import ChainCheck, check_answers
from xraycore.reader_study.database import (
    VERSION_TABLE,
    format_address,
    open_database,
    translate_errors,
    write_locked,
)
from xraycore.utils.files import make_private_file, replacing

_MANY = 500


def backup_database(engine: Engine, file: Path) -> list[ChainCheck]:
    """Writes a copy of all studies, readers and answers; what `check_answers` says of the copy.

    Others may read and write meanwhile. The file is readable by this user only.

    Args:
        engine: See `open_database`.
        file: New; a copy is never written over another.

    Raises:
        ReaderStudyError: If the file is there already, or the database cannot be read.
        StorageError: If the disk is full.
    """
    if file.exists():
        raise ReaderStudyError(f"{file}: expected the name of a new file; there is one.")
    with translate_errors(engine.url), replacing(file) as part:
        make_private_file(part)
        if engine.url.get_backend_name() == "sqlite":
            _copy_sqlite(Path(str(engine.url.database)), part)
        else:
            _dump(engine, part)
        checks = _checked(part)
    return checks


def restore_database(
    file: Path, url: str | None = None, *, replace: bool = False
) -> tuple[list[ChainCheck], Path | None]:
    """Brings a copy back; what `check_answers` says then, and where what was there before lies.

    Args:
        file: Of `backup_database`.
        url: See `open_database`.
        replace: Also where there are studies or answers to lessons: of SQLite only, and these are
            copied away first.

    Raises:
        ReaderStudyError: If it is no such copy, or there are studies that would be lost.
    """
    _check_copy(file)
    engine, before = open_database(url), None
    try:
        sqlite = engine.url.get_backend_name() == "sqlite"
        with translate_errors(engine.url), engine.begin() as connection:
            studies, attempts = (
                connection.execute(select(func.count(table.c.id))).scalar_one()
                for table in (tables.studies, tables.lesson_attempts)
            )
        held = studies + attempts
        if held and not (replace and sqlite):
            how = "say --replace to put the copy in their place" if sqlite else "name an empty one"
            raise ReaderStudyError(
                f"{format_address(engine.url)} holds {studies} studies"
                f"{f' and {attempts} attempts at lessons' if attempts else ''} already: {how}."
            )
        with translate_errors(engine.url):
            if sqlite:
                here = Path(str(engine.url.database))
                if held:
                    before = here.with_name(f"{here.name}.before-{datetime.now():%Y%m%d-%H%M%S}")
                    backup_database(engine, before)
                engine.dispose()
                _copy_sqlite(file, here)
            else:
                _load(file, engine)
    finally:
        engine.dispose()
    # Anew: the copy may be of an older schema.
    engine = open_database(url)
    try:
        return check_answers(engine), before
    finally:
        engine.dispose()


def _copy_sqlite(source: Path, target: Path) -> None:
    """SQLite's own way, which knows what is in the log and waits for those who write."""
    with (
        closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as read,
        closing(sqlite3.connect(target, timeout=30)) as written,
    ):
        read.backup(written)


def _checked(file: Path) -> list[ChainCheck]:
    """Makes a copy one file without a log beside it, and looks whether it is sound."""
    with closing(sqlite3.connect(file)) as copy:
        copy.execute("PRAGMA journal_mode=DELETE")
        said = copy.execute("PRAGMA integrity_check").fetchone()[0]
    if said != "ok":
        raise ReaderStudyError(f"the copy is damaged ({said}): try again")
    # In a folder of its own: opened as a database it has a log again.
    with tempfile.TemporaryDirectory() as folder:
        opened = Path(shutil.copyfile(file, Path(folder) / "copy.sqlite3"))
        engine = open_database(f"sqlite:///{opened}")
        try:
            return check_answers(engine)
        finally:
            engine.dispose()


def _check_copy(file: Path) -> None:
    expected = f"{file}: expected a copy that `reviews backup` wrote"
    if not file.is_file():
        raise ReaderStudyError(f"{expected}; there is no such file.")
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as copy:
            copy.execute(f"SELECT version_num FROM {VERSION_TABLE}").fetchone()
            if copy.execute("PRAGMA integrity_check").fetchone()[0] != "ok":
                raise ReaderStudyError(f"{expected}; it is damaged.")
    except sqlite3.DatabaseError as error:
        raise ReaderStudyError(f"{expected} ({error}).") from None


def _dump(engine: Engine, file: Path) -> None:
    """Our tables of another database, as they are at one moment, as a SQLite file."""
    copy = open_database(f"sqlite:///{file}")
    try:
        # Else what others write between two tables would be half of it.
        one_moment = engine.execution_options(isolation_level="REPEATABLE READ")
        with one_moment.begin() as source, write_locked(copy).begin() as target:
            _copy_rows(source, target)
    finally:
        copy.dispose()


def _load(file: Path, engine: Engine) -> None:
    """Rows of a copy into an empty database of another kind."""
    with tempfile.TemporaryDirectory() as folder:
        # Brought up to date first, and not in place: it is the user's copy.
        opened = Path(shutil.copyfile(file, Path(folder) / "copy.sqlite3"))
        copy = open_database(f"sqlite:///{opened}")
        try:
            with copy.begin() as source, engine.begin() as target:
                _copy_rows(source, target)
                for table in tables.metadata.sorted_tables:
                    # The next row gets the next number.
                    target.execute(
                        text(
                            f"SELECT setval(pg_get_serial_sequence('{table.name}', 'id'), "
                            f"greatest((SELECT max(id) FROM {table.name}), 1), "
                            f"(SELECT max(id) FROM {table.name}) IS NOT NULL)"
                        )
                    )
        finally:
            copy.dispose()


def _copy_rows(source: Connection, target: Connection) -> None:
    finished: dict[int, datetime] = {}
    for table in tables.metadata.sorted_tables:
        rows = source.execute(select(table).order_by(table.c.id)).mappings()
        for part in rows.partitions(_MANY):
            values = [dict(row) for row in part]
            if table is tables.studies:
                # A finished study takes no answers, not even those that it has.
                finished |= {row["id"]: row["finished"] for row in values if row["finished"]}
                values = [{**row, "finished": None} for row in values]
            target.execute(insert(table), values)
    for study, when in finished.items():
        this = tables.studies.c.id == study
        target.execute(update(tables.studies).where(this).values(finished=when))
