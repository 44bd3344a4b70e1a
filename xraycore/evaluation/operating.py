"""Operating points: thresholds of a probability, and what they make of films."""

from dataclasses import dataclass

import numpy as np

from xraycore.evaluation.scores import Score, defined_proportion

SENSITIVITIES = (95, 98)
# Probabilities that lie closer together change places from one machine to another.
NOISE = 1e-6


@dataclass(frozen=True)
class OperatingPoint:
    """A film whose probability of the finding is at least `threshold` is called positive."""

    name: str
    title: str
    threshold: float


DEFAULT = OperatingPoint("default", "0.5", 0.5)


def choose_points(positive: np.ndarray, probability: np.ndarray) -> dict[str, OperatingPoint]:
    """The default, the highest F1, and sensitivities of at least 95 % and 98 %, by name.

    Thresholds lie midway between neighbouring probabilities (of the lowest and 0 for one that
    calls every film), never where these differ by less than 1e-6. Of thresholds that are equally
    good the highest is taken.

    Args:
        positive: Bool (n,), whether the film shows the finding.
        probability: Of the finding, (n,). Films that are not those the points are judged on.

    Raises:
        ValueError: If all films or none show the finding.
    """
    positive, probability = _checked(positive, probability)
    if positive.all() or not positive.any():
        raise ValueError(
            "operating points need films with the finding and without. "
            f"Received: {positive.sum()} with it among {len(positive)}"
        )
    thresholds = _candidates(probability)
    hits = _calls(probability[positive], thresholds)
    f1 = 2 * hits / (positive.sum() + _calls(probability, thresholds))
    good = {("best_f1", "Highest F1"): f1 == f1.max()}
    for percent in SENSITIVITIES:
        title = f"Sensitivity at least {percent} %"
        good[f"sensitivity_{percent}", title] = hits / positive.sum() >= percent / 100
    chosen = [
        OperatingPoint(name, title, float(thresholds[mask].max()))
        for (name, title), mask in good.items()
    ]
    return {point.name: point for point in (DEFAULT, *chosen)}


def at_threshold(
    positive: np.ndarray, probability: np.ndarray, threshold: float
) -> dict[str, Score | float | int | None]:
    """What calling films positive from a threshold on comes to.

    Args:
        positive: Bool (n,), whether the film shows the finding.
        probability: Of the finding, (n,).
        threshold: The least probability that is called positive.

    Returns:
        `sensitivity`, `specificity`, `accuracy`, `ppv` and `npv` with their intervals, `f1`, and
        the counts `tp`, `fp`, `tn` and `fn`. What is not defined, such as a PPV where no film is
        called positive, is None.
    """
    positive, probability = _checked(positive, probability)
    called = probability >= threshold
    tp, fp = int((called & positive).sum()), int((called & ~positive).sum())
    tn, fn = int((~called & ~positive).sum()), int((~called & positive).sum())
    return {
        "sensitivity": defined_proportion(tp, tp + fn),
        "specificity": defined_proportion(tn, tn + fp),
        "accuracy": defined_proportion(tp + tn, len(positive)),
        "ppv": defined_proportion(tp, tp + fp),
        "npv": defined_proportion(tn, tn + fn),
        "f1": round(2 * tp / (2 * tp + fp + fn), 4) if tp + fn else None,
        "tp": tp,
        "fp": fp,
        "tn": tn,
        "fn": fn,
    }


def predictive_values(
    sensitivity: float, specificity: float, prevalence: float
) -> tuple[float | None, float | None]:
    """PPV and NPV where `prevalence` of the films show the finding, by Bayes' rule.

    All are shares of 0 to 1. One that nothing is called for is not defined: None.

    Raises:
        ValueError: If a share is not in 0 to 1.
    """
    shares = (sensitivity, specificity, prevalence)
    if not all(0 <= share <= 1 for share in shares):
        raise ValueError(
            f"sensitivity, specificity and prevalence must be in 0 to 1. Received: {shares}"
        )
    tp, fn = sensitivity * prevalence, (1 - sensitivity) * prevalence
    tn, fp = specificity * (1 - prevalence), (1 - specificity) * (1 - prevalence)
    return (tp / (tp + fp) if tp + fp else None, tn / (tn + fn) if tn + fn else None)


def _candidates(probability: np.ndarray) -> np.ndarray:
    """Thresholds, rising, of all ways to call at least one film; 0 calls every film."""
    values = np.unique(np.append(probability, 0.0))
    wide = np.diff(values) > NOISE
    return np.append(0.0, (values[:-1] + values[1:])[wide] / 2)


def _calls(probability: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """How many of the films each threshold calls positive."""
    return len(probability) - np.searchsorted(np.sort(probability), thresholds, side="left")


def _checked(positive: np.ndarray, probability: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    positive, probability = np.asarray(positive, bool), np.asarray(probability, float)
    if positive.ndim != 1 or positive.shape != probability.shape:
        raise ValueError(
            "positive and probability must both be (films,). "
            f"Received: {positive.shape} and {probability.shape}"
        )
    return positive, probability
