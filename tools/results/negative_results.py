"""What was tried where a figure was missed: trainings that are not what is shipped."""

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from tools.results.markdown import shown, table
from tools.results.stored import Stored
from xraycore.models.registry import MODELS

# Of a row of a run's history, and the headings that stand for it here.
COLUMNS = {
    "val_auc": "home, AUC",
    "auc_nih": "NIH's ill, AUC",
    "auc_cohen": "Cohen's ill, AUC",
    "choice": "score that epochs are chosen by",
}


def tried(stored: Stored, folder: Path) -> list[str]:
    """The section on trainings that were not shipped; nothing where none was kept.

    Args:
        stored: The shipped models.
        folder: A folder a training, with the `run.json` and `history.csv` of its run.
    """
    files = sorted(folder.glob("*/run.json"))
    if not files:
        return []
    rows = []
    for file in files:
        run = json.loads(file.read_text())
        name = run["model"]
        title = MODELS[name].title
        if name in stored.cards:
            training = stored.cards[name]["training"]
            figures = _figures(stored.chosen(name))
            rows.append([f"{title}, shipped", *_training(training), *figures])
        rows.append([f"{title}, tried", *_training(run), *_figures(_kept(file.parent))])
    return [
        "## What was tried where figures were missed",
        "",
        "A bias in the calibration, and ingredients: see the tables above. Another training of a "
        "network, beside the shipped one, on validation films and on those of other hospitals (the "
        "ill of each against the normal films of both). What has the higher score is shipped; the "
        "test films were not opened for the other:",
        "",
        *table(["network", "trained", "taught by", *COLUMNS.values()], rows),
    ]


def _kept(folder: Path) -> Mapping[str, float]:
    """The epoch that a run kept, the best of its last stage."""
    with (folder / "history.csv").open(newline="") as handle:
        rows = list(csv.DictReader(handle))
    last = [row for row in rows if row["stage"] == rows[-1]["stage"]]
    return max(
        ({key: float(row[key]) for key in COLUMNS} for row in last), key=lambda row: row["choice"]
    )


def _figures(scores: Mapping[str, float]) -> Sequence[str]:
    return [shown(scores.get(key)) for key in COLUMNS]


def _training(run: Mapping) -> Sequence[str]:
    """How long a network was trained, on films of what size, and by whom it was taught."""
    first, *others = (f"{s['epochs']} at {s['size']}" for s in run["recipe"]["stages"])
    return (
        ", then ".join([first.replace(" at ", " epochs at ", 1) + " px", *others]),
        ", ".join(MODELS[name].title for name in run["teachers"]) or "none",
    )
