"""What the bench of planted shortcuts measured, as tables: trainings, heatmap methods, checks."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from xraycore.attribution.registry import METHODS
from xraycore.datasets.synthetic.plants import PLANTS
from xraycore.errors import ArgumentError
from xraycore.utils.stored import Name, Share, Stored, Text, read_stored

# Findings of an audit that a plant may bring about.
CHECKS = ("shortcuts", "near copies", "copies", "films", "sources")


class _Score(Stored):
    value: float
    low: float
    high: float
    n: int


class _Training(Stored):
    plant: Name
    share: Share
    remedies: Name
    home: _Score | None
    moved: _Score | None
    heat: _Score | None
    area: Share | None


class _Check(Stored):
    plant: Name
    share: Share
    findings: dict[Name, Name]
    file_auroc: float | None
    grey_auroc: float | None
    chance_limit: float | None


class BenchFile(Stored):
    """What `xraycore shortcut` wrote."""

    text: Text
    rows: list[_Training]
    methods: dict[Name, dict[Name, _Score]]
    checks: list[_Check]


def read_bench(file: Path) -> dict[str, Any] | None:
    """What was measured; None where nothing was.

    Raises:
        ArgumentError: If the file is none that `xraycore shortcut` wrote.
    """
    try:
        return read_stored(file, BenchFile, ArgumentError)
    except FileNotFoundError:
        return None


def list_trainings(found: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """A row a training: texts, and scores as they were measured, None where there is none."""
    for row in found["rows"]:
        yield {
            "Plant": _title(row),
            "In": f"{row['share']:.0%}",
            "Remedies": row["remedies"],
            "AUC at home": row["home"],
            "AUC once it moved": row["moved"] if row["share"] else None,
            "Heat on it": row["heat"],
            "Its area": "–" if row["area"] is None else f"{row['area']:.3f}",
        }


def list_methods_found(found: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """A row a heatmap method: how often its hottest point is on each plant."""
    of_plants = found["methods"]
    for name, method in METHODS.items():
        if any(name in hits for hits in of_plants.values()):
            hits = {_name(kind): hits.get(name) for kind, hits in of_plants.items()}
            yield {"Method": method.title, **hits}


def list_checks(found: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """A row a planted training set: what the audit says of it."""
    for row in found["checks"]:
        values = (row["file_auroc"], row["grey_auroc"], row["chance_limit"])
        file, grey, limit = ("–" if one is None else f"{one:.2f}" for one in values)
        said = {
            level: [name for name in CHECKS if row["findings"].get(name) == level]
            for level in ("warning", "note")
        }
        yield {
            "Plant": _title(row),
            "In": f"{row['share']:.0%}",
            "AUROC from the file": file,
            "and brightness, contrast": grey,
            "Chance reaches": limit,
            "Warns of": ", ".join(said["warning"]) or "nothing",
            "Notes": ", ".join(said["note"]) or "nothing",
        }


def _title(row: Mapping[str, Any]) -> str:
    return _name(row["plant"]) if row["share"] else "none"


def _name(kind: str) -> str:
    return PLANTS[kind].title if kind in PLANTS else kind
