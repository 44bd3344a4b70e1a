"""Figures with 95 % intervals: of shares by Wilson's formula, of others by resampled patients."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from xraycore.errors import ArgumentError
from xraycore.metrics.few import FEW, Limits, share_limits

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
    means = np.concatenate([w @ numbers / w.sum(axis=1) for w in draw_weights(groups, seed=0)])
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


def draw_weights(groups: Sequence[str], seed: int) -> Iterator[np.ndarray]:
    """How often each film is in a sample, (r, n): once in the first, then the resamples."""
    _, inverse = np.unique(np.asarray(groups), return_inverse=True)
    patients = inverse.max() + 1
    yield np.ones((1, len(inverse)))
    rng = np.random.default_rng(seed)
    for start in range(0, RESAMPLES, BATCH):
        drawn = rng.integers(0, patients, (min(BATCH, RESAMPLES - start), patients))
        times = np.stack([np.bincount(row, minlength=patients) for row in drawn])
        yield times[:, inverse].astype(float)


def percentile_interval(values: np.ndarray, count: int) -> Score | None:
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
