"""Whether one model is better than another on the same films, or only luckier."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
from scipy.stats import norm, rankdata
from scipy.stats import t as student
from statsmodels.stats.contingency_tables import mcnemar as exact_mcnemar
from statsmodels.stats.multitest import multipletests

from xraycore.errors import ArgumentError
from xraycore.metrics.few import FEW

# Rounding leaves variances of 1e-32 where there is none; one swapped pair of 10,000 films, 1e-15.
NOUGHT = 1e-25


def mcnemar(right_a: np.ndarray, right_b: np.ndarray) -> dict[str, float | int]:
    """McNemar's exact test of two models being right equally often (doi:10.1007/BF02295996).

    Args:
        right_a: Bool (n,), whether the first model is right on each film.
        right_b: The same of the second.

    Returns:
        Films that `both_right`, `only_a`, `only_b` or `both_wrong` is true of, and two-sided `p`.

    Raises:
        ArgumentError: If the shapes differ.
    """
    a, b = np.asarray(right_a, bool), np.asarray(right_b, bool)
    _check_same("right_a and right_b", a, b)
    counts = {
        "both_right": int((a & b).sum()),
        "only_a": int((a & ~b).sum()),
        "only_b": int((~a & b).sum()),
        "both_wrong": int((~a & ~b).sum()),
    }
    table = np.reshape(list(counts.values()), (2, 2))
    return {**counts, "p": float(exact_mcnemar(table, exact=True).pvalue)}


def delong(
    positive: np.ndarray, probability_a: np.ndarray, probability_b: np.ndarray
) -> dict[str, float | None]:
    """DeLong's test of two AUROCs on the same films (1988, doi:10.2307/2531595).

    Args:
        positive: Bool (n,), whether the film shows the finding.
        probability_a: Of the finding by the first model, (n,).
        probability_b: The same by the second.

    Returns:
        `auc_a`, `auc_b`, their `difference` (a - b) with its 95 % interval `low` to `high`, `z`
        and two-sided `p`, with fewer than 10 films of a kind by Student's distribution. Where
        AUROCs differ and yet have no variance, as of a perfect model and a constant one, or films
        are as few and both are alike, the test has no answer: `low`, `high`, `z` and `p` are None.

    Raises:
        ArgumentError: If fewer than two films show the finding, or do not.
    """
    positives_a, negatives_a = _placements(positive, probability_a)
    positives_b, negatives_b = _placements(positive, probability_b)
    # The variance of the difference of AUROCs is that of the differences of placements.
    difference = float((positives_a - positives_b).mean())
    variance = _variance(positives_a - positives_b, negatives_a - negatives_b)
    few = min(len(positives_a), len(negatives_a))
    return {
        "auc_a": float(positives_a.mean()),
        "auc_b": float(positives_b.mean()),
        "difference": difference,
        **_z_test(difference, variance, few),
    }


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values corrected for their number by Holm's step-down method (1979), in their order."""
    if not len(p_values):
        return []
    return [float(p) for p in multipletests(p_values, method="holm")[1]]


def compare_all(
    models: Mapping[str, np.ndarray], positive: np.ndarray, threshold: float = 0.5
) -> list[dict]:
    """Every pair of models compared on the same films.

    Args:
        models: Name -> probability of the finding, (n,).
        positive: Bool (n,), whether the film shows the finding.
        threshold: The least probability that is called positive.

    Returns:
        One of each pair: names `a` and `b`, `mcnemar` of their calls and `delong` of their AUROCs,
        each with `p_holm`, the p corrected over all pairs of that test. `delong` is None with
        fewer than two films with the finding or without.
    """
    positive = np.asarray(positive, bool)
    enough = min(positive.sum(), (~positive).sum()) >= 2
    rows = compare_calls(
        {name: (values >= threshold) == positive for name, values in models.items()}
    )
    for row in rows:
        row["delong"] = delong(positive, models[row["a"]], models[row["b"]]) if enough else None
    _correct([row["delong"] for row in rows if row["delong"]])
    return rows


