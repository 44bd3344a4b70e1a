"""What is kept of a film file once it was read, and where it is kept: by content, for good."""

import hashlib
import json
import os
import sqlite3
import zlib
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path
from typing import TypeVar

import numpy as np

from xraycore.config import cache_folder
from xraycore.datasets.audit.duplicates import THUMBNAIL_SIDE, PerceptualHash, perceptual_hash
from xraycore.datasets.manifest import Record
from xraycore.errors import RadiographError
from xraycore.imaging.decoding import MAX_BYTES
from xraycore.imaging.film_warnings import FilmWarning
from xraycore.imaging.radiograph import Radiograph, read_radiograph
from xraycore.utils.cache_file import CacheFile, chunks, today
from xraycore.utils.progress import Progress, ProgressCallback, ignore

# Changes whenever what is measured does: what an older version kept is measured anew.
VERSION = 4
T = TypeVar("T")
CHUNK = 64
# Thumbnails show patients: they are kept so long after they were last asked for.
KEPT_DAYS = 90
_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS films"
    " (sha256 TEXT, version INTEGER, facts TEXT, hashes BLOB, thumbnail BLOB,"
    " PRIMARY KEY (sha256, version));"
    "CREATE TABLE IF NOT EXISTS answers"
    " (question TEXT, version INTEGER, answer TEXT, PRIMARY KEY (question, version));"
    # Beside the films, whose table has no room for it: when each was last asked for.
    "CREATE TABLE IF NOT EXISTS asked (sha256 TEXT PRIMARY KEY, day INTEGER);"
)


@dataclass(frozen=True, eq=False)
class ImageStats:
    """What is kept of a file that was read.

    Attributes:
        sha256: Of its bytes.
        bytes: Their number.
        width: Of the upright film in pixels.
        height: Likewise.
        brightness: Mean of the pixels in [0, 1].
        contrast: Their standard deviation.
        warnings: Of the film.
        fingerprint: For near copies, with a 128-pixel thumbnail.
    """

    sha256: str
    bytes: int
    width: int
    height: int
    brightness: float
    contrast: float
    warnings: tuple[FilmWarning, ...]
    fingerprint: PerceptualHash

    @property
    def features(self) -> tuple[float, ...]:
        """Those of `xraycore.datasets.audit.shortcuts.FEATURES`, in their order."""
        aspect = self.width / self.height
        return (self.bytes, self.width, self.height, aspect, self.brightness, self.contrast)


@dataclass(frozen=True)
class Unreadable:
    """A file that is no radiograph, and why."""

    path: Path
    error: str


class ImageIndex(CacheFile):
    """Facts by sha256 in an SQLite file of the cache."""

    def __init__(self, file: Path):
        super().__init__(file, _SCHEMA, _expire)

    def films(self, hashes: Iterable[str]) -> dict[str, ImageStats]:
        """The facts of those of the films that were measured before."""
        found: dict[str, ImageStats] = {}
        for chunk in chunks(hashes):
            marks = ",".join("?" * len(chunk))
            rows = self.select(
                "SELECT sha256, facts, hashes, thumbnail FROM films"
                f" WHERE version = ? AND sha256 IN ({marks})",
                (VERSION, *chunk),
            )
            found |= {row[0]: _unpacked(*row) for row in rows}
        now = today()
        self.write(
            "INSERT INTO asked VALUES (?, ?) ON CONFLICT DO UPDATE SET day = excluded.day"
            " WHERE day < excluded.day",
            [(sha256, now) for sha256 in found],
        )
        return found

    def keep(self, films: Iterable[ImageStats]) -> None:
        """Remembers films."""
        rows = [(film.sha256, VERSION, *_packed(film)) for film in films]
        self.write("INSERT OR REPLACE INTO films VALUES (?, ?, ?, ?, ?)", rows)
        days = [(film[0], today()) for film in rows]
        self.write("INSERT OR REPLACE INTO asked VALUES (?, ?)", days)

    def answer(self, question: str, find: Callable[[], T]) -> T:
        """A JSON value that was found before, or is found now and remembered."""
        rows = self.select(
            "SELECT answer FROM answers WHERE question = ? AND version = ?", (question, VERSION)
        )
        if rows:
            return json.loads(rows[0][0])
        found = find()
        row = (question, VERSION, json.dumps(found))
        self.write("INSERT OR REPLACE INTO answers VALUES (?, ?, ?)", [row])
        return found


