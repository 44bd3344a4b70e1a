"""What a layout of a data set is, and what reading one gives."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from xraycore.datasets.labelling import Labelling
from xraycore.datasets.records import LeftOut, Record


@dataclass(frozen=True)
class Reading:
    """What was found in a folder or a table.

    Attributes:
        records: Its films.
        left_out: What is not used, by reason.
        drawn: Whether masks and boxes beside the films are drawn lesions.
        title: Of the layout that was recognised, "" for none.
        named: Files that a table names, used or not.
    """

    records: tuple[Record, ...]
    left_out: Mapping[str, LeftOut] = field(default_factory=dict)
    drawn: bool = True
    title: str = ""
    named: frozenset[Path] = frozenset()


@dataclass(frozen=True)
class Place:
    """Where a data set may lie.

    Attributes:
        folder: The one that was asked for.
        root: That, one in it, or one that holds it.
        tables: The tables of the root -> their columns, see `column_key`.
    """

    folder: Path
    root: Path
    tables: Mapping[Path, tuple[str, ...]]

    def having(self, *columns: str) -> list[Path]:
        """The tables that have all of these columns, by name."""
        return sorted(file for file, names in self.tables.items() if {*columns} <= {*names})


@dataclass(frozen=True)
class Layout:
    """A data set's own layout, as it is downloaded.

    Attributes:
        name: Short, stable.
        title: As it is said.
        marks: What it is recognised by.
        labels: Where they come from, and by what rule.
        patients: What tells them.
        splits: Likewise.
        lesions: What is drawn on its films, and how that is used; "" for nothing.
        read: Gives what is at a place; None of another layout.
    """

    name: str
    title: str
    marks: str
    labels: str
    patients: str
    splits: str
    lesions: str
    read: Callable[[Place, Labelling], Reading | None]
