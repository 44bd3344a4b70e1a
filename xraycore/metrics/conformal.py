"""Bounds that further values rarely exceed, without any assumption but that they come alike.

Split conformal prediction, class by class (Vovk 2012, arXiv:1209.2673; Angelopoulos & Bates 2021,
arXiv:2107.07511): a few lines on stored probabilities. MAPIE wraps estimators that it calls itself,
which our stored logits are not.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from xraycore.errors import ArgumentError


def fewest_for(error_rate: float) -> int:
    """How many values a bound needs at least: with fewer, none is kept at that rate."""
    return int(np.ceil(1 / error_rate - 1 - 1e-9))


def upper_bound(values: np.ndarray, error_rate: float) -> float:
    """The value that one more of the same kind exceeds with a chance of at most `error_rate`.

    The ceil((n + 1)(1 - error_rate))-th smallest of n.

    >>> upper_bound(np.arange(1, 20), 0.1)
    18.0

    Raises:
        ArgumentError: If the rate is not in (0, 1), or the values are too few for it.
    """
    if not 0 < error_rate < 1:
        raise ArgumentError(f"error_rate must be in (0, 1). Received: {error_rate}")
    place = int(np.ceil((len(values) + 1) * (1 - error_rate) - 1e-9))
    if place > len(values):
        raise ArgumentError(
            f"a bound at an error rate of {error_rate:g} needs {fewest_for(error_rate)} films or "
            f"more. Received: {len(values)}"
        )
    return float(np.sort(values)[place - 1])


def lower_bound(values: np.ndarray, error_rate: float) -> float:
    """Likewise the value that one more falls below with a chance of at most `error_rate`.

    Raises:
        ArgumentError: As `upper_bound`.
    """
    return -upper_bound(-np.asarray(values), error_rate)


def expected_share(count: int, error_rate: float) -> tuple[float, float, float]:
    """Which share of further values a bound of `count` will keep: mean, and 5 to 95 %.

    Over the draw of these values: Beta(k, n + 1 - k), k the place of the bound among n (Vovk 2012).
    """
    from scipy.stats import beta  # Late, as predicting imports this package.

    place = int(np.ceil((count + 1) * (1 - error_rate) - 1e-9))
    kept = beta(place, count + 1 - place)
    return float(kept.mean()), float(kept.ppf(0.05)), float(kept.ppf(0.95))


def kind_sets(
    shares: Mapping[str, np.ndarray], error_rates: Sequence[float]
) -> dict[str, dict[str, float]]:
    """Error rate -> kind -> the least share of it among the kinds that films of it mostly have.

    Args:
        shares: Kind -> its share on films of that kind.
        error_rates: Which.
    """
    return {
        f"{rate:g}": {
            kind: lower_bound(values, rate)
            for kind, values in shares.items()
            if len(values) >= fewest_for(rate)
        }
        for rate in error_rates
    }
