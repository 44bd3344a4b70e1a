"""One way to read what a folder keeps: of limited size, against a schema, every fault one error.

A card, a run or a job may have been written by anybody: nothing is taken from it that its schema
does not allow, and what is wrong with it is said in one line that names the file.
"""

import csv
import io
import math
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import from_json

from xraycore.errors import XrayCoreError

# The longest card has 40 kB; a history of a thousand epochs 300 kB.
MOST_BYTES = 8 * 2**20
MOST_TABLE_BYTES = 64 * 2**20
# Of what came, so much is repeated in a message.
_MOST_CHARACTERS = 60


class Stored(BaseModel):
    """What is expected of one JSON object; entries that it does not name are let through.

    A subclass names what is read, with its range. Types are not converted: "3" is no number; and
    numbers are finite. To add an entry, add a field with a default: files of before do not have it.
    """

    model_config = ConfigDict(strict=True, extra="allow", allow_inf_nan=False)


def _one_line(text: str) -> str:
    if text != text.strip() or not text.isprintable():
        raise ValueError("expected a line of printable characters")
    return text


# A class, a source of films, a stage: it is a column's head, a button, an entry of a list.
Name = Annotated[str, Field(min_length=1, max_length=120), AfterValidator(_one_line)]
# Sentences and command lines.
Text = Annotated[str, Field(max_length=20_000)]
Count = Annotated[int, Field(ge=0, le=10**12)]
Share = Annotated[float, Field(ge=0, le=1)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
# A file that lies beside the one that names it.
FileName = Annotated[str, Field(pattern=r"^[_A-Za-z0-9][_A-Za-z0-9.-]{0,99}$")]


def read_stored(
    file: Path, schema: type[Stored], error: type[XrayCoreError], most_bytes: int = MOST_BYTES
) -> dict[str, Any]:
    """The entries of a JSON file, as they stand there, once they are what the schema says.

    Args:
        file: Which.
        schema: What is expected of it.
        error: What is raised.
        most_bytes: A larger file is not read.

    Raises:
        FileNotFoundError: If there is no such file.
        XrayCoreError: The `error`, if it cannot be read or is not what is expected: names the file,
            what was expected and what came.
    """
    data = read_limited(file, error, most_bytes)
    try:
        found = from_json(data, allow_inf_nan=True)
    except ValueError as fault:
        raise error(f"{file}: expected JSON: {fault}") from None
    return check_stored(found, schema, error, file)


def check_stored(
    found: object, schema: type[Stored], error: type[XrayCoreError], origin: object
) -> dict[str, Any]:
    """The entries of an object that was read elsewhere, see `read_stored`; `origin` is its name."""
    if not isinstance(found, dict):
        raise error(f"{origin}: expected a JSON object. Received: {_abbreviate(found)}")
    try:
        schema.model_validate(found)
    except ValidationError as fault:
        raise error(f"{origin}: {_explain(fault)}") from None
    return found


def read_limited(
    file: Path, error: type[XrayCoreError], most_bytes: int = MOST_TABLE_BYTES
) -> bytes:
    """The bytes of a plain file of limited size.

    Raises:
        FileNotFoundError: If there is no such file.
        XrayCoreError: The `error`, if it cannot be read, is larger, or no plain file: a pipe would
            be waited for, a device never ends.
    """
    try:
        with os.fdopen(os.open(file, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)), "rb") as opened:
            if not stat.S_ISREG(os.fstat(opened.fileno()).st_mode):
                raise error(f"{file}: expected a plain file. Received: a pipe, device or folder")
            data = opened.read(most_bytes + 1)
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as fault:
        if isinstance(fault, XrayCoreError):
            raise
        reason = fault.strerror if isinstance(fault, OSError) else fault
        raise error(f"{file}: expected a file that can be read: {reason}") from None
    if len(data) > most_bytes:
        raise error(f"{file}: expected at most {most_bytes // 2**20} MiB. Received: more")
    return data


def read_table(
    file: Path, error: type[XrayCoreError], most_bytes: int = MOST_TABLE_BYTES
) -> list[dict[str, str]]:
    """The rows of a CSV file, each with a text for every column of its first line.

    Raises:
        FileNotFoundError: If there is no such file.
        XrayCoreError: The `error`, if it cannot be read, is larger, or no such table.
    """
    try:
        text = read_limited(file, error, most_bytes).decode("utf-8-sig")
        rows = csv.DictReader(io.StringIO(text, newline=""))
        heads = rows.fieldnames or []
        found = list(rows)
    except (UnicodeDecodeError, csv.Error) as fault:
        raise error(f"{file}: expected a CSV file: {fault}") from None
    if len(set(heads)) != len(heads) or not all(map(str.isprintable, heads)):
        raise error(f"{file}: expected one name a column. Received: {_abbreviate(heads)}")
    for number, row in enumerate(found, 2):
        if None in row or None in row.values():
            raise error(f"{file}, row {number}: expected a cell for each of {len(heads)} columns.")
    return found


def finite(text: str) -> float:
    """A number that a table's cell holds; ValueError where it is none or infinite."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"expected a finite number. Received: {text!r}")
    return number


def _explain(fault: ValidationError) -> str:
    """The faults of one file in one line: all entries that are missing, or the first wrong one."""
    faults = fault.errors(include_url=False, include_context=False)
    missing = [_place(one["loc"]) for one in faults if one["type"] == "missing"]
    if missing:
        return f"expected the entries {', '.join(missing[:8])}; they are missing."
    first = faults[0]
    said = first["msg"].removeprefix("Value error, ")
    return f"{_place(first['loc'])}: {said}. Received: {_abbreviate(first['input'])}"


def _place(loc: tuple[int | str, ...]) -> str:
    # A schema's own words stand among them where there are several kinds; a name may be any text.
    return ".".join(_abbreviate(part, quoted=False) for part in loc)


def _abbreviate(value: object, *, quoted: bool = True) -> str:
    if isinstance(value, Mapping | list):
        kind = "an object" if isinstance(value, Mapping) else "a list"
        return f"{kind} of {len(value):,}"
    # Before it is written out: a text may have a megabyte.
    cut = value[: _MOST_CHARACTERS + 1] if isinstance(value, str) else value
    text = repr(cut) if quoted else str(cut)
    return text if len(text) <= _MOST_CHARACTERS else text[: _MOST_CHARACTERS - 1] + "…"
