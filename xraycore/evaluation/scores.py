"""Scores with 95 % intervals, on arrays of labels and probabilities."""

from collections.abc import Callable, Sequence

import numpy as np
from scipy.stats import binomtest
from sklearn.metrics import confusion_matrix, f1_score, roc_auc_score

RESAMPLES = 1000

Score = dict[str, float | int]


def proportion(hits: int, of: int) -> Score:
    """A share with its Wilson interval (Wilson 1927, doi:10.1080/01621459.1927.10502953).

    Raises:
        ValueError: If it is a share of nothing.
    """
    if of == 0:
        raise ValueError("a share needs at least one film. Received: none")
    interval = binomtest(int(hits), int(of)).proportion_ci(method="wilson")
    return _score(hits / of, interval.low, interval.high, of)


def bootstrapped(
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


def binary_scores(positive: np.ndarray, probability: np.ndarray, groups: Sequence[str]) -> dict:
    """AUROC, accuracy, sensitivity and specificity at probability 0.5.

    Args:
        positive: Bool (n,), whether the film shows the finding.
        probability: Of the finding, (n,).
        groups: The patient of each film.

    Raises:
        ValueError: If all films or none show the finding.
    """
    called = probability > 0.5

    def auc(chosen: np.ndarray) -> float:
        if positive[chosen].all() or not positive[chosen].any():
            return float("nan")
        return float(roc_auc_score(positive[chosen], probability[chosen]))

    return {
        "auc": bootstrapped(auc, groups),
        "accuracy": proportion((called == positive).sum(), len(positive)),
        "sensitivity": proportion((called & positive).sum(), positive.sum()),
        "specificity": proportion((~called & ~positive).sum(), (~positive).sum()),
    }


def multiclass_scores(
    target: np.ndarray, probabilities: np.ndarray, classes: Sequence[str], groups: Sequence[str]
) -> dict:
    """Accuracy, macro F1, recall of every class and the confusion matrix (rows: truth).

    Args:
        target: Class indices (n,).
        probabilities: (n, k).
        classes: Names of the k classes.
        groups: The patient of each film.
    """
    called, indices = probabilities.argmax(axis=1), range(len(classes))

    def macro_f1(chosen: np.ndarray) -> float:
        return float(
            f1_score(
                target[chosen], called[chosen], average="macro", labels=indices, zero_division=0.0
            )
        )

    return {
        "accuracy": proportion((called == target).sum(), len(target)),
        "macro_f1": bootstrapped(macro_f1, groups),
        "recall": {
            name: proportion(((called == k) & (target == k)).sum(), (target == k).sum())
            for k, name in enumerate(classes)
            if (target == k).any()
        },
        "confusion": confusion_matrix(target, called, labels=indices).tolist(),
    }


def _score(value: float, low: float, high: float, count: int) -> Score:
    return {
        "value": round(float(value), 4),
        "low": round(float(low), 4),
        "high": round(float(high), 4),
        "n": int(count),
    }
