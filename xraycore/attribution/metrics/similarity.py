"""How alike two heatmaps are: maths on arrays of one shape."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

# The share of a map that counts as its hottest part.
HOTTEST = 0.1


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
    from skimage.metrics import structural_similarity  # Late, as pages import this module.

    # A window of 1 crops nothing at the border; the Gaussian's own is 11 wide.
    return float(
        structural_similarity(
            *(image.astype(np.float64) for image in (first, second)),
            data_range=1.0,
            win_size=1,
            gaussian_weights=True,
            use_sample_covariance=False,
        )
    )


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
    overlaps = np.zeros((len(maps), len(maps)))
    if varied.size:
        overlaps[np.ix_(varied, varied)] = np.corrcoef(ranks[varied])
    return overlaps


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