def _expire(connection: sqlite3.Connection) -> None:
    """Forgets films, with their thumbnails, that nobody asked for in so many days."""
    # Of a version before this was noted down: from now on.
    connection.execute("INSERT OR IGNORE INTO asked SELECT sha256, ? FROM films", (today(),))
    old = (today() - KEPT_DAYS,)
    for table in ("films", "asked"):
        connection.execute(
            f"DELETE FROM {table} WHERE sha256 IN (SELECT sha256 FROM asked WHERE day < ?)", old
        )


def default_index() -> ImageIndex:
    """The user's own store, in the cache folder."""
    return ImageIndex(cache_folder() / "films.sqlite3")


def measure_images(
    records: Sequence[Record],
    store: ImageIndex | None = None,
    report: ProgressCallback = ignore,
) -> tuple[list[tuple[Record, ImageStats]], list[Unreadable]]:
    """The facts of all files that can be read, and the others.

    Args:
        records: Which files, and what is said of them.
        store: Where facts of earlier calls lie; what is new is added.
        report: Called after each file.
    """
    films: list[tuple[Record, ImageStats]] = []
    unreadable: list[Unreadable] = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for start in range(0, len(records), CHUNK):
            chunk = records[start : start + CHUNK]
            contents = list(pool.map(_content, chunk))
            hashes = [hashlib.sha256(c).hexdigest() if c else None for c in contents]
            known = store.films([digest for digest in hashes if digest]) if store else {}
            measured = pool.map(_facts, chunk, contents, hashes, repeat(known))
            new: list[ImageStats] = []
            pairs = zip(chunk, measured, strict=True)
            for done, (record, found) in enumerate(pairs, start=start + 1):
                if isinstance(found, Unreadable):
                    unreadable.append(found)
                else:
                    films.append((record, found))
                    if found.sha256 not in known:
                        new.append(found)
                words = f"reading films, {done:,} of {len(records):,}"
                report(Progress(done / len(records), words))
            if store:
                store.keep(new)
    return films, unreadable


def _content(record: Record) -> bytes | None:
    """The file's bytes; None where reading it as a film will say what is wrong with it."""
    try:
        return record.path.read_bytes() if record.path.stat().st_size <= MAX_BYTES else None
    except OSError:
        return None


def _facts(
    record: Record, content: bytes | None, sha256: str | None, known: dict[str, ImageStats]
) -> ImageStats | Unreadable:
    if sha256 in known:
        return known[sha256]
    try:
        radiograph = read_radiograph(content or record.path, name=record.path.name)
    except RadiographError as error:
        return Unreadable(record.path, str(error))
    return ImageStats(
        radiograph.info.sha256,
        len(content) if content else record.path.stat().st_size,
        radiograph.info.width,
        radiograph.info.height,
        float(radiograph.pixels.mean()),
        float(radiograph.pixels.std()),
        radiograph.warnings,
        perceptual_hash(radiograph.pixels),
    )


def read_measured(path: Path, sha256: str) -> Radiograph:
    """The film of a file whose content was that when it was measured.

    Raises:
        RadiographError: If it cannot be read, or is another by now.
    """
    radiograph = read_radiograph(path)
    if radiograph.info.sha256 != sha256:
        raise RadiographError.of(
            path.name,
            expected="the film that was measured",
            received="another, changed since: read the data set again",
        )
    return radiograph


def _packed(film: ImageStats) -> tuple[str, bytes, bytes]:
    numbers = [film.bytes, film.width, film.height, film.brightness, film.contrast]
    bits = np.concatenate([film.fingerprint.phash, film.fingerprint.dhash])
    return (
        json.dumps([*numbers, [(one.code, one) for one in film.warnings]]),
        np.packbits(bits).tobytes(),
        zlib.compress(film.fingerprint.thumbnail.tobytes(), 1),
    )


def _unpacked(sha256: str, facts: str, hashes: bytes, thumbnail: bytes) -> ImageStats:
    size, width, height, brightness, contrast, warnings = json.loads(facts)
    phash, dhash = np.unpackbits(np.frombuffer(hashes, np.uint8)).astype(bool).reshape(2, -1)
    pixels = np.frombuffer(zlib.decompress(thumbnail), np.uint8)
    return ImageStats(
        sha256,
        *(size, width, height, brightness, contrast),
        tuple(FilmWarning(*one) for one in warnings),
        PerceptualHash(phash, dhash, pixels.reshape(THUMBNAIL_SIDE, THUMBNAIL_SIDE)),
    )
