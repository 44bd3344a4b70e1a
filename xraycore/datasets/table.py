"""Tables as Windows, Excel, pandas and people write them: text, separators, names of columns."""

import gzip
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from xraycore.errors import DatasetError

if TYPE_CHECKING:
    import pandas as pd

_SEPARATORS = ",;\t|"
# Bytes of a table that are read: MIMIC-CXR's largest is a tenth of it.
MAX_BYTES = 512 * 2**20
# In years; a patient of 411 years stands in NIH ChestX-ray14.
MAX_AGE = 120.0
_AGE = re.compile(
    r"(\d+(?:[.,]\d+)?)\s*(y|m|w|d|years?|yrs?|months?|weeks?|days?)?(?: old)?", re.IGNORECASE
)
_YEARS = {"y": 1.0, "m": 12.0, "w": 52.18, "d": 365.25}
# Meaning -> names of its column, without case and what parts words; the first are preferred.
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "path": (
        *("path", "filepath", "file", "filename", "image", "imagepath", "imagefile", "imagename"),
        *("imageindex", "imageid", "img", "imgpath", "filepaths", "xray", "radiograph", "film"),
        *("xrayimagename", "imagefilename", "imgfilename", "imgname", "pngpath", "dicomid"),
    ),
    "label": (
        *("label", "labels", "class", "classname", "diagnosis", "finding", "findings"),
        *("findinglabels", "category", "target", "y", "classlabel", "labelname", "classid"),
    ),
    "split": ("split", "set", "subset", "partition", "fold", "datasettype"),
    "group": (
        *("group", "patient", "patientid", "patientids", "patientnumber", "patientname", "pid"),
        *("subject", "subjectid", "subjectnumber", "caseid"),
    ),
    "age": ("age", "patientage", "ageyears", "ageinyears", "patientagey"),
    "view": ("view", "viewposition", "projection", "frontallateral"),
    "mask": ("mask", "maskpath", "maskfile", "lesionmask"),
    "copy_of": ("copyof",),
}


