"""Scores of calls among classes with 95 % intervals, on arrays of labels and probabilities."""

from collections.abc import Sequence

import numpy as np

from xraycore.errors import ArgumentError
from xraycore.metrics.areas import ratio, weighted_areas
from xraycore.metrics.calibration import BINS, bin_of
from xraycore.metrics.few import (
    Limits,
    auroc_limits,
    f1_limits,
    mean_limits,
    precision_limits,
    share_limits,
)
from xraycore.metrics.intervals import (
    Score,
    defined_proportion,
    draw_weights,
    percentile_interval,
    widen,
    wilson_interval,
)


def auroc_score(positive: np.ndarray, score: np.ndarray, groups: Sequence[str]) -> Score | None:
    """AUROC of films with its interval over resampled patients; None where all are of one kind.

    Args:
        positive: Bool (n,).
        score: The higher, the more like the positive ones, (n,).
        groups: The patient of each film.
    """
    positive = np.asarray(positive, bool)
    samples = [
        weighted_areas(positive, score, weights)[0] for weights in draw_weights(groups, seed=0)
    ]
    found = percentile_interval(np.concatenate(samples), len(score))
    with_it, without = _patients(positive, groups), _patients(~positive, groups)
    if found is None:
        return None
    exact = auroc_limits(float(samples[0][0]), with_it, without)
    return widen(found, exact, min(with_it, without))


def score_classes(
    y_true: np.ndarray,
    probability: np.ndarray,
    classes: Sequence[str],
    groups: Sequence[str],
    *,
    seed: int = 0,
) -> dict:
    """All scores of a model on films, each with its 95 % interval, ready for JSON.

    Shares of films (accuracy; recall, precision and specificity of a class) have Wilson's
    interval; all others that of 1,000 resamples of patients (`bootstrap_interval`), widened where a
    class, or what is not of it, has fewer than 10 patients, or all resamples agree
    (`xraycore.metrics.few`). What is not
    defined is None: the precision of a class that is never predicted, everything but precision and
    specificity of a class without films, and AUROC and AUPRC of one that all films have.

    Args:
        y_true: Class indices, (n,).
        probability: (n, k), of 0 to 1.
        classes: Names of the k classes.
        groups: The patient of each film.
        seed: Of the resampling.

    Returns:
        Of all films `accuracy`, `balanced_accuracy` (mean recall), `macro_f1`, `macro_auroc` (one
        against rest) and `macro_auprc` (average precision), which are means over the classes that
        have films; `brier`, the mean over films of the sum over classes of squared differences,
        of 0 to 2 (Brier 1950, doi:10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2); `ece`, the
        calibration error of the predicted class in 15 bins, which few films and more so resamples
        of them make too large: its interval lies high. `classes`: name -> `films`, `recall`,
        `precision`, `specificity`, `f1`, `auroc`, `auprc`. `confusion`: counts, rows the truth.

    Raises:
        ArgumentError: If there are no films, shapes do not fit or a value is not allowed.
    """
    y_true, probability = _checked(y_true, probability, classes, groups)
    from sklearn.metrics import confusion_matrix

    confusion = confusion_matrix(y_true, probability.argmax(axis=1), labels=range(len(classes)))
    films, calls, hits = confusion.sum(axis=1), confusion.sum(axis=0), confusion.diagonal()
    samples = [_weighted(y_true, probability, weights) for weights in draw_weights(groups, seed)]
    values = {name: np.concatenate([sample[name] for sample in samples]) for name in samples[0]}
    count, there = len(y_true), films > 0
    few = [_limits(y_true, probability, k, groups) for k in range(len(classes))]

    def of_class(name: str, k: int) -> Score | None:
        score = percentile_interval(values[name][:, k], count)
        return score and widen(score, few[k][1][name], few[k][0])

    def macro(name: str) -> Score | None:
        score = percentile_interval(values[name][:, there].mean(axis=1), count)
        if score is None:
            return None
        known = [k for k in np.flatnonzero(there) if name in few[k][1]]
        limits = mean_limits([values[name][0, k] for k in known], [few[k][1][name] for k in known])
        return widen(score, limits, min(few[k][0] for k in known))

    def overall(name: str, worst: float) -> Score | None:
        score, patients = percentile_interval(values[name], count), len(set(groups))
        low, high = share_limits(values[name][0] / worst, patients)
        return score and widen(score, (worst * low, worst * high), patients)

    return {
        "accuracy": wilson_interval(hits.sum(), count),
        "balanced_accuracy": macro("recall"),
        "macro_f1": macro("f1"),
        "macro_auroc": macro("auroc"),
        "macro_auprc": macro("auprc"),
        "brier": overall("brier", 2.0),
        "ece": overall("ece", 1.0),
        "classes": {
            name: {
                "films": int(films[k]),
                "recall": defined_proportion(hits[k], films[k]),
                "precision": defined_proportion(hits[k], calls[k]),
                "specificity": defined_proportion(
                    count - films[k] - calls[k] + hits[k], count - films[k]
                ),
                **{key: of_class(key, k) for key in ("f1", "auroc", "auprc")},
            }
            for k, name in enumerate(classes)
        },
        "confusion": confusion.tolist(),
    }


