"""How alike two heatmaps are: maths on arrays of one shape."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

# The share of a map that counts as its hottest part.
HOTTEST = 0.1
# Of the structural similarity, as in its paper: an 11x11 Gaussian window, and what keeps quotients
# of near nothing from counting, for maps in [0, 1].
_WINDOW, _WIDTH = (11, 11), 1.5
_MEAN_FLOOR, _VARIANCE_FLOOR = 0.01**2, 0.03**2


@dataclass(frozen=True)
class Similarity:
    """How alike two maps are, whatever their strengths.

    Attributes:
        ssim: Structural similarity, in [-1, 1]; 1 for equal maps. Two maps that are cold nearly
            everywhere are alike there, so a sparse map's is high in any case.
        rank_correlation: Spearman's, of the cells' heat, in [-1, 1]; 0 for maps that have nothing
            to do with each other.
        iou: Overlap of the hottest tenths, in [0, 1]; of two random tenths it is 0.05.
    """

    ssim: float
    rank_correlation: float
    iou: float


def similarity(first: np.ndarray, second: np.ndarray) -> Similarity:
    """Compares two maps (h, w), not negative, on the same grid."""
    return Similarity(
        ssim(stretched(first), stretched(second)),
        rank_correlation(first, second),
        hottest_overlap(first, second),
    )


def stretched(values: np.ndarray) -> np.ndarray:
    """A map with its maximum as 1, float32; one without heat as it is."""
    return (values / (values.max() or 1.0)).astype(np.float32)


def ssim(first: np.ndarray, second: np.ndarray) -> float:
    """Mean structural similarity of two images (h, w) in [0, 1].

    Wang et al. 2004, doi:10.1109/TIP.2003.819861, with its Gaussian window; beyond the border the
    images are mirrored.
    """

    def local(image: np.ndarray) -> np.ndarray:
        return cv2.GaussianBlur(image, _WINDOW, _WIDTH, borderType=cv2.BORDER_REFLECT)

    first, second = first.astype(np.float64), second.astype(np.float64)
    mean, other = local(first), local(second)
    variances = local(first**2) - mean**2 + local(second**2) - other**2
    covariance = local(first * second) - mean * other
    brightness = (2 * mean * other + _MEAN_FLOOR) / (mean**2 + other**2 + _MEAN_FLOOR)
    structure = (2 * covariance + _VARIANCE_FLOOR) / (variances + _VARIANCE_FLOOR)
    return float((brightness * structure).mean())


def rank_correlation(first: np.ndarray, second: np.ndarray) -> float:
    """Spearman's rank correlation of two maps' cells; 0 where a map is the same everywhere."""
    return float(rank_correlations([first, second])[0, 1])


def rank_correlations(maps: Sequence[np.ndarray]) -> np.ndarray:
    """Spearman's rank correlation of each two of n maps of one shape, float64 (n, n).

    0 where a map is the same everywhere.
    """
    from scipy.stats import rankdata  # Late, as pages import this module.

    ranks = np.stack([rankdata(values, axis=None) for values in maps])
    varied = np.flatnonzero(np.ptp(ranks, axis=1) > 0)
    found = np.zeros((len(maps), len(maps)))
    if varied.size:
        found[np.ix_(varied, varied)] = np.corrcoef(ranks[varied])
    return found


def hottest(values: np.ndarray, share: float = HOTTEST) -> np.ndarray:
    """Where a map (h, w) is among its hottest cells, bool.

    More than that share where cells are equally hot, less where less of the map has heat at all.
    """
    return (values >= np.quantile(values, 1 - share)) & (values > 0)


def hottest_overlap(first: np.ndarray, second: np.ndarray, share: float = HOTTEST) -> float:
    """Intersection over union of two maps' hottest parts; 0 where neither has heat."""
    return iou(hottest(first, share), hottest(second, share))


def iou(first: np.ndarray, second: np.ndarray) -> float:
    """Intersection over union of two bool masks of one shape; 0 where both are empty."""
    union = (first | second).sum()
    return float((first & second).sum() / union) if union else 0.0
