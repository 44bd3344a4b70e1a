"""Reads lessons from folders: against a schema, every fault one error that names file and line."""

import os
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from pydantic import ValidationError

from xraycore.config import lessons_folder
from xraycore.errors import LessonError
from xraycore.lessons.lines import find_line
from xraycore.lessons.schema import FILE, AnyStep, FilmTable, LessonTable, OnFilm
from xraycore.utils.stored import read_limited

# Those that come with the package.
SHIPPED_LESSONS = Path(__file__).with_name("shipped")
# A lesson's text, and a folder's name, which addresses call it by.
_MOST_BYTES = 2**20
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_SHOWN = 60


@dataclass(frozen=True)
class Lesson:
    """A lesson that can be given.

    Attributes:
        id: Name of its folder.
        folder: Where it lies.
        table: What it says.
        introduction: Its text; "" for none.
        conclusion: Likewise.
        sha256: Of its file: answers to another version are not mixed with those to this one.
    """

    id: str
    folder: Path
    table: LessonTable = field(repr=False)
    introduction: str = field(default="", repr=False)
    conclusion: str = field(default="", repr=False)
    sha256: str = ""

    @property
    def title(self) -> str:
        """Its title."""
        return self.table.title

    @property
    def steps(self) -> tuple[AnyStep, ...]:
        """Its steps, in the order of the file."""
        return tuple(self.table.steps)

    @property
    def asked(self) -> tuple[int, ...]:
        """Numbers of the steps that ask something, from 0."""
        return tuple(i for i, step in enumerate(self.table.steps) if step.kind != "text")

    def order(self, student: str) -> tuple[int, ...]:
        """Numbers of its steps as this student gets them; texts stay where they are."""
        seed = self.table.shuffle_seed
        if seed is None:
            return tuple(range(len(self.steps)))
        shuffled = iter(
            sorted(self.asked, key=lambda i: sha256(f"{seed}/{student}/{i}".encode()).digest())
        )
        return tuple(next(shuffled) if i in self.asked else i for i in range(len(self.steps)))


def list_lessons() -> tuple[list[Lesson], list[str]]:
    """The lessons that come with the package and those of `lessons_folder`, and what is wrong.

    A lesson of the folder stands in for a shipped one of the same name. One that cannot be read is
    left out, and said so; the others stay.
    """
    found: dict[str, Lesson] = {}
    problems: list[str] = []
    for root in (SHIPPED_LESSONS, lessons_folder()):
        try:
            folders = sorted(one for one in root.iterdir() if (one / FILE).is_file())
        except OSError:
            continue
        for folder in folders:
            try:
                found[folder.name] = read_lesson(folder)
            except LessonError as error:
                problems.append(str(error))
    return list(found.values()), problems


def read_lesson(folder: str | Path) -> Lesson:
    """The lesson of a folder.

    Raises:
        LessonError: If it cannot be read, or is not what is expected: names the file, the line and
            what is wrong there.
    """
    folder = Path(folder)
    file = folder / FILE
    if not _ID.fullmatch(folder.name):
        raise LessonError(
            f"{folder}: expected a folder named by letters, digits, - and _. "
            f"Received: {folder.name[:_SHOWN]!r}"
        )
    text = _read_text(file)
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise LessonError(f"{file}: {_place_first(str(error))}") from None
    try:
        table = LessonTable.model_validate(found)
    except ValidationError as error:
        raise LessonError(f"{file}, {_describe(error, text)}") from None
    _check_files(folder, file, text, table)
    return Lesson(
        folder.name,
        folder,
        table,
        _read_text(folder / table.introduction) if table.introduction else "",
        _read_text(folder / table.conclusion) if table.conclusion else "",
        sha256(text.encode()).hexdigest(),
    )


def _read_text(file: Path) -> str:
    try:
        # No longer than a person writes, and a file, not a pipe.
        return (
            read_limited(file, LessonError, _MOST_BYTES).decode("utf-8-sig").replace("\r\n", "\n")
        )
    except FileNotFoundError:
        raise LessonError(f"{file}: expected a file; there is none.") from None
    except UnicodeDecodeError:
        raise LessonError(f"{file}: expected text in UTF-8.") from None


def _check_files(folder: Path, file: Path, text: str, table: LessonTable) -> None:
    """Whether the films that are named lie in the folder, and nowhere else."""
    inside = os.path.realpath(folder)
    for number, step in enumerate(table.steps):
        named: Sequence[tuple[str, FilmTable | None]] = ()
        if isinstance(step, OnFilm):
            named = (("film", step.film), ("real", step.real))
        elif step.kind == "choice":
            named = (("film", step.film),)
        for key, film in named:
            if film is None or film.file is None:
                continue
            line = find_line(text, ("steps", number, key, "file"))
            place = os.path.realpath(folder / film.file)
            if os.path.dirname(place) != inside or not os.path.isfile(place):
                raise LessonError(
                    f"{file}, line {line}: expected a film beside it. Received: {film.file!r}, "
                    "which is not there"
                )
    for key in ("introduction", "conclusion"):
        name = getattr(table, key)
        if name and os.path.dirname(os.path.realpath(folder / name)) != inside:
            raise LessonError(
                f"{file}, line {find_line(text, (key,))}: expected a text beside it. "
                f"Received: {name!r}"
            )


def _place_first(said: str) -> str:
    """`Expected '=' … (at line 3, column 5)` with its line first, as all others say it."""
    match = re.search(r"\s*\(at (?:line (\d+)[^)]*|end of document)\)$", said)
    if match is None:
        return said
    where = f"line {match[1]}" if match[1] else "end of the file"
    return f"{where}: {said[: match.start()]}"


def _describe(error: ValidationError, text: str) -> str:
    first = error.errors(include_url=False, include_context=False)[0]
    # Behind a step's number pydantic names its kind.
    place = [
        part for i, part in enumerate(first["loc"]) if not (i == 2 and first["loc"][0] == "steps")
    ]
    if len(first["loc"]) <= 2:
        place = list(first["loc"])
    line = find_line(text, place)
    name = ".".join(str(part + 1) if isinstance(part, int) else str(part) for part in place)
    said = first["msg"].removeprefix("Value error, ")
    if first["type"] == "missing":
        said = "expected this entry; it is missing"
    elif first["type"] == "extra_forbidden":
        said = "there is no such entry"
    elif isinstance(first["input"], str | int | float | bool):
        shown = repr(first["input"])
        said += f". Received: {shown if len(shown) <= _SHOWN else shown[: _SHOWN - 1] + '…'}"
    return f"line {line}, {name[:120]}: {said}."
