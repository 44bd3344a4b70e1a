"""Operating points: thresholds of a probability, and what they make of films."""

from dataclasses import dataclass

import numpy as np

from xraycore.errors import ArgumentError
from xraycore.metrics.intervals import Score, defined_proportion

SENSITIVITIES = (95, 98)
# Probabilities that lie closer together change places from one machine to another.
NOISE = 1e-6
# Of the normal distribution, for 95 %.
Z = 1.959964


@dataclass(frozen=True)
class OperatingPoint:
    """A film whose probability of the finding is at least `threshold` is called positive."""

    name: str
    title: str
    threshold: float


DEFAULT = OperatingPoint("default", "Even odds (50 %)", 0.5)


def choose_points(positive: np.ndarray, probability: np.ndarray) -> dict[str, OperatingPoint]:
    """The default, the highest F1, and sensitivities of at least 95 % and 98 %, by name.

    Thresholds lie midway between neighbouring probabilities (of the lowest and 0 for one that
    calls every film), never where these differ by less than 1e-6. Of thresholds that are equally
    good the highest is taken.

    Args:
        positive: Bool (n,), whether the film shows the finding.
        probability: Of the finding, (n,). Films that are not those the points are judged on.

    Raises:
        ArgumentError: If all films or none show the finding.
    """
    positive, probability = _checked(positive, probability)
    if positive.all() or not positive.any():
        raise ArgumentError(
            "operating points need films with the finding and without. "
            f"Received: {positive.sum()} with it among {len(positive)}"
        )
    thresholds = _candidates(probability)
    hits = _calls(probability[positive], thresholds)
    f1 = 2 * hits / (positive.sum() + _calls(probability, thresholds))
    good = {("best_f1", "Highest F1"): f1 == f1.max()}
    for percent in SENSITIVITIES:
        title = f"{percent} % sensitivity on validation"
        good[f"sensitivity_{percent}", title] = hits / positive.sum() >= percent / 100
    chosen = [
        OperatingPoint(name, title, float(thresholds[mask].max()))
        for (name, title), mask in good.items()
    ]
    return {point.name: point for point in (DEFAULT, *chosen)}


def at_threshold(
    positive: np.ndarray, probability: np.ndarray, threshold: float
) -> dict[str, Score | int | None]:
    """What calling films positive from a threshold on comes to.

    Args:
        positive: Bool (n,), whether the film shows the finding.
        probability: Of the finding, (n,).
        threshold: The least probability that is called positive.

    Returns:
        `sensitivity`, `specificity`, `accuracy`, `ppv` and `npv` with their intervals, and the
        counts `tp`, `fp`, `tn` and `fn`. What is not defined, such as a PPV where no film is
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
        ArgumentError: If a share is not in 0 to 1.
    """
    shares = (sensitivity, specificity, prevalence)
    if not all(0 <= share <= 1 for share in shares):
        raise ArgumentError(
            f"sensitivity, specificity and prevalence must be in 0 to 1. Received: {shares}"
        )
    tp, fn = sensitivity * prevalence, (1 - sensitivity) * prevalence
    tn, fp = specificity * (1 - prevalence), (1 - specificity) * (1 - prevalence)
    return (tp / (tp + fp) if tp + fp else None, tn / (tn + fn) if tn + fn else None)


def predictive_scores(at: dict, prevalence: float) -> dict[str, Score | None]:
    """PPV and NPV at a prevalence, with the 95 % intervals that the films' number allows.

    The interval is the adjusted logit one for a sensitivity and a specificity measured on separate
    films (Mercaldo et al. 2007, doi:10.1002/sim.2677), widened to the value where a share is 0 or
    1. `n` counts the films with the finding and without.

    Args:
        at: What `at_threshold` returned.
        prevalence: In (0, 1).

    Returns:
        `ppv` and `npv`; None where one is not defined, or the films are all of one kind.
    """
    if at["sensitivity"] is None or at["specificity"] is None:
        return {"ppv": None, "npv": None}
    from scipy.special import expit, logit  # Late, as predicting imports this module.

    values = predictive_values(at["sensitivity"]["value"], at["specificity"]["value"], prevalence)
    # Two half-films of the normal quantile's square on either side keep both shares off 0 and 1.
    se, var_se = _adjusted(at["tp"], at["fn"])
    sp, var_sp = _adjusted(at["tn"], at["fp"])
    odds = logit(prevalence)
    centres = (np.log(se / (1 - sp)) + odds, np.log(sp / (1 - se)) - odds)
    spreads = (
        var_se / se**2 + var_sp / (1 - sp) ** 2,
        var_sp / sp**2 + var_se / (1 - se) ** 2,
    )
    intervals = {}
    for name, value, centre, spread in zip(("ppv", "npv"), values, centres, spreads, strict=True):
        low, high = expit(centre + np.array([-1, 1]) * Z * np.sqrt(spread))
        intervals[name] = (
            value
            if value is None
            else {
                "value": round(float(value), 4),
                "low": round(float(min(low, value)), 4),
                "high": round(float(max(high, value)), 4),
                "n": at["tp"] + at["fp"] + at["tn"] + at["fn"],
            }
        )
    return intervals


def sweep(
    positive: np.ndarray, probability: np.ndarray, thresholds: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Sensitivity and specificity at each threshold, (t,) each; NaN without such films."""
    positive, probability = _checked(positive, probability)
    with np.errstate(invalid="ignore"):
        missed = len(probability[positive]) - _calls(probability[positive], thresholds)
        spared = len(probability[~positive]) - _calls(probability[~positive], thresholds)
        return 1 - missed / positive.sum(), spared / (~positive).sum()


def _adjusted(hits: int, misses: int) -> tuple[float, float]:
    """A share and its variance after adding the quantile's square of films, half of each kind."""
    of = hits + misses + Z**2
    share = (hits + Z**2 / 2) / of
    return share, share * (1 - share) / of


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
        raise ArgumentError(
            "positive and probability must both be (films,). "
            f"Received: {positive.shape} and {probability.shape}"
        )
    return positive, probability
