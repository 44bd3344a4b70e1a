"""Folds of patients, each of which is held out once: cross-validation without any test film."""

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Self

from xraycore.datasets.manifest import Manifest, Record
from xraycore.datasets.reasons import FOR_THE_TEST
from xraycore.errors import ArgumentError

FEWEST, MOST = 2, 50
_FOLD = re.compile(r"(\d{1,3})/(\d{1,3})")


@dataclass(frozen=True)
class Fold:
    """One fold of several.

    Attributes:
        number: From 1.
        of: How many there are.
    """

    number: int
    of: int

    def __post_init__(self) -> None:
        if not FEWEST <= self.of <= MOST or not 1 <= self.number <= self.of:
            raise ArgumentError(
                f"a fold is NUMBER/FOLDS, such as 2/5, of {FEWEST} to {MOST} folds. "
                f"Received: {self}"
            )

    @classmethod
    def parse(cls, text: str) -> Self:
        """The fold that "2/5" names.

        Raises:
            ArgumentError: If it names none.
        """
        if not (found := _FOLD.fullmatch(text)):
            raise ArgumentError(f"a fold is NUMBER/FOLDS, such as 2/5. Received: {text!r}")
        return cls(*map(int, found.groups()))

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"


def hold_out(manifest: Manifest, fold: Fold, *, seed: int = 0) -> Manifest:
    """The manifest with one fold of its training and validation films as its test films.

    Its own test films are left out, and all others are training films again: every patient of them
    is in one fold. Of each source every class is spread evenly over the folds.

    Args:
        manifest: Records with their splits, no patient in two.
        fold: Which one is held out.
        seed: Of which patients are in which fold, with their groups' names alone.
    """
    kept = manifest.without(lambda record: record.split == "test", FOR_THE_TEST)
    held = {
        (source, group)
        for source in {record.source for record in kept.records}
        for group, number in _folds_of(
            (record for record in kept.records if record.source == source), fold.of, seed
        ).items()
        if number == fold.number
    }
    return kept.having(
        replace(r, split="test" if (r.source, r.group) in held else "train") for r in kept.records
    )


def _folds_of(records: Iterable[Record], folds: int, seed: int) -> dict[str, int]:
    """Group -> its fold, from 1: the one that has the fewest films of the group's class so far."""
    groups: dict[str, Counter[str]] = defaultdict(Counter)
    for record in records:
        groups[record.group][record.label] += 1
    films: dict[str, list[int]] = defaultdict(lambda: [0] * folds)
    found = {}
    for group in sorted(groups, key=lambda name: _rank(seed, name)):
        label = min(groups[group], key=lambda name: (-groups[group][name], name))
        taken = films[label]
        place = taken.index(min(taken))
        taken[place] += groups[group].total()
        found[group] = place + 1
    return found


def _rank(seed: int, group: str) -> str:
    return hashlib.sha256(f"{seed}|fold|{group}".encode()).hexdigest()
