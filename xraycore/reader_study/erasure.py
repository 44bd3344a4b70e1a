"""Taking a person out of the database, and leaving what he found in it."""

from datetime import UTC, datetime

from sqlalchemy import Engine, delete, select, text, update

from xraycore.errors import ReaderStudyError
from xraycore.reader_study import tables
from xraycore.reader_study.database import translate_errors, write_locked
from xraycore.reader_study.names import tidy_name
from xraycore.reader_study.store import insert_row

ERASED = "erased reader"


def erase_reader(engine: Engine, name: str, who: str = "") -> tuple[str, int]:
    """Takes out a reader's name, login, sessions, comments and links; his new name, and how many
    answers were his.

    What he judged and marked stays, under a name that is no one's, and `check_answers` still finds
    that it is as it was given. Copies that were made before still hold him.

    Args:
        engine: See `open_database`.
        name: Of the reader, as results show it.
        who: Login of who erases, kept with the study.

    Raises:
        ReaderStudyError: If there is no such reader.
    """
    key = tidy_name(name, "a reader").casefold()
    now = datetime.now(UTC)
    with translate_errors(engine.url), write_locked(engine).begin() as connection:
        reader = connection.execute(
            select(tables.readers.c.id).where(tables.readers.c.key == key)
        ).scalar()
        if reader is None:
            raise ReaderStudyError(f"there is no reader named {name!r}")
        pseudonym = f"Erased reader {reader}"
        his = tables.reviews.c.reader_id == reader
        asked = select(tables.items.c.study_id).join(tables.reviews).where(his).distinct()
        studies = set(connection.execute(asked).scalars())
        invited = tables.invitations.c.reader_id == reader
        studies |= set(
            connection.execute(select(tables.invitations.c.study_id).where(invited)).scalars()
        )
        answers = connection.execute(
            update(tables.reviews)
            .where(his, tables.reviews.c.erased.is_(None))
            .values(author="", session="", comment="", erased=now)
        ).rowcount
        connection.execute(delete(tables.invitations).where(invited))
        connection.execute(
            update(tables.readers)
            .where(tables.readers.c.id == reader)
            .values(name=pseudonym, key=pseudonym.casefold(), login=None)
        )
        for study in sorted(studies):
            row = {"study_id": study, "kind": f"{ERASED} {reader}", "who": who, "at": now}
            insert_row(connection, tables.events, **row)
    _forget_pages(engine)
    return pseudonym, answers


def _forget_pages(engine: Engine) -> None:
    """Has the database write over what it no longer shows: old rows lie in its files for long."""
    with translate_errors(engine.url):
        if engine.url.get_backend_name() == "sqlite":
            raw = engine.raw_connection()
            try:
                for statement in ("PRAGMA secure_delete=ON", "VACUUM"):
                    raw.execute(statement)
                raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            finally:
                raw.close()
            return
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            for table in (tables.reviews, tables.readers, tables.invitations):
                connection.execute(text(f"VACUUM FULL {table.name}"))
