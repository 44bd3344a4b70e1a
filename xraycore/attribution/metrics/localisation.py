"""Does a heatmap find what a person drew? Maps against masks, beside maps that know nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.metrics import average_precision_score

from xraycore.attribution.counterfactual import excess_brightness
from xraycore.attribution.metrics.baselines import centre_prior
from xraycore.attribution.metrics.similarity import iou
from xraycore.metrics.intervals import mean_share

# Thresholds of a map, as shares of its own maximum.
THRESHOLDS = np.round(np.linspace(0.05, 0.95, 19), 2)


@dataclass(frozen=True)
class MapComparison:
    """How one map lies to one mask.

    Attributes:
        hit: Whether its hottest point lies in the mask: 0 or 1, or a share where several points
            are equally hot.
        energy_in_mask: Share of its heat in the mask.
        energy_in_lungs: Share of its heat in the lungs.
        auprc: Average precision of the pixels as guesses of the mask.
        ious: Overlap with the mask at each of `THRESHOLDS`, (19,).
        coloured_iou: Overlap of what is coloured, at the model's own threshold of heat; None where
            it has none.
        coloured_energy: Share of the heat that is coloured in the mask; likewise.
    """

    hit: float
    energy_in_mask: float
    energy_in_lungs: float
    auprc: float
    ious: np.ndarray
    coloured_iou: float | None = None
    coloured_energy: float | None = None


def compare_map(
    heatmap: np.ndarray, mask: np.ndarray, lungs: np.ndarray, threshold: float | None = None
) -> MapComparison:
    """Compares a map with a mask.

    The pointing game (Zhang et al. 2016, arXiv:1608.00507) without its tolerance of 15 pixels. A
    map without heat points everywhere alike and puts no energy anywhere.

    Args:
        heat: Float (h, w), not negative.
        mask: Bool (h, w), the finding; some of it is true.
        lungs: Bool (h, w).
        threshold: From which raw value on heat is coloured; None where no one measured it.
    """
    top, total = heatmap.max(), heatmap.sum()
    shares = [float(heatmap[where].sum() / total) if total > 0 else 0.0 for where in (mask, lungs)]
    return MapComparison(
        hit=pointing_game(heatmap, mask),
        energy_in_mask=shares[0],
        energy_in_lungs=shares[1],
        auprc=float(average_precision_score(mask.ravel(), heatmap.ravel())),
        ious=np.array([iou(heatmap >= share * top, mask) for share in THRESHOLDS])
        if total > 0
        else np.zeros(len(THRESHOLDS)),
        **_compare_coloured(heatmap, mask, threshold),
    )


def _compare_coloured(
    heatmap: np.ndarray, mask: np.ndarray, threshold: float | None
) -> dict[str, float | None]:
    if threshold is None:
        return {}
    coloured = (heatmap >= threshold) & (heatmap > 0)
    total = float(heatmap[coloured].sum())
    inside = float(heatmap[coloured & mask].sum())
    return {
        "coloured_iou": iou(coloured, mask),
        "coloured_energy": inside / total if total > 0 else 0.0,
    }


def pointing_game(heatmap: np.ndarray, mask: np.ndarray) -> float:
    """The share of a map's (h, w) hottest points, mostly one, that lies in a mask: 0 to 1."""
    return float(mask[heatmap == heatmap.max()].mean())


def baselines(film: np.ndarray, lungs: np.ndarray) -> dict[str, np.ndarray]:
    """Maps (h, w) that know no network: nothing of the film, its lungs, or where those are bright.

    A map that is the same everywhere points at random.

    Args:
        film: Float32 (h, w) in [0, 1].
        lungs: Bool (h, w).
    """
    return {
        "centre prior": centre_prior(lungs.shape),
        "random point": np.ones(lungs.shape),
        "random point in the lungs": lungs.astype(float),
        "brightness in the lungs": excess_brightness(film, lungs),
    }


def summarise(found: Sequence[MapComparison], names: Sequence[str], selection: np.ndarray) -> dict:
    """Mean scores over films with 95 % intervals.

    The threshold of the overlap is chosen on one half of the films and judged on the other.

    Args:
        found: One a film.
        names: Of the films, for the resampling.
        selection: Bool (n,), the half that the threshold is chosen on.
    """
    ious = np.stack([one.ious for one in found])
    best = int(ious[selection].mean(axis=0).argmax())
    judged = [name for name, chosen in zip(names, selection, strict=True) if not chosen]
    return {
        **{
            key: mean_share(np.array([getattr(one, key) for one in found]), names)
            for key in ("hit", "energy_in_mask", "energy_in_lungs", "auprc")
        },
        **{
            key: mean_share(np.array([getattr(one, key) for one in found], float), names)
            for key in ("coloured_iou", "coloured_energy")
            if all(getattr(one, key) is not None for one in found)
        },
        "iou": mean_share(ious[~selection, best], judged),
        "threshold": float(THRESHOLDS[best]),
    }


def best_of(rows: Mapping[str, Mapping[str, dict]]) -> tuple[str, str]:
    """The model and the method with the highest hit rate."""
    pairs = [(model, method) for model, methods in rows.items() for method in methods]
    return max(pairs, key=lambda pair: rows[pair[0]][pair[1]]["hit"]["value"])
