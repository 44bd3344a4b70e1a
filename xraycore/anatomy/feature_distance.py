"""How far many films together are from those that the networks know, in the features of all."""

import numpy as np

# Films are counted in so many parts, by which a distance's interval is found.
PARTS = 10
# Of fewer films next to nothing can be said.
FEWEST = 2 * PARTS
# Student's, for 95 % of `PARTS`.
_QUANTILE = 2.262


class FeatureMoments:
    """Number, sum and products of films' features; of millions they take no more room than of one.

    Args:
        numbers: Features of a film, d.
    """

    def __init__(self, numbers: int):
        self.counts = np.zeros(PARTS, np.int64)
        self.sums = np.zeros((PARTS, numbers))
        self.products = np.zeros((PARTS, numbers, numbers))

    @property
    def count(self) -> int:
        """How many films it has seen."""
        return int(self.counts.sum())

    def add(self, values: np.ndarray, places: np.ndarray) -> None:
        """Counts films' features (n, d), each in the part that its place (n,) falls to."""
        parts = np.asarray(places) % PARTS
        for part in np.unique(parts):
            chosen = values[parts == part].astype(np.float64)
            self.counts[part] += len(chosen)
            self.sums[part] += chosen.sum(axis=0)
            self.products[part] += chosen.T @ chosen

    def distance(self) -> tuple[float, float, float] | None:
        """Distance from the known films and its 95 % interval; None of fewer than `FEWEST` films.

        The interval is the jackknife's, a tenth of the films left out at a time (Efron & Stein
        1981, doi:10.1214/aos/1176345462).
        """
        if self.count < FEWEST or not self.counts.all():
            return None
        whole = self._without(None)
        each = np.array([self._without(part) for part in range(PARTS)])
        spread = ((PARTS - 1) / PARTS * ((each - each.mean()) ** 2).sum()) ** 0.5
        return whole, max(0.0, whole - _QUANTILE * spread), whole + _QUANTILE * spread

    def _without(self, part: int | None) -> float:
        kept = np.arange(PARTS) != part
        count = self.counts[kept].sum()
        mean = self.sums[kept].sum(axis=0) / count
        products = self.products[kept].sum(axis=0) / count
        return distance_from_known(mean, products - np.outer(mean, mean))


def distance_from_known(mean: np.ndarray, covariance: np.ndarray) -> float:
    """Fréchet's distance of features from those of the known films, in standard deviations.

    Fréchet (1957) and Dowson & Landau (1982, doi:10.1016/0047-259X(82)90077-X), as networks that
    draw pictures are judged by (Heusel et al. 2017, arXiv:1706.08500), here not squared: 1 is as
    much as one standard deviation of the known films along one direction.

    Args:
        mean: Float (d,), of features that are 0 in the mean of the known films.
        covariance: Float (d, d), of features that vary by 1 and independently there.
    """
    spread = np.sqrt(np.maximum(np.linalg.eigvalsh(covariance), 0.0))
    return float(np.sqrt(mean @ mean + ((spread - 1.0) ** 2).sum()))