def compare_calls(right: Mapping[str, np.ndarray]) -> list[dict]:
    """McNemar's test of every pair of models, with `p_holm`, and None as `delong`.

    Args:
        right: Name -> bool (n,), whether the model is right on each film.
    """
    rows: list[dict[str, Any]] = [
        {"a": a, "b": b, "mcnemar": mcnemar(right[a], right[b]), "delong": None}
        for a, b in combinations(right, 2)
    ]
    _correct([row["mcnemar"] for row in rows])
    return rows


def fold_mean(values: Sequence[float], ratio: float) -> dict[str, float | int]:
    """Mean of a score over cross-validation's folds, and its 95 % interval.

    Folds share most of what they were trained on, so that their spread alone says too little: it is
    corrected as by Nadeau & Bengio (2003, doi:10.1023/A:1024068626366).

    Args:
        values: One a fold, of two or more.
        ratio: Films that a fold judges over those that it trains on.

    Returns:
        `folds`, `mean`, `sd` and the interval `low` to `high`, which may reach beyond the score's
        range where folds are few and differ.

    >>> found = fold_mean([0.8, 0.9], 1.0)
    >>> [round(found[key], 4) for key in ("mean", "sd", "low", "high")]
    [0.85, 0.0707, -0.2504, 1.9504]
    """
    of_folds = np.asarray(values, float)
    count, spread = len(of_folds), float(of_folds.std(ddof=1))
    reach = float(student(count - 1).ppf(0.975)) * spread * (1 / count + ratio) ** 0.5
    mean = float(of_folds.mean())
    return {"folds": count, "mean": mean, "sd": spread, "low": mean - reach, "high": mean + reach}


def _correct(found: Sequence[dict]) -> None:
    """Add `p_holm` to the results of one test; None where it has no p."""
    corrected = iter(holm([result["p"] for result in found if result["p"] is not None]))
    for result in found:
        result["p_holm"] = None if result["p"] is None else next(corrected)


def _placements(positive: np.ndarray, probability: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Share of the negatives below each positive, and of the positives above each negative.

    A tie counts half. By midranks, in n log n steps (Sun & Xu 2014,
    doi:10.1109/LSP.2014.2337313).
    """
    positive, probability = np.asarray(positive, bool), np.asarray(probability, float)
    _check_same("positive and probability", positive, probability)
    with_it, without = int(positive.sum()), int((~positive).sum())
    if min(with_it, without) < 2:
        raise ArgumentError(
            "the variance of an AUROC needs two films with the finding and two without. "
            f"Received: {with_it} with it and {without} without"
        )
    ranks = rankdata(probability)
    below = ranks[positive] - rankdata(probability[positive])
    above = with_it - (ranks[~positive] - rankdata(probability[~positive]))
    return below / without, above / with_it


def _variance(of_positives: np.ndarray, of_negatives: np.ndarray) -> float:
    """Variance of an AUROC, or of a difference of two, from placement values."""
    parts = (values.var(ddof=1) / len(values) for values in (of_positives, of_negatives))
    return float(sum(parts))


def _z_test(difference: float, variance: float, few: int) -> dict[str, float | None]:
    if variance > NOUGHT:
        # A variance of a handful of films is a guess itself: Student's distribution knows that.
        spread = student(few - 1) if few < FEW else norm
        z, margin = difference / variance**0.5, spread.ppf(0.975) * variance**0.5
        return {
            "low": float(difference - margin),
            "high": float(difference + margin),
            "z": float(z),
            "p": float(2 * spread.sf(abs(z))),
        }
    if difference == 0 and few >= FEW:
        return {"low": 0.0, "high": 0.0, "z": 0.0, "p": 1.0}
    return {"low": None, "high": None, "z": None, "p": None}


def _check_same(names: str, a: np.ndarray, b: np.ndarray) -> None:
    if a.ndim != 1 or a.shape != b.shape:
        raise ArgumentError(f"{names} must both be (films,). Received: {a.shape} and {b.shape}")
