"""Can a film's class be told without looking at the film? From its file, or its mean brightness."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

# In bytes, pixels and shares of the range from black to white.
FILE_FEATURES = ("file size", "width", "height", "aspect")
GREY_FEATURES = ("brightness", "contrast")
FEATURES = (*FILE_FEATURES, *GREY_FEATURES)
FOLDS = 5
MIN_GROUPS = 10


@dataclass(frozen=True)
class ShortcutScore:
    """How well a class is told from a film's file alone, cross-validated over patients.

    Attributes:
        classes: Those with at least 10 patients; the others are left out.
        films: How many films of them, byte-identical copies counted once.
        file_auroc: Macro one-vs-rest AUROC from file size, width, height and aspect (chance 0.5).
        file_balanced_accuracy: Mean recall of the classes, beside `chance_accuracy`.
        grey_auroc: AUROC with brightness (mean) and contrast (standard deviation) known as well.
        grey_balanced_accuracy: Likewise.
        chance_accuracy: 1 / number of classes.
        chance_auroc_limit: What guessing reaches in 1 of 40 tries with so many patients.
        medians: Class -> feature -> median.
    """

    classes: tuple[str, ...]
    films: int
    file_auroc: float
    file_balanced_accuracy: float
    grey_auroc: float
    grey_balanced_accuracy: float
    chance_accuracy: float
    chance_auroc_limit: float
    medians: Mapping[str, Mapping[str, float]]


def measure_shortcuts(
    features: Sequence[Sequence[float]],
    labels: Sequence[str],
    groups: Sequence[str],
    *,
    seed: int = 0,
) -> ShortcutScore | None:
    """How well `features` (n, 6), in the order of `FEATURES`, tell the labels.

    None where fewer than two classes have at least 10 groups.
    """
    patients = Counter(label for label, _ in set(zip(labels, groups, strict=True)))
    classes = sorted(label for label, number in patients.items() if number >= MIN_GROUPS)
    if len(classes) < 2:
        return None
    keep = np.isin(labels, classes)
    values = np.asarray(features, dtype=np.float64)[keep]
    target = np.searchsorted(classes, np.asarray(labels)[keep])
    members = np.unique(np.asarray(groups)[keep], return_inverse=True)[1]
    file_only = values[:, : len(FILE_FEATURES)]
    file_auroc, file_accuracy = _scores(file_only, target, members, seed)
    grey_auroc, grey_accuracy = _scores(values, target, members, seed)
    return ShortcutScore(
        classes=tuple(classes),
        films=len(target),
        file_auroc=file_auroc,
        file_balanced_accuracy=file_accuracy,
        grey_auroc=grey_auroc,
        grey_balanced_accuracy=grey_accuracy,
        chance_accuracy=1 / len(classes),
        chance_auroc_limit=_chance_limit([patients[label] for label in classes]),
        medians={
            label: dict(
                zip(FEATURES, np.median(values[target == index], axis=0).tolist(), strict=True)
            )
            for index, label in enumerate(classes)
        },
    )


def _scores(
    features: np.ndarray, target: np.ndarray, groups: np.ndarray, seed: int
) -> tuple[float, float]:
    """AUROC and balanced accuracy on films whose patient the classifier has not seen."""
    # Here, because it takes seconds to import, and mostly the answer is known.
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.metrics import balanced_accuracy_score, roc_auc_score
    from sklearn.model_selection import StratifiedGroupKFold

    classes = int(target.max()) + 1
    probabilities = np.zeros((len(target), classes))
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed)
    for train, test in folds.split(features, target, groups):
        forest = RandomForestClassifier(
            100, min_samples_leaf=5, class_weight="balanced", random_state=seed
        ).fit(features[train], target[train])
        probabilities[np.ix_(test, forest.classes_)] = forest.predict_proba(features[test])
    areas = [roc_auc_score(target == k, probabilities[:, k]) for k in range(classes)]
    accuracy = balanced_accuracy_score(target, probabilities.argmax(axis=1))
    return float(np.mean(areas)), float(accuracy)


def _chance_limit(patients: Sequence[int]) -> float:
    """The 97.5th percentile of a guesser's AUROC for the rarest class (Mann and Whitney, 1947)."""
    rare = min(patients)
    rest = sum(patients) - rare
    return min(1.0, 0.5 + 1.96 * math.sqrt((rare + rest + 1) / (12 * rare * rest)))
