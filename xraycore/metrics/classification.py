"""Scores with 95 % intervals, on arrays of labels and probabilities."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from xraycore.errors import ArgumentError
from xraycore.metrics.areas import ratio, weighted_areas
from xraycore.metrics.calibration import BINS, bin_of
from xraycore.metrics.few import (
    FEW,
    Limits,
    auroc_limits,
    f1_limits,
    mean_limits,
    precision_limits,
    share_limits,
)

RESAMPLES = 1000
# Resamples that are scored at once: 1,500 films of them take a megabyte.
BATCH = 100

Score = dict[str, float | int]


def wilson_interval(hits: int, of: int) -> Score:
    """A share with its Wilson interval (Wilson 1927, doi:10.1080/01621459.1927.10502953).

    >>> {name: round(value, 3) for name, value in wilson_interval(9, 10).items()}
    {'value': 0.9, 'low': 0.596, 'high': 0.982, 'n': 10}

    Raises:
        ArgumentError: If it is a share of nothing.
    """
    if of == 0:
        raise ArgumentError("a share needs at least one film. Received: none")
    return _score(hits / of, *share_limits(hits / of, of), of)


def defined_proportion(hits: int, of: int) -> Score | None:
    """`wilson_interval`, or None for a share of nothing."""
    return wilson_interval(hits, of) if of else None


def bootstrap_interval(
    statistic: Callable[[np.ndarray], float], groups: Sequence[str], *, seed: int = 0
) -> Score:
    """A statistic with its percentile interval over resampled patients.

    Patients, not films, are drawn with replacement: films of one patient are no independent
    evidence (Field & Welsh 2007, doi:10.1111/j.1467-9868.2007.00593.x). A resample on which the
    statistic is not defined is left out.

    Args:
        statistic: Of the films with these indices; NaN where not defined.
        groups: The patient of each film.
        seed: Of the resampling.
    """
    _, inverse = np.unique(np.asarray(groups), return_inverse=True)
    members = [np.flatnonzero(inverse == group) for group in range(inverse.max() + 1)]
    rng = np.random.default_rng(seed)
    values = [
        statistic(np.concatenate([members[g] for g in rng.integers(0, len(members), len(members))]))
        for _ in range(RESAMPLES)
    ]
    low, high = np.nanpercentile(values, [2.5, 97.5])
    return _score(statistic(np.arange(len(inverse))), low, high, len(inverse))


def mean_score(values: Sequence[float] | np.ndarray, groups: Sequence[str]) -> Score:
    """The mean of numbers with its interval over resampled patients, as in `bootstrap_interval`.

    Args:
        values: One a film, finite.
        groups: The patient of each film.
    """
    numbers = np.asarray(values, float)
    means = np.concatenate([w @ numbers / w.sum(axis=1) for w in _weights(groups, seed=0)])
    low, high = np.percentile(means[1:], [2.5, 97.5])
    return _score(means[0], low, high, len(numbers))


def mean_share(shares: Sequence[float] | np.ndarray, groups: Sequence[str]) -> Score:
    """The mean of shares, or of yes and no, with its interval over resampled patients.

    Where all patients are alike, or fewer than 10, resampling them cannot tell how far that is
    chance: Wilson's interval can, for as many independent answers as there are patients.

    Args:
        shares: One a film, in [0, 1].
        groups: The patient of each film.
    """
    patients, found = len(set(groups)), mean_score(shares, groups)
    exact = float(np.mean(np.asarray(shares, float)))
    return widen(found, share_limits(exact, patients), patients)


def widen(score: Score, limits: Limits, patients: int) -> Score:
    """The score with an interval that holds these limits too, where patients are few or alike.

    Args:
        score: Of resampled patients.
        limits: What a formula says, see `xraycore.metrics.few`.
        patients: How many there are of the rarer kind.
    """
    if patients >= FEW and score["low"] < score["high"]:
        return score
    low, high = min(score["low"], score["value"], limits[0]), max(score["high"], limits[1])
    return _score(score["value"], low, max(high, score["value"]), int(score["n"]))


def auroc_score(positive: np.ndarray, score: np.ndarray, groups: Sequence[str]) -> Score | None:
    """AUROC of films with its interval over resampled patients; None where all are of one kind.

    Args:
        positive: Bool (n,).
        score: The higher, the more like the positive ones, (n,).
        groups: The patient of each film.
    """
    positive = np.asarray(positive, bool)
    samples = [weighted_areas(positive, score, weights)[0] for weights in _weights(groups, seed=0)]
    found = _interval(np.concatenate(samples), len(score))
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
    samples = [_weighted(y_true, probability, weights) for weights in _weights(groups, seed)]
    values = {name: np.concatenate([sample[name] for sample in samples]) for name in samples[0]}
    count, there = len(y_true), films > 0
    few = [_limits(y_true, probability, k, groups) for k in range(len(classes))]

    def of_class(name: str, k: int) -> Score | None:
        score = _interval(values[name][:, k], count)
        return score and widen(score, few[k][1][name], few[k][0])

    def macro(name: str) -> Score | None:
        score = _interval(values[name][:, there].mean(axis=1), count)
        if score is None:
            return None
        known = [k for k in np.flatnonzero(there) if name in few[k][1]]
        limits = mean_limits([values[name][0, k] for k in known], [few[k][1][name] for k in known])
        return widen(score, limits, min(few[k][0] for k in known))

    def overall(name: str, worst: float) -> Score | None:
        score, patients = _interval(values[name], count), len(set(groups))
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


def _weights(groups: Sequence[str], seed: int) -> Iterator[np.ndarray]:
    """How often each film is in a sample, (r, n): once in the first, then the resamples."""
    _, inverse = np.unique(np.asarray(groups), return_inverse=True)
    patients = inverse.max() + 1
    yield np.ones((1, len(inverse)))
    rng = np.random.default_rng(seed)
    for start in range(0, RESAMPLES, BATCH):
        drawn = rng.integers(0, patients, (min(BATCH, RESAMPLES - start), patients))
        times = np.stack([np.bincount(row, minlength=patients) for row in drawn])
        yield times[:, inverse].astype(float)


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


def _interval(values: np.ndarray, count: int) -> Score | None:
    """The first value with the percentile interval of the others; None where not defined."""
    if np.isnan(values[0]) or np.isnan(values[1:]).all():
        return None
    low, high = np.nanpercentile(values[1:], [2.5, 97.5])
    return _score(values[0], low, high, count)


def _score(value: float, low: float, high: float, count: int) -> Score:
    return {
        "value": round(float(value), 4),
        "low": round(float(low), 4),
        "high": round(float(high), 4),
        "n": int(count),
    }
