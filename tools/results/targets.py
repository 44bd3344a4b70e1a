"""The figures that the shipped models were meant to reach, and those that they did."""

from dataclasses import dataclass

from sklearn.metrics import roc_auc_score, roc_curve

from tools.results.stored import KINDS, Scored, Stored
from xraycore.datasets.labels import LABEL_SCHEMES
from xraycore.evaluation.ensemble import ENSEMBLE
from xraycore.metrics.calibration import expected_calibration_error
from xraycore.metrics.classification import auroc_score, score_classes
from xraycore.metrics.intervals import Score
from xraycore.models.registry import MODELS

ACCURACY_WANTED = {
    "vgg16": 0.94,
    "xception": 0.94,
    "inception_v3": 0.92,
    "resnet50": 0.92,
    "basic_cnn": 0.88,
}


@dataclass(frozen=True)
class Target:
    """One figure that was asked for: `wanted` is a lower bound, or an upper one where `at_most`.

    `chosen` is the same figure at the threshold of the highest F1 on validation films, for one that
    hangs on a threshold; `measured` is at 0.5.
    """

    text: str
    wanted: float
    measured: float | None
    at_most: bool = False
    chosen: float | None = None

    @property
    def met(self) -> bool:
        """Whether the figure was reached."""
        if self.measured is None:
            return False
        return self.measured <= self.wanted if self.at_most else self.measured >= self.wanted


def accuracy(judged: Scored) -> float:
    """Share of films whose most probable class is right."""
    return float((judged.probability.argmax(axis=1) == judged.y_true).mean())


def chosen_accuracy(stored: Stored, name: str) -> float:
    """Accuracy on the official test, called from the highest F1 on validation films on."""
    judged, point = stored.official(name), stored.points(name)["best_f1"]
    called = judged.probability[:, 1] >= point.threshold
    return float((called == (judged.y_true == 1)).mean())


def auc(judged: Scored) -> float | None:
    """AUROC of the second of two classes; None where all films are of one."""
    if len(set(judged.y_true)) < 2:
        return None
    return float(roc_auc_score(judged.y_true == 1, judged.probability[:, 1]))


def auc_score(judged: Scored) -> Score | None:
    """The same with its interval over patients."""
    if len(set(judged.y_true)) < 2:
        return None
    return auroc_score(judged.y_true == 1, judged.probability[:, 1], judged.groups)


def specificity_at(judged: Scored, sensitivity: float) -> float:
    """The highest specificity among thresholds with at least that sensitivity."""
    false_positive, true_positive, _ = roc_curve(judged.y_true == 1, judged.probability[:, 1])
    return float(1 - false_positive[true_positive >= sensitivity].min())


def calibration_error(stored: Stored, name: str) -> float:
    """Expected calibration error of the four classes on the home test."""
    judged = Scored.of(stored.films(name, "test"), LABEL_SCHEMES["chest4"])
    right = judged.probability.argmax(axis=1) == judged.y_true
    return expected_calibration_error(judged.probability.max(axis=1), right)


def macro_f1(stored: Stored, name: str) -> float:
    """Mean F1 of the four classes on the home test."""
    judged = Scored.of(stored.films(name, "test"), LABEL_SCHEMES["chest4"])
    classes = LABEL_SCHEMES["chest4"].classes
    return score_classes(judged.y_true, judged.probability, classes, judged.groups)["macro_f1"][
        "value"
    ]


def targets(stored: Stored) -> list[Target]:
    """Every figure that was asked for."""
    singles = [name for name in stored.names if name != ENSEMBLE]
    best = stored.best
    title, official = stored.titles[best], stored.official(best)
    external = stored.cards[best]["external"]
    rows = [
        _accuracy(stored, f"{title} (best single, by what epochs are chosen by)", 0.95, best),
        Target(f"{title}: AUC", 0.985, auc(official)),
        Target(
            f"{title}: specificity at sensitivity 0.97 (threshold chosen on these films)",
            0.88,
            specificity_at(official, 0.97),
        ),
        Target(
            f"{title}: bacterial or viral, if one of them",
            0.91,
            accuracy(stored.official(best, KINDS)),
        ),
        Target(f"{title}: four-class macro F1", 0.90, macro_f1(stored, best)),
        _accuracy(stored, "Ensemble", 0.955, ENSEMBLE),
        Target(
            f"{title}, external/nih: opacity or normal, AUC",
            0.91,
            external["nih"]["pneumonia"]["auc"]["value"] if "nih" in external else None,
        ),
        Target(
            f"{title}, external/cohen with the home test's adult normals: COVID-19 or normal, AUC "
            "(hospitals as well: see above)",
            0.92,
            auc(stored.external_covid(best)),
        ),
    ]
    rows += _for_every(stored, singles)
    return rows


def _accuracy(stored: Stored, title: str, wanted: float, name: str) -> Target:
    text = f"{title}, official 624: accuracy"
    if name not in stored.names:
        return Target(text, wanted, None)
    found, chosen = accuracy(stored.official(name)), chosen_accuracy(stored, name)
    return Target(text, wanted, found, chosen=chosen)


def _for_every(stored: Stored, singles: list[str]) -> list[Target]:
    rows: list[Target] = []
    for name in singles:
        title = stored.titles[name]
        for source, text in (("chest_xray", "official test"), ("lesions", "COVID-QU lesions")):
            found = stored.cards[name]["inside_lungs"].get(source, {}).get("evidence")
            rows.append(Target(f"{title}, {text}: evidence in the lungs or their rim", 0.80, found))
        probed = stored.cards[name]["probes"]["auc"].get("chest_xray", {})
        blacked = probed.get("lungs_blacked_out", {}).get("value")
        text = f"{title}: AUC with the lungs blacked out, at most"
        rows.append(Target(text, 0.75, blacked, at_most=True))
    for name, wanted in ACCURACY_WANTED.items():
        rows.append(_accuracy(stored, MODELS[name].title, wanted, name))
    for name in singles:
        text = f"{stored.titles[name]}: calibration error on the home test, at most"
        rows.append(Target(text, 0.05, round(calibration_error(stored, name), 4), at_most=True))
    return rows
