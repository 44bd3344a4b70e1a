"""Intervals where films are few: resampling them cannot show what was never drawn.

One positive film that ranks first ranks first in every resample. Below `FEW` patients of a kind,
and wherever all resamples agree, an interval is widened to what these formulas say.
"""

from collections.abc import Sequence

import numpy as np

FEW = 10
# Of the normal distribution, for 95 %.
Z = 1.959964
Limits = tuple[float, float]


def share_limits(share: float, number: float) -> Limits:
    """Wilson's limits of a share of so many independent answers, which need not be whole.

    >>> [round(limit, 3) for limit in share_limits(1.0, 1)]
    [0.207, 1.0]
    """
    middle = (share + Z**2 / 2 / number) / (1 + Z**2 / number)
    reach = Z / (1 + Z**2 / number)
    reach *= (share * (1 - share) / number + Z**2 / 4 / number**2) ** 0.5
    return max(0.0, middle - reach), min(1.0, middle + reach)


def auroc_limits(area: float, positives: int, negatives: int) -> Limits:
    """An AUROC's limits by Newcombe's method 5 (2006, doi:10.1002/sim.2324).

    They lie z times the spread from the area that Hanley and McNeil's variance gives at the limit,
    and not at the area found, so that an area of 1 has a width too. A single positive film that
    ranks first is no better than chance may give; a second one is.

    >>> [round(limit, 2) for limit in auroc_limits(1.0, 1, 10)], auroc_limits(1.0, 2, 100)[0] > 0.5
    ([0.4, 1.0], True)
    """
    from scipy.optimize import brentq  # Late, as pages import this module.

    more = (positives + negatives) / 2 - 1

    def beyond(x: float) -> float:
        spread = x * (1 - x) * (1 + more * (1 - x) / (2 - x) + more * x / (1 + x))
        return (area - x) ** 2 - Z**2 * spread / positives / negatives

    # At 0 and 1 the variance is nought whatever is found: the roots that are sought lie between.
    edge = 1e-9
    middle = min(max(area, edge), 1 - edge)
    low = brentq(beyond, edge / 2, middle) if beyond(edge / 2) > 0 else 0.0
    high = brentq(beyond, middle, 1 - edge / 2) if beyond(1 - edge / 2) > 0 else 1.0
    return float(low), float(high)


def precision_limits(average: float, positives: int, prevalence: float) -> Limits:
    """An average precision's limits as of a share of its positives (Boyd et al. 2013,
    doi:10.1007/978-3-642-40994-3_29); of a single one they hold what chance gives.
    """
    low, high = share_limits(average, positives)
    return (min(low, prevalence) if positives == 1 else low), high


def f1_limits(recall: Limits, precision: Limits) -> Limits:
    """F1 where recall and precision are both as low, or both as high, as they may be."""

    def mean(a: float, b: float) -> float:
        return 2 * a * b / (a + b) if a + b else 0.0

    return mean(recall[0], precision[0]), mean(recall[1], precision[1])


def mean_limits(values: Sequence[float], limits: Sequence[Limits]) -> Limits:
    """Limits of a mean of independent figures from theirs (Zou & Donner 2008,
    doi:10.1002/sim.3095).

    >>> mean_limits([1.0, 1.0], [(0.4, 1.0), (0.7, 1.0)])[0] == 1 - (0.6**2 + 0.3**2) ** 0.5 / 2
    True
    """
    figures, ends = np.array(values), np.array(limits)
    down, up = (np.sqrt(((figures - ends[:, side]) ** 2).sum()) / len(figures) for side in (0, 1))
    return float(figures.mean() - down), float(figures.mean() + up)


def kappa_limits(kappa: float, shares: Sequence[float], number: int) -> Limits:
    """A kappa's limits as of the agreement that it stands for, whose chance part is taken as known.

    Args:
        kappa: What was found.
        shares: How often each answer was given, summing to 1.
        number: Of films.
    """
    chance = float(np.square(shares).sum())
    agreed = min(1.0, max(0.0, kappa * (1 - chance) + chance))
    low, high = share_limits(agreed, number)
    return (low - chance) / (1 - chance), (high - chance) / (1 - chance)
