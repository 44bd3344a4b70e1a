"""What reads and writes the review database has in common."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, Table, insert

from xraycore.reader_study.database import translate_errors, write_locked


class Store:
    """A database of reviews; threads and processes may share it.

    Attributes:
        engine: See `open_database`.
    """

    def __init__(self, engine: Engine):
        self.engine = engine

    @contextmanager
    def _read(self) -> Iterator[Connection]:
        with translate_errors(self.engine.url), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def _write(self) -> Iterator[Connection]:
        with translate_errors(self.engine.url), write_locked(self.engine).begin() as connection:
            yield connection


def insert_row(connection: Connection, table: Table, **row: object) -> int:
    """Adds a row; its id."""
    key = connection.execute(insert(table).values(**row)).inserted_primary_key
    assert key is not None  # Of one row that is inserted alone.
    return key[0]
