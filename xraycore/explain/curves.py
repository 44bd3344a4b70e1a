"""What a class's score does while more and more of a film is hidden: maths on arrays."""

from dataclasses import dataclass, field

import cv2
import numpy as np

from xraycore.explain.baselines import random_map
from xraycore.explain.perturbation import enlarged

# Width of the blur that stands for a hidden film, in shares of its side: no finding is left, and
# the film's large shape and brightness are.
BLUR = 0.1


@dataclass(frozen=True, eq=False)
class Curve:
    """A class's score as a film is changed pixel by pixel.

    Attributes:
        shares: Float64 (n,), the share of the pixels that are changed, rising from 0.
        scores: Float64 (n,), the score then.
    """

    shares: np.ndarray = field(repr=False)
    scores: np.ndarray = field(repr=False)

    @property
    def area(self) -> float:
        """Area under the curve over its span of shares: the mean score, in units of the score."""
        return float(np.trapezoid(self.scores, self.shares) / np.ptp(self.shares))

    def at(self, share: float) -> float:
        """The score with that share of the pixels changed, linear between the steps."""
        return float(np.interp(share, self.shares, self.scores))


def hottest_first(
    heat: np.ndarray, shape: tuple[int, int], random: np.random.Generator
) -> np.ndarray:
    """A film's pixels from the hottest to the coldest under a map.

    Equally hot ones, of which a map's cold part has many, are in the order of a random map of the
    same grid: so a map without heat is as good as the random map, not as the film's upper edge.

    Args:
        heat: Float (h, w), on any grid.
        shape: Of the film, (H, W).
        random: Draws the order of equally hot pixels.

    Returns:
        Int (H W,), flat indices.
    """
    ties = enlarged(random_map(heat.shape, random), shape)
    return np.lexsort((-ties.ravel(), -enlarged(heat, shape).ravel()))


def blurred(film: np.ndarray) -> np.ndarray:
    """A film (h, w) without its detail."""
    return cv2.GaussianBlur(film, (0, 0), BLUR * film.shape[0])


def replaced(film: np.ndarray, pixels: np.ndarray, other: np.ndarray) -> np.ndarray:
    """A copy of a film (h, w) with the pixels of those flat indices taken from another."""
    changed = film.copy()
    changed.flat[pixels] = other.flat[pixels]
    return changed
