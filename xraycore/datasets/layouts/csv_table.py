"""A user's own CSV file: path, label and what else its columns say."""

import os
import re
from collections import Counter
from collections.abc import Iterator
from functools import cached_property
from itertools import islice
from pathlib import Path
from urllib.parse import unquote

from xraycore.config import path_roots
from xraycore.datasets.files import FileTally, is_mask_folder
from xraycore.datasets.labelling import Labelling, is_blank, is_finding, sign, split_labels
from xraycore.datasets.labels import CODES, canonical_label
from xraycore.datasets.layouts.layout import Reading
from xraycore.datasets.layouts.listed import FilmFinder, is_lateral, path_parts
from xraycore.datasets.masks import Lesion
from xraycore.datasets.patients import kermany_patient, patient_of
from xraycore.datasets.reasons import (
    AMBIGUOUS,
    BROKEN_ROW,
    LATERAL,
    NO_LABEL,
    NO_PATH,
    OTHER_MODALITY,
    REPEATED,
    UNCERTAIN,
    UNKNOWN_SPLIT,
)
from xraycore.datasets.records import Record
from xraycore.datasets.split_names import split_of
from xraycore.datasets.table import (
    COLUMNS,
    Row,
    Table,
    column_key,
    parse_age,
    plain_number,
    read_table,
)
from xraycore.errors import DatasetError
from xraycore.imaging.archive import is_clutter
from xraycore.imaging.dicom.statements import OTHER_MODALITIES

# Columns of numbers that tell of no finding.
_NO_FINDINGS = {
    *("", "index", "sex", "gender", "height", "width", "number", "followup", "unnamed0"),
    *("istrain", "isval", "istest"),
}
# Columns that number something: not `covid`.
_NUMBERED = re.compile(r"(u|row|exam|study|series|report|reader|rad|class|site|hospital)?id")
# Files below a table's folder that are looked at for a name that is nowhere else.
_MOST_FILES = 200_000


def read_csv(file: Path, column: str, labelling: Labelling) -> Reading:
    """The films that a CSV file lists.

    Args:
        file: Paths in it start at its folder, or lie below it wherever they start.
        column: That of the labels; "" for the one that is called so, or all that hold findings.
        labelling: How labels are chosen.

    Raises:
        DatasetError: If it is no table, or lacks a column.
    """
    return _Csv(read_table(file), column, labelling).read()


