"""A manifest: one record a film, and what of the data sets is none, by reason."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from xraycore.datasets.labels import class_names, order_classes
from xraycore.datasets.masks import Lesion

SPLITS = ("train", "val", "test")
# Examples of a reason that are kept.
EXAMPLES = 5


@dataclass(frozen=True)
class Record:
    """One image of a data set.

    Attributes:
        path: The image file.
        label: Its class.
        split: "train", "val", "test", or "" where the data set does not say.
        group: Images of one group (a patient) never cross splits.
        source: Name of the data set it came from.
        age: Of the patient in years, None where the data set does not say.
        lesion: Where the finding was drawn, None where it was not.
        copy_of: The end of another film's path that this film is a copy of, "" where none is known.
    """

    path: Path
    label: str
    split: str
    group: str
    source: str
    age: float | None = None
    lesion: Lesion | None = None
    copy_of: str = ""


@dataclass(frozen=True)
class LeftOut:
    """What is not used for one reason.

    Attributes:
        count: Files, or rows of a table.
        examples: The first of them.
    """

    count: int = 0
    examples: tuple[str, ...] = ()

    def with_one(self, example: str) -> "LeftOut":
        """And another one."""
        more = (example,) if len(self.examples) < EXAMPLES else ()
        return LeftOut(self.count + 1, self.examples + more)

    def with_all(self, other: "LeftOut") -> "LeftOut":
        """And those of another data set."""
        examples = (*self.examples, *other.examples)[:EXAMPLES]
        return LeftOut(self.count + other.count, examples)


def join_left_out(*parts: Mapping[str, LeftOut]) -> dict[str, LeftOut]:
    """What several data sets, or steps, left out, by reason, in the order of their coming."""
    joined: dict[str, LeftOut] = {}
    for part in parts:
        for reason, left in part.items():
            joined[reason] = joined.get(reason, LeftOut()).with_all(left)
    return joined


def left_out_to_json(left_out: Mapping[str, LeftOut]) -> dict[str, dict[str, Any]]:
    """Reason -> `count` and `examples`, as JSON documents give it."""
    return {
        reason: {"count": left.count, "examples": list(left.examples)}
        for reason, left in left_out.items()
    }


@dataclass(frozen=True)
class Manifest:
    """The images of one or more data sets.

    Attributes:
        records: Those that are used.
        left_out: Those that are not, and files and rows that are no images, by reason.
        layouts: What was recognised, in words: "NIH ChestX-ray14: 112 films of 34 patients".
    """

    records: tuple[Record, ...]
    left_out: Mapping[str, LeftOut] = field(default_factory=dict, compare=False)
    layouts: tuple[str, ...] = field(default=(), compare=False)

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names in their fixed order; a label that is a set of them is none of them."""
        return class_names(record.label for record in self.records)

    def split(self, name: str) -> tuple[Record, ...]:
        """The records of one split."""
        return tuple(record for record in self.records if record.split == name)

    def counts(self) -> dict[str, dict[str, int]]:
        """Images by split ("" where none is given) and label."""
        labels = order_classes(record.label for record in self.records)
        counter = Counter((record.split, record.label) for record in self.records)
        names = [name for name in (*SPLITS, "") if any(key[0] == name for key in counter)]
        return {
            name: {label: counter[name, label] for label in labels if counter[name, label]}
            for name in names
        }

    def crossing(self) -> dict[str, tuple[str, ...]]:
        """Group (a patient) -> its splits, of those that lie in more than one."""
        splits: dict[str, set[str]] = defaultdict(set)
        for record in self.records:
            if record.split:
                splits[record.group].add(record.split)
        return {group: tuple(sorted(names)) for group, names in splits.items() if len(names) > 1}

    def fingerprint(self) -> str:
        """sha256 over name, label, split and group of each image, and whether a lesion is drawn."""
        lines = sorted(
            f"{r.source}/{r.path.name}|{r.label}|{r.split}|{r.group}{'|lesion' if r.lesion else ''}"
            for r in self.records
        )
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    def reading_to_json(self) -> dict[str, Any]:
        """`left_out`, and `layout` where one was recognised, as JSON documents give them."""
        layout = {"layout": "; ".join(self.layouts)} if self.layouts else {}
        return {**layout, "left_out": left_out_to_json(self.left_out)}

    def having(self, records: Iterable[Record]) -> "Manifest":
        """Other records of the same data sets, of which the same is left out."""
        return replace(self, records=tuple(records))

    def without(self, drop: Callable[[Record], bool], reason: str) -> "Manifest":
        """The manifest without some of its records, which are left out for that reason."""
        dropped = [(record, drop(record)) for record in self.records]
        left = LeftOut()
        for record, gone in dropped:
            left = left.with_one(name_record(record)) if gone else left
        return replace(
            self,
            records=tuple(record for record, gone in dropped if not gone),
            left_out=join_left_out(self.left_out, {reason: left} if left.count else {}),
        )


def name_record(record: Record) -> str:
    """The end of a film's path that tells it from others, as messages name it."""
    return "/".join(record.path.parts[-3:])