@dataclass(frozen=True)
class Row:
    """A row of a table: its cells by the names of their columns, as `column_key` writes these.

    Attributes:
        number: Its line in the file, the head being the first.
        cells: Without blanks around them; a cell that is missing is empty.
        extra: It has more cells than the table has columns.
    """

    number: int
    cells: Mapping[str, str]
    extra: bool = False

    def get(self, *names: str) -> str:
        """The first of these cells that is there and not empty."""
        return next((cell for name in names if (cell := self.cells.get(name, ""))), "")


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes:
        file: Where it lies.
        columns: Name as `column_key` writes it -> as the file does, in its order.
        rows: Those that hold anything.
    """

    file: Path
    columns: Mapping[str, str]
    rows: tuple[Row, ...]

    def column(self, meaning: str) -> str | None:
        """The column of a meaning of `COLUMNS`, None where there is none."""
        return next((name for name in COLUMNS[meaning] if name in self.columns), None)


def column_key(name: str) -> str:
    """A column's name without case, blanks and signs.

    >>> column_key(" Patient_ID "), column_key("Frontal/Lateral")
    ('patientid', 'frontallateral')
    """
    return re.sub(r"[\W_]+", "", name.casefold())


def read_table(file: Path) -> Table:
    """A CSV file, packed by gzip or not, in any of the usual encodings and separators.

    Raises:
        DatasetError: If it is no table of text.
    """
    lines = list(_frame(file, None).itertuples(index=False, name=None))
    head = [str(cell) for cell in lines[0]] if lines else []
    while head and not head[-1]:
        head.pop()
    keys = [column_key(name) for name in head]
    if not any(keys):
        raise DatasetError(f"{file}: expected a CSV file with names of columns. Received: none")
    columns: dict[str, str] = {}
    for key, name in zip(keys, head, strict=True):
        columns.setdefault(key, name)
    rows = []
    for number, cells in enumerate(lines[1:], start=2):
        texts = [str(cell).strip() for cell in cells]
        if any(texts):
            # From the last, so that of two columns of one name the first is kept.
            pairs = reversed(list(zip(keys, texts, strict=False)))
            rows.append(Row(number, dict(pairs), any(texts[len(keys) :])))
    return Table(file, columns, tuple(rows))


def read_columns(file: Path) -> tuple[str, ...]:
    """The columns of a CSV file as `column_key` writes them; none of what is no table."""
    try:
        head = _frame(file, 1)
    except DatasetError:
        return ()
    return tuple(column_key(str(cell)) for cell in next(head.itertuples(index=False), ()))


def parse_age(text: str) -> float | None:
    """An age in years; None where it is not known.

    >>> parse_age("055Y"), parse_age("6M"), parse_age("63,5"), parse_age("411"), parse_age("?")
    (55.0, 0.5, 63.5, None, None)
    """
    match = _AGE.fullmatch(text.strip())
    if not match:
        return None
    years = float(match[1].replace(",", ".")) / _YEARS[(match[2] or "y")[0].lower()]
    return years if years <= MAX_AGE else None


def plain_number(text: str) -> str:
    """A whole number without the decimals that pandas gives a column with empty cells.

    >>> plain_number("12.0"), plain_number("1.5"), plain_number("p12.0")
    ('12', '1.5', 'p12.0')
    """
    match = re.fullmatch(r"(\d+)[.,]0+", text.strip())
    return match[1] if match else text


def parse_number(text: str) -> float | None:
    """A number, with a comma or a point before its decimals; None of an empty cell.

    Raises:
        ValueError: If it is none.
    """
    return float(text.replace(",", ".")) if text and text.lower() != "nan" else None


def _frame(file: Path, rows: int | None) -> "pd.DataFrame":
    """The cells of a file as text, or of its first rows."""
    import pandas as pd  # Late: it takes half a second.

    text = _read_text(file, None if rows is None else 1 << 16)
    separator, text = _separator(text)
    wide = _width(text, separator)
    try:
        return pd.read_csv(
            io.StringIO(text),
            sep=separator,
            header=None,
            names=range(wide),
            index_col=False,
            dtype=str,
            keep_default_na=False,
            na_filter=False,
            skip_blank_lines=False,
            skipinitialspace=True,
            nrows=rows,
        )
    except (pd.errors.ParserError, pd.errors.EmptyDataError, ValueError) as error:
        raise DatasetError(
            f"{file}: expected a CSV file with names of columns. Received: {error}"
        ) from None


def _read_text(file: Path, most: int | None) -> str:
    """What a file says, by its byte order mark, as UTF-8, or as Windows writes it."""
    try:
        with file.open("rb") as handle:
            packed = handle.read(2) == b"\x1f\x8b"
            handle.seek(0)
            reader = gzip.GzipFile(fileobj=handle) if packed else handle
            data = reader.read(most or MAX_BYTES + 1)
    except PermissionError:
        raise
    except (OSError, EOFError) as error:
        raise DatasetError(f"{file}: expected a CSV file. Received: {error}") from None
    if len(data) > MAX_BYTES:
        raise DatasetError(
            f"{file}: expected a CSV file of at most {MAX_BYTES // 2**20} MiB. Received: more"
        )
    if data[:4] == b"PK\x03\x04" or data[:4] == b"\xd0\xcf\x11\xe0":
        raise DatasetError(
            f"{file}: expected a CSV file. Received: a workbook or archive: save it as CSV"
        )
    try:
        return _decode(data)
    except UnicodeDecodeError as error:
        raise DatasetError(f"{file}: expected a CSV file. Received: {error}") from None


def _decode(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data[: len(data) // 2 * 2].decode("utf-16")
    if b"\0" in data[:200]:
        # UTF-16 without its mark: every other byte of ASCII is zero.
        even = data[: len(data) // 2 * 2]
        return even.decode("utf-16-le" if data[1:2] == b"\0" else "utf-16-be")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252")


def _separator(text: str) -> tuple[str, str]:
    """The sign between cells, and the text from its head on."""
    head, _, rest = text.partition("\n")
    if match := re.fullmatch(r"sep=(.)", head.strip()):  # As Excel is told of it.
        return match[1], rest
    bare = _unquoted(head)
    return max(_SEPARATORS, key=bare.count), text


def _unquoted(line: str) -> str:
    return re.sub(r'"[^"]*"', "", line)


def _width(text: str, separator: str) -> int:
    """Cells of the widest line: one too many is the fault of its row, and not of the table."""
    lines = text.splitlines()
    wide = _unquoted(lines[0]).count(separator) if lines else 0
    for line in lines:
        if line.count(separator) > wide:
            wide = max(wide, _unquoted(line).count(separator))
    return min(wide + 1, 1000)