class _Csv:
    """One reading of one table."""

    def __init__(self, table: Table, column: str, labelling: Labelling) -> None:
        self._table, self._labelling = table, labelling
        self._folder = table.file.parent
        self._tally = FileTally(self._folder)
        columns = {meaning: table.column(meaning) for meaning in COLUMNS}
        path = columns["path"]
        label = column_key(column) if column else columns["label"]
        findings = [] if label else self._finding_columns(set(columns.values()))
        if path is None or (label or not findings) and label not in table.columns:
            wanted = column or "label"
            names = [name for name in table.columns.values() if name]
            # Of any text the first line passes for names: a visitor is not told what it says.
            told = ", ".join(names) if path_roots() is None else f"{len(names)} others"
            raise DatasetError(
                f"{table.file}: expected a CSV file with the columns path and {wanted}. Received: "
                f"{told if names else 'none'}"
            )
        if not label and len(findings) == 1:
            label = findings.pop()  # A single finding is there or not.
        self._columns, self._path, self._label, self._findings = columns, path, label, findings
        values = [plain_number(row.get(label)) for row in table.rows] if label else []
        # A column of a finding, of which 1 says that it is there.
        self._finding = bool(label) and label not in COLUMNS["label"] and is_finding(values)
        self._coded = {value.strip() for value in values if not is_blank(value)} == set(CODES)

    def _finding_columns(self, others: set[str | None]) -> list[str]:
        rows = self._table.rows
        return [
            key
            for key in self._table.columns
            if key not in others | _NO_FINDINGS
            and not _NUMBERED.fullmatch(key)
            and is_finding(row.get(key) for row in rows)
        ]

    def read(self) -> Reading:
        """Its films, and the rows that give none."""
        listed = [(row, *self._place(row)) for row in self._table.rows]
        # As in folders: files numbered anew in each are of different patients.
        stems = Counter(path.stem for path in {path for _, path, _ in listed})
        records: dict[tuple[Path, str], Record] = {}
        for row, path, reason in listed:
            label = ""
            if not reason:
                label, reason = self._label_of(row, path)
            split = self._cell(row, "split")
            if not reason and split and not split_of(split):
                reason = UNKNOWN_SPLIT
            if not reason and row.get("modality").upper() in OTHER_MODALITIES:
                reason = OTHER_MODALITY
            lines = row.get(self._path) + row.get(self._label or "")
            if not reason and (row.extra or "\n" in lines):
                reason = BROKEN_ROW
            if not reason and self._labelling.policy.views == "frontal":
                reason = LATERAL if is_lateral(self._cell(row, "view")) else ""
            if not reason and (path, label) in records:
                reason = REPEATED
            if reason:
                self._leave_out(reason, row)
            else:
                unique = stems[path.stem] == 1
                records[path, label] = self._record(row, path, label, unique)
        named = frozenset(path for _, path, _ in listed)
        return Reading(tuple(records.values()), self._tally.left_out, named=named)

    def _leave_out(self, reason: str, row: Row) -> None:
        what = row.get(self._path) or "no path"
        self._tally.add(reason, f"{self._table.file.name}, line {row.number}: {what}")

    def _cell(self, row: Row, meaning: str) -> str:
        column = self._columns[meaning]
        text = row.get(column) if column else ""
        return "" if text.lower() in ("nan", "none", "null", "<na>") else text

    def _place(self, row: Row) -> tuple[Path, str]:
        """The film of a row, there or not."""
        text = row.get(self._path)
        if is_blank(text):
            return Path(), NO_PATH
        parts = path_parts(text)
        inner = [self._folder / text, self._folder.joinpath(*parts)]
        inner += [self._folder.joinpath(*parts[start:]) for start in range(1, len(parts))]
        if "%" in text:  # As addresses are written: `a%20b.png`.
            inner.append(self._folder.joinpath(*path_parts(unquote(text))))
        for place in inner:
            if _is_file(place):
                return place, ""
        found, reason = self._finder.find(text)
        if found is None and reason == AMBIGUOUS:
            return inner[0], reason
        return found or inner[1], ""

    @cached_property
    def _finder(self) -> FilmFinder:
        files = islice(_visible_files(self._folder), _MOST_FILES)
        named = (row.get(self._path) for row in self._table.rows)
        return FilmFinder(self._folder, files, named)

    def _label_of(self, row: Row, path: Path) -> tuple[str, str]:
        policy = self._labelling.policy
        if self._findings:
            cells = {self._table.columns[key]: row.get(key) for key in self._findings}
            if policy.blank == "leave-out" and all(sign(cell) is None for cell in cells.values()):
                return "", NO_LABEL
            named, doubt = policy.positive(cells)
            return self._labelling.choose([canonical_label(name) for name in named], doubt)
        text = plain_number(row.get(self._label or ""))
        if self._finding:
            return self._one_finding(text)
        labels = [CODES[text.strip()]] if self._coded and not is_blank(text) else split_labels(text)
        if len(labels) == 1:
            labels = [kermany_patient(path.name, labels[0])[0]]
        return self._labelling.choose(labels)

    def _one_finding(self, text: str) -> tuple[str, str]:
        policy, value = self._labelling.policy, sign(text)
        name = canonical_label(self._table.columns[self._label or ""])
        if value is None and policy.blank == "leave-out":
            return "", NO_LABEL
        if value == -1 and policy.uncertain == "leave-out":
            return "", UNCERTAIN
        positive = value == 1 or (value == -1 and policy.uncertain == "positive")
        return self._labelling.choose([name if positive else f"No {name}"])

    def _record(self, row: Row, path: Path, label: str, unique: bool) -> Record:
        source = self._folder.resolve().name
        inside = path.relative_to(self._folder).parts if path.is_relative_to(self._folder) else ()
        own = path.stem if unique else "/".join(inside) or row.get(self._path)
        group = plain_number(self._cell(row, "group")) or patient_of(path, inside[:-1]) or own
        mask = self._cell(row, "mask")
        split = split_of(self._cell(row, "split"))
        return Record(
            *(path, label, split, f"{source}/{group}", source),
            age=parse_age(self._cell(row, "age")),
            lesion=Lesion(self._folder.joinpath(*path_parts(mask))) if mask else None,
            copy_of=self._cell(row, "copy_of"),
        )


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False  # No file can have such a name.


def _visible_files(folder: Path) -> Iterator[Path]:
    """The files below a folder that may be films, but masks."""
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(n for n in folders if not is_clutter(n) and not is_mask_folder(n))
        yield from (Path(place, name) for name in sorted(names) if not is_clutter(name))
