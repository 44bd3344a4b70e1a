"""What was tried where a figure was missed: a model's weights before its present ones."""

from collections.abc import Sequence
from pathlib import Path

from xraycore.evaluation.calibration import fit_calibration
from xraycore.models.spec import MODELS
from xraycore.report.markdown import shown, table
from xraycore.report.stored import KINDS, Stored, read_stored
from xraycore.report.targets import accuracy, auc, macro_f1
from xraycore.weightfiles import Card


def tried(stored: Stored, folder: Path) -> list[str]:
    """The section on weights that others have replaced; nothing where there are none.

    Args:
        stored: The shipped models.
        folder: Cards, predictions and histories of models that were shipped before, laid out as
            under `weights/`, without the weights.
    """
    if not folder.is_dir():
        return []
    before = read_stored(folder)
    rows = []
    for name in before.cards:
        known = before.films(name, "val")
        # Calibrated as today's, so that the networks are compared and nothing else.
        earlier = before.with_calibration(name, fit_calibration(known.logits, known.allowed))
        rows += [_row(earlier, name, "before"), _row(stored, name, "shipped")]
    return [
        "## What was tried where figures were missed",
        "",
        "A calibration with a bias, painted opacities, averaged weights and mirror images: see "
        "their tables above. A longer training with other networks as its teachers, beside the "
        "one before it, both calibrated with a bias. What is shipped was decided by the first "
        "column of figures, before the test films were opened:",
        "",
        *table(
            [
                "network",
                "trained",
                "taught by",
                "score that epochs are chosen by",
                "official 624, accuracy",
                "AUC",
                "bacterial or viral",
                "four classes, macro F1",
                "NIH, AUC",
            ],
            rows,
        ),
    ]


def _row(stored: Stored, name: str, which: str) -> Sequence[str]:
    card, official = stored.cards[name], stored.official(name)
    nih = card["external"].get("nih", {}).get("pneumonia", {}).get("auc", {})
    return [
        f"{stored.titles[name]}, {which}",
        _epochs(card),
        ", ".join(MODELS[one].title for one in card["training"]["teachers"]) or "none",
        shown(stored.choice(name)),
        shown(accuracy(official)),
        shown(auc(official)),
        shown(accuracy(stored.official(name, KINDS))),
        shown(macro_f1(stored, name)),
        shown(nih.get("value")),
    ]


def _epochs(card: Card) -> str:
    """How long it was trained and on films of what size, "2 epochs at 128 px, then 3 at 224"."""
    stages = card["training"]["recipe"]["stages"]
    first, *others = (f"{stage['epochs']} at {stage['size']}" for stage in stages)
    return ", then ".join([first.replace(" at ", " epochs at ", 1) + " px", *others])
