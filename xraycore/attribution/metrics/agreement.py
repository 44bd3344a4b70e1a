"""Do heatmaps of one film agree: those of several models, or of several methods?"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from xraycore.attribution.heatmap import Heatmap
from xraycore.attribution.metrics.similarity import HOTTEST, hottest, iou, rank_correlations
from xraycore.errors import ArgumentError
from xraycore.imaging.box import Box
from xraycore.imaging.radiograph import Radiograph
from xraycore.imaging.resample import fitted
from xraycore.utils.text import percent

# Maps are compared on the film's grid, made no finer than this: most are coarser.
_LONGEST_SIDE = 256


@dataclass(frozen=True, eq=False)
class MapAgreement:
    """How far each two of several maps agree.

    Attributes:
        names: Of the maps.
        iou: Float64 (n, n), overlap of their hottest tenths, in [0, 1]; 0.05 by chance.
        rank_correlation: Float64 (n, n), Spearman's, in [-1, 1]; 0 by chance.
    """

    names: tuple[str, ...]
    iou: np.ndarray = field(repr=False)
    rank_correlation: np.ndarray = field(repr=False)

    @property
    def mean_iou(self) -> float:
        """Overlap of the hottest tenths, averaged over the pairs."""
        return float(self.iou[np.triu_indices(len(self.names), 1)].mean())

    @property
    def least_alike(self) -> tuple[str, str]:
        """The two maps whose hottest tenths overlap least."""
        apart = np.where(np.tri(len(self.names), dtype=bool), np.inf, self.iou)
        first, second = np.unravel_index(apart.argmin(), apart.shape)
        return self.names[first], self.names[second]

    @property
    def reading(self) -> str:
        """How far the maps agree, in one sentence."""
        share, (first, second) = percent(self.mean_iou), self.least_alike
        least = percent(self.iou[self.names.index(first), self.names.index(second)])
        tenth = f"hottest {percent(HOTTEST)}"
        if len(self.names) == 2:
            return (
                f"Of the places that {first} or {second} count among their {tenth}, "
                f"{share} are in both."
            )
        return (
            f"Of the places that either of two maps counts among its {tenth}, {share} are in "
            f"both on average; fewest, {least}, of {first} and {second}."
        )


@dataclass(frozen=True, eq=False)
class Consensus:
    """Where several maps of one film have their hottest tenth: drawn like a heatmap.

    Attributes:
        shares: Float32 (H, W) in [0, 1], the share of the maps; a third where one of three is hot.
    """

    shares: np.ndarray = field(repr=False)

    def on(self, shape: tuple[int, int]) -> np.ndarray:
        """The shares on the grid of the film or of a resampled copy, float32 of that shape."""
        return Box().spread(self.shares, shape)


def consensus_map(heatmaps: Mapping[str, Heatmap], radiograph: Radiograph) -> Consensus:
    """Lays the hottest tenths of several maps over each other; a map without heat has none.

    Each is a tenth of what all of the maps cover, as `map_agreement` compares them.

    Args:
        heats: Maps by name.
        xray: The film.

    Raises:
        ArgumentError: If there is no map, or they have no part of the film in common.
    """
    if not heatmaps:
        raise ArgumentError("expected at least one map. Received: none")
    shape = fitted(radiograph.pixels.shape, _LONGEST_SIDE)
    covered = _covered(heatmaps, shape)
    total = np.zeros(shape, np.float32)
    for heatmap in heatmaps.values():
        total[covered] += hottest(heatmap.box.spread(heatmap.values, shape)[covered])
    return Consensus(total / np.float32(len(heatmaps)))


def map_agreement(heatmaps: Mapping[str, Heatmap], radiograph: Radiograph) -> MapAgreement:
    """Compares the maps of one film, each with each, where all of them cover it.

    Args:
        heats: Maps by the name to show: of one method on several models, or of one model's methods.
        xray: The film.

    Raises:
        ArgumentError: If there are fewer than two maps, or they have no part of the film in common.
    """
    if len(heatmaps) < 2:
        raise ArgumentError(
            f"expected at least two maps. Received: {', '.join(heatmaps) or 'none'}"
        )
    shape = fitted(radiograph.pixels.shape, _LONGEST_SIDE)
    covered = _covered(heatmaps, shape)
    maps = [heatmap.box.spread(heatmap.values, shape)[covered] for heatmap in heatmaps.values()]
    marked = [hottest(one) for one in maps]
    return MapAgreement(
        tuple(heatmaps),
        np.array([[iou(one, other) for other in marked] for one in marked]),
        rank_correlations(maps),
    )


def _covered(heatmaps: Mapping[str, Heatmap], shape: tuple[int, int]) -> np.ndarray:
    """Where all of the maps lie, bool of that shape."""
    covered = np.ones(shape, bool)
    for heatmap in heatmaps.values():
        covered &= heatmap.box.spread(np.ones((1, 1), np.float32), shape) > 0
    if not covered.any():
        raise ArgumentError("expected maps of a common part of the film. Received: maps apart")
    return covered
