"""A store of two models whose figures are worked out by hand: one of each generation of files.

20 films of normal children, 20 of sick ones. At 0.5 VGG16 finds 18 of the sick and spares 16 of
the others, the basic CNN 14 and 12; every error of VGG16 is one of the basic CNN too.
"""

import csv
import json
from pathlib import Path

import numpy as np

from xraycore.datasets.labels import BACTERIAL, CHEST4, NORMAL, VIRAL
from xraycore.datasets.manifest import Record
from xraycore.evaluation.prediction_files import write_predictions
from xraycore.evaluation.predictions import PredictionSet
from xraycore.metrics.calibration import Calibration

# Probability of pneumonia, films of sick children and of others.
VGG16 = ([0.9] * 15 + [0.7] * 3 + [0.3] * 2, [0.1] * 16 + [0.6] * 4)
BASIC_CNN = ([0.8] * 14 + [0.4] * 6, [0.2] * 12 + [0.55] * 8)
HISTORY = "epoch,stage,loss,val_loss,val_auc\n1,head,1.1,1.2,0.8\n2,full,0.9,1.0,\n"


def records() -> list[Record]:
    """The films, the sick first; half of these bacterial."""
    sick = [
        Record(
            Path(f"person{i}.jpeg"), (BACTERIAL, VIRAL)[i % 2], "test", f"s/{i}", "chest_xray", 3
        )
        for i in range(20)
    ]
    well = [
        Record(Path(f"IM-{i}.jpeg"), NORMAL, "test", f"n/{i}", "chest_xray", 4) for i in range(20)
    ]
    return sick + well


def probabilities(pneumonia: tuple[list[float], list[float]]) -> np.ndarray:
    """(40, 4): eight tenths of what is pneumonia go to the right kind."""
    rows = []
    for record, p in zip(records(), [*pneumonia[0], *pneumonia[1]], strict=True):
        kind = CHEST4.index(record.label) if record.label != NORMAL else 1
        row = np.full(4, 0.1 * p)
        row[kind], row[0] = 0.8 * p, 1 - p
        rows.append(row)
    return np.array(rows)


def outcome(model: str, pneumonia: tuple[list[float], list[float]]) -> PredictionSet:
    """A model's outcome with a temperature of 2."""
    films, nothing = records(), np.full(40, np.nan)
    logits = 2 * np.log(probabilities(pneumonia))
    sizes = np.full((40, 2), 300)
    facts = (logits, Calibration(2.0), nothing, np.zeros(40), sizes, {})
    return PredictionSet(model, CHEST4, tuple(films), *facts)


def write_store(folder: Path) -> None:
    """VGG16 as it is shipped now, the basic CNN as the first ones were."""
    _write_card(folder / "vgg16", temperature=2.0, operating_points={
        "sensitivity_95": {"title": "Sensitivity at least 95 %", "threshold": 0.25049}
    })  # fmt: skip
    write_predictions(folder / "vgg16" / "predictions.csv", [outcome("vgg16", VGG16)])
    _write_card(folder / "basic_cnn")
    with (folder / "basic_cnn" / "predictions.csv").open("w", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(["source", "file", "group", "label", *CHEST4])
        for record, row in zip(records(), probabilities(BASIC_CNN), strict=True):
            writer.writerow([record.source, record.path.name, record.group, record.label, *row])


def _write_card(folder: Path, **more: object) -> None:
    folder.mkdir(parents=True)
    card = {
        "model": folder.name,
        "classes": CHEST4,
        "parameters": 2_000_000,
        "weights": {"file": "none.weights.h5", "sha256": "0" * 64, "bytes": 4_000_000},
        **{"heat_scale": {}, "training": {}, "scores": {}, "limits": []},
        **more,
    }
    (folder / "card.json").write_text(json.dumps(card))
    (folder / "history.csv").write_text(HISTORY)


def write_run(folder: Path, model: str = "xception", *, history: str = HISTORY + "3,full,,,\n"):
    """A run of the user's own that was not shipped."""
    folder.mkdir(parents=True)
    (folder / "run.json").write_text(json.dumps({"model": model}))
    (folder / "history.csv").write_text(history)
