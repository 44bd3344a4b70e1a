"""Predictions as a CSV file with a row a film, as they lie beside a model's weights."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from xraycore.datasets.manifest import Record
from xraycore.errors import ArgumentError
from xraycore.evaluation.predictions import PredictionSet
from xraycore.metrics.calibration import Calibration
from xraycore.utils.files import write_text
from xraycore.utils.stored import finite, read_table
from xraycore.utils.text import csv_plain, to_csv

_COLUMNS = (
    *("split", "source", "file", "group", "label", "age"),
    *("height", "width", "inside", "lungs"),
)


def write_predictions(file: Path, outcomes: Sequence[PredictionSet]) -> None:
    """Writes where each film came from, its label, the lung shares and the model's logits."""
    films = [_row(outcome, i) for outcome in outcomes for i in range(len(outcome.records))]
    write_text(file, to_csv([[*_COLUMNS, *outcomes[0].classes], *films]))


def read_predictions(file: Path, model: str, calibration: Calibration) -> PredictionSet:
    """What `write_predictions` wrote, all splits in one outcome; paths are bare file names.

    Files of the first generation, without the column `split`, hold probabilities of test films;
    what they do not say (ages, sizes, lung shares) is NaN or None.

    Raises:
        ArgumentError: If the file is missing or is no such table.
    """
    try:
        rows = [
            {csv_plain(name): csv_plain(cell) for name, cell in row.items()}
            for row in read_table(file, ArgumentError)
        ]
        return _outcome(rows, model, calibration)
    except (OSError, LookupError, TypeError, ValueError, OverflowError) as error:
        raise ArgumentError(
            f"{file}: expected predictions, a CSV file with a row a film: {error}"
        ) from None


def _outcome(rows: list[dict[str, str]], model: str, calibration: Calibration) -> PredictionSet:
    if not rows:
        raise ArgumentError("it has no rows")
    classes = tuple(name for name in rows[0] if name not in _COLUMNS)
    values = np.array([[float(row[name]) for name in classes] for row in rows])
    if not classes or not np.isfinite(values).all():
        raise ArgumentError("it lacks columns of classes, or they hold no numbers")
    if "split" not in rows[0]:
        return PredictionSet(
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
    return PredictionSet(
        model,
        classes,
        tuple(_record(row) for row in rows),
        values,
        calibration,
        np.array([float(row["inside"] or "nan") for row in rows]),
        np.array([float(row["lungs"]) for row in rows]),
        np.array([[int(row["height"]), int(row["width"])] for row in rows], np.int64),
        {},
    )


def _row(outcome: PredictionSet, i: int) -> list:
    record, fraction_in_lungs = outcome.records[i], outcome.fraction_in_lungs[i]
    return [
        *(record.split, record.source, record.path.name, record.group, record.label),
        "" if record.age is None else f"{record.age:g}",
        *outcome.sizes[i],
        "" if np.isnan(fraction_in_lungs) else f"{fraction_in_lungs:.3f}",
        f"{outcome.lungs[i]:.3f}",
        *(f"{value:.4f}" for value in outcome.logits[i]),
    ]


def _record(row: dict[str, str]) -> Record:
    age = finite(row["age"]) if row["age"] else None
    label, split, group, source = (row[name] for name in ("label", "split", "group", "source"))
    return Record(Path(row["file"]), label, split, group, source, age)
