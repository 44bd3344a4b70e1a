"""Which film of an archive goes into which shard: a file of its own, so that memory holds none.

A film that is planned keeps its shard for good; a list that has grown adds shards of the new films.
"""

import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from xraycore.errors import ArgumentError
from xraycore.scoring.listing import ListedFilm

FILE = "plan.sqlite"
# Films of a shard where nobody says how many shards there are to be.
SHARD = 1000
_TABLES = """
CREATE TABLE IF NOT EXISTS films (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    place BLOB NOT NULL,
    month TEXT NOT NULL,
    device TEXT NOT NULL,
    site TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS shards (
    number INTEGER PRIMARY KEY,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL
);
"""
_COMING = """
CREATE TEMPORARY TABLE coming (
    id TEXT PRIMARY KEY, place BLOB, month TEXT, device TEXT, site TEXT
) WITHOUT ROWID
"""


@dataclass(frozen=True)
class Shard:
    """A part of the archive that is scored and written as one.

    Attributes:
        number: From 1.
        films: Numbers of its films in the plan.
    """

    number: int
    films: range

    @property
    def name(self) -> str:
        """Of its files, without their ending."""
        return f"part-{self.number:06d}"


class Plan:
    """The plan in a folder; made with the first film. Use it in a `with` block."""

    def __init__(self, folder: Path):
        self._file = folder / FILE
        self._open = sqlite3.connect(self._file)
        try:
            self._open.executescript(_TABLES)
        except sqlite3.DatabaseError as error:
            self._open.close()
            raise ArgumentError(f"{self._file}: expected a plan of shards: {error}") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.close()

    def add(self, films: Iterable[ListedFilm], shards: int | None = None) -> int:
        """Plans the films that are new, in the order of their ids; returns how many they are.

        All or none of them: who is stopped on the way has planned nothing.

        Args:
            films: The archive's, those of before among them; a second one of an id is left out.
            shards: How many shards the new ones make; of `SHARD` films each where None.
        """
        with closing(self._open.cursor()) as cursor:
            cursor.execute("DROP TABLE IF EXISTS temp.coming")
            cursor.execute(_COMING)
            cursor.executemany(
                "INSERT OR IGNORE INTO temp.coming VALUES (?, ?, ?, ?, ?)",
                ((film.id, os.fsencode(film.place), *film[2:]) for film in films),
            )
            (last,) = cursor.execute("SELECT COALESCE(MAX(number), 0) FROM films").fetchone()
            cursor.execute(
                "INSERT INTO films (id, place, month, device, site) SELECT * FROM temp.coming "
                "WHERE id NOT IN (SELECT id FROM films) ORDER BY id"
            )
            (count,) = cursor.execute("SELECT COALESCE(MAX(number), 0) FROM films").fetchone()
            new = count - last
            size = max(1, -(-new // shards)) if shards else SHARD
            cursor.executemany(
                "INSERT INTO shards (first, last) VALUES (?, ?)",
                ((at, min(at + size, count + 1) - 1) for at in range(last + 1, count + 1, size)),
            )
            cursor.execute("DROP TABLE temp.coming")
        self._open.commit()
        return new

    def count(self) -> int:
        """How many films are planned."""
        return self._open.execute("SELECT COUNT(*) FROM films").fetchone()[0]

    def shards(self) -> Iterator[Shard]:
        """All of them, in their order."""
        for number, first, last in self._open.execute("SELECT * FROM shards ORDER BY number"):
            yield Shard(number, range(first, last + 1))

    def films_of(self, shard: Shard) -> list[ListedFilm]:
        """A shard's films, in their order."""
        found = self._open.execute(
            "SELECT id, place, month, device, site FROM films WHERE number BETWEEN ? AND ? "
            "ORDER BY number",
            (shard.films.start, shard.films.stop - 1),
        )
        return [ListedFilm(film_id, os.fsdecode(place), *rest) for film_id, place, *rest in found]
