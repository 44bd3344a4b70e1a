"""The picture of the results: ROC curves, calibration, and where the evidence lies."""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")  # No window: the command runs on servers too.
import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import roc_curve

from tools.results.stored import Scored, Stored
from tools.results.targets import auc
from xraycore.datasets.labels import LABEL_SCHEMES
from xraycore.evaluation.ensemble import ENSEMBLE
from xraycore.metrics.calibration import reliability_curve

# Okabe & Ito's colours, which colour-blind readers tell apart; and the ensemble's.
COLOURS, OF_ENSEMBLE = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00"), "#333333"
# A share of fewer films is no point of a curve.
LEAST = 10
SOURCES = {
    "chest_xray": "children\n(official test)",
    "covid_radiography": "adults\n(home test)",
    "nih": "NIH\n(external)",
    "cohen": "Cohen\n(external)",
    "lesions": "COVID-QU\n(lesions)",
}


def draw(stored: Stored, file: Path) -> None:
    """Saves the three panels as a PNG picture."""
    plt.rcParams.update({"font.size": 11, "axes.spines.top": False, "axes.spines.right": False})
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(15, 4.8), layout="constrained")
    colours = {**dict(zip(stored.names, COLOURS, strict=False)), ENSEMBLE: OF_ENSEMBLE}
    for name in stored.names:
        style = {"color": colours[name], "lw": 2, "ls": "--" if name == ENSEMBLE else "-"}
        official = stored.official(name)
        x, y, _ = roc_curve(official.y_true == 1, official.probability[:, 1])
        left.plot(x, y, label=f"{stored.titles[name]} ({auc(official):.3f})", **style)
        home = Scored.of(stored.films(name, "test"), LABEL_SCHEMES["chest4"])
        right_ones = home.probability.argmax(axis=1) == home.y_true
        bins = reliability_curve(home.probability.max(axis=1), right_ones, bins=10)
        bins = [one for one in bins if one["films"] >= LEAST]
        middle.plot(
            [one["confidence"] for one in bins],
            [one["accuracy"] for one in bins],
            marker="o",
            **style,
        )
    left.set(
        title="Normal or pneumonia, official 624: ROC (AUC)",
        xlabel="1 − specificity",
        ylabel="sensitivity",
        xlim=(0, 0.5),
        ylim=(0.5, 1.005),
    )
    left.legend(frameon=False, loc="lower right")
    middle.plot([0.25, 1], [0.25, 1], color="#999999", lw=1)
    middle.set(
        title="Four classes, home test: calibration",
        xlabel="probability of the answer",
        ylabel="share of right answers",
    )
    _bars(stored, right, colours)
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, dpi=110)
    plt.close(figure)


def _bars(stored: Stored, axes: plt.Axes, colours: dict[str, str]) -> None:
    cards = [card["inside_lungs"] for card in stored.cards.values()]
    sources = [source for source in SOURCES if any(source in inside for inside in cards)]
    width = 0.8 / len(stored.cards)
    for index, (name, card) in enumerate(stored.cards.items()):
        inside = card["inside_lungs"]
        values = [inside.get(source, {}).get("evidence", np.nan) for source in sources]
        places = np.arange(len(sources)) + (index - (len(stored.cards) - 1) / 2) * width
        axes.bar(places, values, width * 0.9, color=colours[name])
    for index, source in enumerate(sources):
        area = next(inside[source]["area"] for inside in cards if source in inside)
        axes.plot([index - 0.45, index + 0.45], [area, area], color="black", lw=1.5)
    axes.set(
        title="Evidence in the lungs",
        ylabel="share of the heat; line: of an even map",
        xticks=range(len(sources)),
        ylim=(0, 1.02),
    )
    axes.set_xticklabels([SOURCES[source] for source in sources], fontsize=9)
