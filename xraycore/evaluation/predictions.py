"""Predictions on disk: a CSV file, one row a film, from which scores can be drawn again."""

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from xraycore.datasets.manifest import Record
from xraycore.evaluation.outcome import Outcome
from xraycore.metrics.calibration import Calibration

_COLUMNS = (
    *("split", "source", "file", "group", "label", "age"),
    *("height", "width", "inside", "lungs"),
)


def write_predictions(file: Path, outcomes: Sequence[Outcome]) -> None:
    """Writes where each film came from, its label, the lung shares and the model's logits."""
    with file.open("w", newline="") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow([*_COLUMNS, *outcomes[0].classes])
        for outcome in outcomes:
            writer.writerows(_row(outcome, i) for i in range(len(outcome.records)))


def read_predictions(file: Path, model: str, calibration: Calibration) -> Outcome:
    """What `write_predictions` wrote, all splits in one outcome; paths are bare file names.

    Files of the first generation, without the column `split`, hold probabilities of test films;
    what they do not say (ages, sizes, lung shares) is NaN or None.

    Raises:
        ValueError: If the file is missing or is no such table.
    """
    try:
        with file.open(newline="") as handle:
            rows = list(csv.DictReader(handle))
        return _outcome(rows, model, calibration)
    except (OSError, UnicodeDecodeError, csv.Error, LookupError, TypeError, ValueError) as error:
        raise ValueError(
            f"{file}: expected predictions, a CSV file with a row a film: {error}"
        ) from None


def _outcome(rows: list[dict[str, str]], model: str, calibration: Calibration) -> Outcome:
    if not rows:
        raise ValueError("it has no rows")
    classes = tuple(name for name in rows[0] if name not in _COLUMNS)
    values = np.array([[float(row[name]) for name in classes] for row in rows])
    if not classes or not np.isfinite(values).all():
        raise ValueError("it lacks columns of classes, or they hold no numbers")
    if "split" not in rows[0]:
        return Outcome(
            model,
            classes,
            tuple(_record({"split": "test", "age": "", **row}) for row in rows),
            np.log(np.maximum(values, 1e-12)),
            Calibration(),
            np.full(len(rows), np.nan),
            np.full(len(rows), np.nan),
            np.full((len(rows), 2), np.nan),
            {},
        )
    return Outcome(
        model,
        classes,
        tuple(_record(row) for row in rows),
        values,
        calibration,
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
