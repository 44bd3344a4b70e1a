"""Which films an archive holds: a folder, or a list of any length, told one after another.

Nothing here holds all of them: a list of millions passes through, film by film.
"""

import csv
import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from xraycore.datasets.table import COLUMNS, column_key
from xraycore.errors import ArgumentError
from xraycore.imaging.radiograph import Radiograph, read_radiograph

_SEPARATORS = ",;\t|"
_MONTH = re.compile(r"((?:19|20)\d\d)[-./]?(0[1-9]|1[0-2])")
# A place that is no path but a source's own, such as dicomweb://NAME/STUDY.
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]{2,})://")
_LONGEST_LINE = 2**20
# Meaning -> names of its column as `column_key` writes them, the first preferred.
_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "path": COLUMNS["path"],
    "id": ("uid", "sopinstanceuid", "instanceuid", "filmid", "id"),
    "date": ("date", "month", "studydate", "acquisitiondate", "contentdate", "seriesdate"),
    "device": ("device", "manufacturermodelname", "scanner", "stationname"),
    "site": ("site", "hospital", "institution", "institutionname", "department"),
}


class ListedFilm(NamedTuple):
    """A film of an archive that was not read yet.

    Attributes:
        id: What it is called in the results and known by when the list has grown: its UID where
            the list gives one, else its path.
        place: Where it is read from: an absolute path, or `SCHEME://…` of a `Source`.
        month: When it was made, as 2026-03; "" where the list does not say.
        device: What made it; "" likewise.
        site: Whose it is; "" likewise.
    """

    id: str
    place: str
    month: str = ""
    device: str = ""
    site: str = ""


class Source(NamedTuple):
    """Where films come from that lie in no folder.

    Attributes:
        list: From a query to its films.
        read: From a film's place to the film; raises `RadiographError` where it cannot be had.
    """

    list: Callable[[str], Iterator[ListedFilm]]
    read: Callable[[str], Radiograph]


def _list_pacs(place: str) -> Iterator[ListedFilm]:
    from xraycore.pacs.address import Address
    from xraycore.pacs.films import list_films as list_pacs  # Late: it needs an extra.

    for film in list_pacs(Address.parse(place)):
        yield ListedFilm(film.instance, str(film))


def _read_pacs(place: str) -> Radiograph:
    from xraycore.pacs.address import Address
    from xraycore.pacs.films import fetch_film

    film = Address.parse(place)
    return read_radiograph(fetch_film(film), name=film.instance)


# Scheme of a place -> its source.
SOURCES: dict[str, Source] = {"dicomweb": Source(_list_pacs, _read_pacs)}


def list_films(place: str) -> Iterator[ListedFilm]:
    """The films of a folder, of a list in CSV or Parquet, or of a source's query.

    Args:
        place: A folder, whose files are all taken, hidden ones apart; a `.csv` or `.parquet` file
            with a column of paths, absolute or from the list's folder, and optional columns of
            UID, date, device and site; or a query `SCHEME://…`.

    Raises:
        ArgumentError: If there is no such place, or the list has no column of paths.
    """
    if source := _source_of(place):
        yield from source.list(place)
        return
    path = Path(place)
    if path.is_dir():
        yield from _walk(os.path.abspath(path))
        return
    if not path.is_file():
        raise ArgumentError(f"{path}: expected a folder, or a list of films. Received: no such")
    readers = {".csv": _rows_of_csv, ".tsv": _rows_of_csv, ".parquet": _rows_of_parquet}
    if path.suffix.lower() not in readers:
        raise ArgumentError(
            f"{path}: expected a folder, or a list of films that ends in {', '.join(readers)}. "
            f"Received: {path.suffix or 'a file without an ending'}"
        )
    folder, listed = os.path.abspath(path.parent), False
    for row in readers[path.suffix.lower()](path):
        listed = True
        if row["path"]:
            yield _film(row, folder)
    if not listed:
        raise ArgumentError(f"{path}: expected a list of films. Received: one without a row")


def read_listed(film: ListedFilm) -> Radiograph:
    """The film, wherever it lies.

    Raises:
        RadiographError: If it cannot be had, or is none.
    """
    source = _source_of(film.place)
    return source.read(film.place) if source else read_radiograph(film.place)


def _source_of(place: str) -> Source | None:
    scheme = _SCHEME.match(place)
    if scheme is None:
        return None
    if scheme[1] not in SOURCES:
        known = ", ".join(f"{name}://" for name in SOURCES) or "none"
        raise ArgumentError(f"{place}: expected a source of films ({known}), a folder or a list.")
    return SOURCES[scheme[1]]


def _walk(folder: str) -> Iterator[ListedFilm]:
    waiting = [folder]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                if entry.is_dir():
                    # A link to a folder above would never end.
                    if not entry.is_symlink():
                        waiting.append(entry.path)
                elif entry.is_file():
                    # A name may be no text: it is read all the same, and called what can be told.
                    named = entry.path.encode("utf-8", "backslashreplace").decode()
                    yield ListedFilm(named, entry.path)


def _film(row: Mapping[str, str], folder: str) -> ListedFilm:
    path = row["path"]
    place = path if _SCHEME.match(path) else os.path.normpath(os.path.join(folder, path))
    month = _MONTH.match(row["date"])
    return ListedFilm(
        row["id"] or place,
        place,
        f"{month[1]}-{month[2]}" if month else "",
        row["device"],
        row["site"],
    )


def _columns(file: Path, names: list[str]) -> dict[str, str]:
    """Meaning -> the file's own name of its column."""
    keys: dict[str, str] = {}
    for name in names:
        keys.setdefault(column_key(name), name)
    found = {
        meaning: keys[key]
        for meaning, known in _COLUMNS.items()
        if (key := next((one for one in known if one in keys), None))
    }
    if "path" not in found:
        raise ArgumentError(
            f"{file}: expected a column of paths (path, file, image, …). "
            f"Received: {', '.join(names[:8]) or 'no columns'}"
        )
    return found


def _rows_of_csv(file: Path) -> Iterator[dict[str, str]]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            head = opened.readline(_LONGEST_LINE)
            separator = max(_SEPARATORS, key=head.count)
            opened.seek(0)
            rows = csv.DictReader(opened, delimiter=separator)
            columns = _columns(file, list(rows.fieldnames or []))
            for row in rows:
                yield {
                    meaning: (row[columns[meaning]] or "").strip() if meaning in columns else ""
                    for meaning in _COLUMNS
                }
    except (UnicodeDecodeError, csv.Error) as error:
        raise ArgumentError(f"{file}: expected a CSV file of UTF-8 text: {error}") from None


def _rows_of_parquet(file: Path) -> Iterator[dict[str, str]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(file) as opened:
            columns = _columns(file, opened.schema_arrow.names)
            for batch in opened.iter_batches(4096, columns=list(set(columns.values()))):
                table = {meaning: batch.column(name) for meaning, name in columns.items()}
                for index in range(batch.num_rows):
                    yield {
                        meaning: _text(table[meaning][index].as_py()) if meaning in table else ""
                        for meaning in _COLUMNS
                    }
    except pa.ArrowException as error:
        raise ArgumentError(f"{file}: expected a Parquet file: {error}") from None


def _text(value: object) -> str:
    return "" if value is None else str(value).strip()
