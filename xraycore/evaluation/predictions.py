"""Predictions on disk: a CSV file, one row a film, from which scores can be drawn again."""

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from xraycore.data.manifest import Record
from xraycore.evaluation.outcome import Outcome

_COLUMNS = (
    *("split", "source", "file", "group", "label", "age"),
    *("height", "width", "inside", "lungs"),
)


def write_predictions(file: Path, outcomes: Sequence[Outcome]) -> None:
    """Writes where each film came from, its label, the lung shares and the model's logits."""
    with file.open("w", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow([*_COLUMNS, *outcomes[0].classes])
        for outcome in outcomes:
            writer.writerows(_row(outcome, i) for i in range(len(outcome.records)))


def read_predictions(file: Path, model: str, temperature: float) -> Outcome:
    """What `write_predictions` wrote, all splits in one outcome; paths are bare file names."""
    with file.open(newline="") as handle:
        rows = list(csv.DictReader(handle))
    classes = tuple(name for name in rows[0] if name not in _COLUMNS)
    return Outcome(
        model,
        classes,
        tuple(_record(row) for row in rows),
        np.array([[float(row[name]) for name in classes] for row in rows]),
        temperature,
        np.array([float(row["inside"] or "nan") for row in rows]),
        np.array([float(row["lungs"]) for row in rows]),
        np.array([[int(row["height"]), int(row["width"])] for row in rows]),
        {},
    )


def _row(outcome: Outcome, i: int) -> list:
    record, inside = outcome.records[i], outcome.inside[i]
    return [
        *(record.split, record.source, record.path.name, record.group, record.label),
        "" if record.age is None else f"{record.age:g}",
        *outcome.sizes[i],
        "" if np.isnan(inside) else f"{inside:.3f}",
        f"{outcome.lungs[i]:.3f}",
        *(f"{value:.4f}" for value in outcome.logits[i]),
    ]


def _record(row: dict[str, str]) -> Record:
    age = float(row["age"]) if row["age"] else None
    names = ("label", "split", "group", "source")
    return Record(Path(row["file"]), *(row[name] for name in names), age)
