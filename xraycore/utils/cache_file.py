"""An SQLite file for what can be found again: where it cannot be used, nothing is remembered."""

import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from xraycore.utils.files import make_private_file, make_private_folder

# Values in one statement: SQLite takes no more than 999 everywhere.
_AT_ONCE = 500


class CacheFile:
    """A private file of tables; one that cannot be read or written is empty, and no error."""

    def __init__(
        self, file: Path, schema: str, expire: Callable[[sqlite3.Connection], None]
    ) -> None:
        """Opens the file, or makes it.

        Args:
            file: Its folder is made if it is missing.
            schema: SQL that makes what tables are missing.
            expire: Takes out what is too old, in one transaction.
        """
        self._connection: sqlite3.Connection | None = None
        try:
            make_private_folder(file.parent)
            make_private_file(file)
            self._connection = sqlite3.connect(file, timeout=10, check_same_thread=False)
            self._connection.executescript(f"PRAGMA journal_mode = WAL;{schema}")
            with self._connection:
                expire(self._connection)
        except (OSError, sqlite3.Error):
            self._connection = None

    def close(self) -> None:
        """Lets go of the file."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def select(self, statement: str, values: Sequence[object]) -> list[tuple]:
        """Rows; none where the file cannot be read."""
        if self._connection is None:
            return []
        try:
            return self._connection.execute(statement, values).fetchall()
        except sqlite3.Error:
            return []

    def write(self, statement: str, rows: list[tuple]) -> None:
        """Executes it for each row, in one transaction."""
        if self._connection is None or not rows:
            return
        try:
            with self._connection:
                self._connection.executemany(statement, rows)
        except sqlite3.Error:
            self._connection = None


def today() -> int:
    """Days since 1970, by which what is kept expires."""
    return int(time.time() // 86_400)


def chunks(keys: Iterable[str]) -> Iterator[list[str]]:
    """Each key once, in lists that fit into a statement."""
    wanted = list(dict.fromkeys(keys))
    for start in range(0, len(wanted), _AT_ONCE):
        yield wanted[start : start + _AT_ONCE]