def _limits(
    y_true: np.ndarray, probability: np.ndarray, k: int, groups: Sequence[str]
) -> tuple[int, dict[str, Limits]]:
    """Patients of the rarer kind, of a class or not, and what formulas say of its scores."""
    positive, called = y_true == k, probability.argmax(axis=1) == k
    with_it, without = _patients(positive, groups), _patients(~positive, groups)
    found: dict[str, Limits] = {}
    if with_it:
        hits = positive & called
        found["recall"] = share_limits(hits.sum() / positive.sum(), with_it)
        of_calls = (
            share_limits(hits.sum() / called.sum(), _patients(called, groups))
            if called.any()
            else (0.0, 1.0)
        )
        found["f1"] = f1_limits(found["recall"], of_calls)
    if with_it and without:
        (area,), (average,) = weighted_areas(positive, probability[:, k], np.ones((1, len(y_true))))
        found["auroc"] = auroc_limits(float(area), with_it, without)
        found["auprc"] = precision_limits(float(average), with_it, float(positive.mean()))
    return min(with_it, without), found


def _patients(chosen: np.ndarray, groups: Sequence[str]) -> int:
    """How many patients have a film among the chosen ones."""
    return len(set(np.asarray(groups)[chosen].tolist()))


def _checked(
    y_true: np.ndarray, probability: np.ndarray, classes: Sequence[str], groups: Sequence[str]
) -> tuple[np.ndarray, np.ndarray]:
    y_true, probability = np.asarray(y_true), np.asarray(probability, float)
    if probability.shape != (len(y_true), len(classes)) or len(groups) != len(y_true):
        raise ArgumentError(
            f"{len(y_true)} targets and {len(classes)} classes need as many groups and "
            f"probabilities. Received: {len(groups)} groups, probabilities {probability.shape}"
        )
    if not len(y_true):
        raise ArgumentError("scores need at least one film. Received: none")
    if not np.isin(y_true, np.arange(len(classes))).all():
        raise ArgumentError(
            f"targets must be of 0 to {len(classes) - 1}. Received: {np.unique(y_true).tolist()}"
        )
    if not np.isfinite(probability).all():
        raise ArgumentError("probabilities must be finite. Received: NaN or infinity")
    return y_true, probability


def _weighted(
    y_true: np.ndarray, probability: np.ndarray, weights: np.ndarray
) -> dict[str, np.ndarray]:
    """Statistics of samples given as weights of films (r, n): (r,), or (r, k) by class."""
    one_hot, called = np.eye(probability.shape[1]), probability.argmax(axis=1)
    truth, right, confidence = one_hot[y_true], called == y_true, probability.max(axis=1)
    films, calls = weights @ truth, weights @ one_hot[called]
    hits, total = weights @ (truth * right[:, None]), weights.sum(axis=1)
    gaps = np.eye(BINS)[bin_of(confidence)] * (confidence - right)[:, None]
    areas = [
        weighted_areas(truth[:, k] == 1, probability[:, k], weights)
        for k in range(probability.shape[1])
    ]
    return {
        "recall": ratio(hits, films),
        "f1": ratio(2 * hits, np.where(films > 0, films + calls, 0)),
        "auroc": np.stack([auroc for auroc, _ in areas], axis=1),
        "auprc": np.stack([auprc for _, auprc in areas], axis=1),
        "brier": weights @ ((probability - truth) ** 2).sum(axis=1) / total,
        "ece": np.abs(weights @ gaps).sum(axis=1) / total,
    }
