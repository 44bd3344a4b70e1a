"""Does a heatmap mark what the network goes by? The film is changed where it is hot, and asked.

Three tests, each also of a random map and of a centre prior of the same grid: a map that does no
better says nothing of this film.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Literal, overload

import cv2
import numpy as np

from xraycore.attribution.heatmap import BLANK_MAP, Heatmap
from xraycore.attribution.metrics.baselines import centre_prior, random_map
from xraycore.attribution.metrics.imputation import linear_imputation
from xraycore.errors import ArgumentError
from xraycore.imaging.resample import upsample
from xraycore.models.classifier import Classifier, Prediction, batches
from xraycore.utils.progress import ProgressCallback, ignore, part_of
from xraycore.utils.text import percent

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
        """Area under the curve over its span of shares; the mean score, in units of the score."""
        return float(np.trapezoid(self.scores, self.shares) / np.ptp(self.shares))

    def at(self, share: float) -> float:
        """The score with that share of the pixels changed, linear between the steps."""
        return float(np.interp(share, self.shares, self.scores))


def hottest_first(
    heatmap: np.ndarray, shape: tuple[int, int], random: np.random.Generator
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
    ties = upsample(random_map(heatmap.shape, random), shape)
    return np.lexsort((-ties.ravel(), -upsample(heatmap, shape).ravel()))


def blurred(film: np.ndarray) -> np.ndarray:
    """A film (h, w) without its detail."""
    return cv2.GaussianBlur(film, (0, 0), BLUR * film.shape[0])


def replaced(film: np.ndarray, pixels: np.ndarray, other: np.ndarray) -> np.ndarray:
    """A copy of a film (h, w) with the pixels of those flat indices taken from another."""
    changed = film.copy()
    changed.flat[pixels] = other.flat[pixels]
    return changed


# Sixteen films a curve, two batches, and one step at a fifth of the film.
STEPS = 15
# Shares of the film that ROAD hides, one batch. Its linear systems grow with the share, and the
# last fifth of a film tells little of its hottest part.
ROAD_SHARES = (0.0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8)
# Standard deviation of ROAD's noise, in grey of [0, 1], as in the paper.
ROAD_NOISE = 0.01
# The share that the reading speaks of.
_SPOKEN = 0.2

Score = Literal["probability", "logit"]


@dataclass(frozen=True, eq=False)
class MapCurves:
    """The curves of one map.

    Attributes:
        deletion: The hottest pixels are blurred first; lower is better.
        insertion: The hottest pixels are the first to come back to the blurred film; higher is
            better.
        most_first: ROAD, the hottest pixels imputed first; lower is better.
        least_first: ROAD, the coldest pixels imputed first; higher is better.
    """

    deletion: Curve
    insertion: Curve
    most_first: Curve
    least_first: Curve

    @property
    def road(self) -> float:
        """Mean gap between ROAD's two curves, in units of the score; 0 is chance."""
        return self.least_first.area - self.most_first.area


@dataclass(frozen=True, eq=False)
class Faithfulness:
    """How a class's score follows a heatmap, beside maps that know nothing.

    Attributes:
        target: The class.
        score: What the curves are of: "probability" or "logit".
        heatmap: The curves of the heatmap.
        random: The curves of a random map.
        centre_prior: The curves of a map that is hot in the middle.
        hot: Whether the heatmap has any heat; if not, its curves are of a random order.
    """

    target: str
    score: Score
    heatmap: MapCurves = field(repr=False)
    random: MapCurves = field(repr=False)
    centre_prior: MapCurves = field(repr=False)
    hot: bool = True

    @property
    def reading(self) -> str:
        """What deletion shows, in one sentence."""
        if not self.hot:
            return BLANK_MAP
        before = self.heatmap.deletion.scores[0]
        hottest, random, middle = (
            one.deletion.at(_SPOKEN) for one in (self.heatmap, self.random, self.centre_prior)
        )
        return (
            f"Hiding the {percent(_SPOKEN)} hottest part "
            + _moved(f"the {self.score} of {self.target}", before, hottest, f"from {before:.2f} ")
            + f"; hiding random parts {_moved('it', before, random)}"
            + f", hiding the middle {_moved('it', before, middle)}."
        )


@overload
def measure_faithfulness(
    model: Classifier,
    prediction: Prediction,
    heatmap: Heatmap,
    *,
    score: Score = "probability",
    steps: int = STEPS,
    seed: int = 0,
    report: ProgressCallback = ignore,
) -> Faithfulness: ...


@overload
def measure_faithfulness(
    model: Classifier,
    prediction: Prediction,
    heatmap: Sequence[Heatmap],
    *,
    score: Score = "probability",
    steps: int = STEPS,
    seed: int = 0,
    report: ProgressCallback = ignore,
) -> list[Faithfulness]: ...


def measure_faithfulness(
    model: Classifier,
    prediction: Prediction,
    heatmap: Heatmap | Sequence[Heatmap],
    *,
    score: Score = "probability",
    steps: int = STEPS,
    seed: int = 0,
    report: ProgressCallback = ignore,
) -> Faithfulness | list[Faithfulness]:
    """Deletion, insertion and ROAD of a heatmap, of a random map and of a centre prior.

    A list of them for a list of maps, which then share the random map and the centre prior where
    their grids and classes are the same.

    Deletion and insertion: Petsiuk et al. 2018, arXiv:1806.07421, with the blurred film as what is
    hidden in both; the paper deletes to black, which no film's inside is. ROAD: Rong et al. 2022,
    arXiv:2202.00449, the class's score in place of the accuracy, as this is about one film. All
    are of the network's input. A curve of deletion or insertion takes `steps` + 1 forward passes,
    one of ROAD as many as there are `ROAD_SHARES`; each map has two and two.

    Args:
        model: The classifier that is asked.
        prediction: Its prediction.
        heat: A map of the same part of the film, or several.
        score: The calibrated probability of the map's class, or its logit.
        steps: Equal steps of deletion and insertion.
        seed: Of the random map, the noise, and the order of equally hot pixels.
        report: Called with the share that is done; raises `Cancelled` to stop.

    Raises:
        ArgumentError: If the map's class is none of the model's, or it maps another part of the
            film.
        Cancelled: If `report` did.
    """
    if isinstance(heatmap, Heatmap):
        measures = measure_faithfulness(
            model, prediction, [heatmap], score=score, steps=steps, seed=seed, report=report
        )
        return measures[0]
    for one in heatmap:
        _check(model, prediction, one)
    film, places = prediction.grey[..., 0], {(one.target, one.values.shape) for one in heatmap}
    pieces, begun = len(heatmap) + 2 * len(places), count()

    def curves_of(values: np.ndarray, target: str) -> MapCurves:
        ask = _asker(model, model.classes.index(target), score)
        return _curves(ask, film, values, steps, seed + 1, part_of(report, next(begun), pieces))

    beside = {
        (target, shape): (
            curves_of(random_map(shape, np.random.default_rng(seed)), target),
            curves_of(centre_prior(shape), target),
        )
        for target, shape in sorted(places)
    }
    return [
        Faithfulness(
            one.target,
            score,
            curves_of(one.values, one.target),
            *beside[one.target, one.values.shape],
            hot=bool(one.values.any()),
        )
        for one in heatmap
    ]


def _check(model: Classifier, prediction: Prediction, heatmap: Heatmap) -> None:
    if heatmap.target not in model.classes:
        raise ArgumentError(
            f"target must be one of {', '.join(model.classes)}. Received: {heatmap.target!r}"
        )
    if heatmap.box != prediction.box:
        raise ArgumentError(f"expected a map of {prediction.box}. Received one of {heatmap.box}")


# From films (n, s, s) to the score of each, (n,).
_Ask = Callable[[np.ndarray], np.ndarray]


def _asker(model: Classifier, target: int, score: Score) -> _Ask:
    def ask(films: np.ndarray) -> np.ndarray:
        logits, _ = model.forward(films[..., None].astype(np.float32))
        return (logits if score == "logit" else model.probabilities_of(logits))[:, target]

    return ask


def _curves(
    ask: _Ask,
    film: np.ndarray,
    heatmap: np.ndarray,
    steps: int,
    seed: int,
    report: ProgressCallback,
) -> MapCurves:
    random = np.random.default_rng(seed)
    order, hidden = hottest_first(heatmap, film.shape, random), blurred(film)

    def imputed(pixels: np.ndarray) -> np.ndarray:
        changed = linear_imputation(film, pixels)
        changed.flat[pixels] += ROAD_NOISE * random.standard_normal(len(pixels), np.float32)
        return np.clip(changed, 0.0, 1.0)

    even = np.linspace(0.0, 1.0, steps + 1)
    runs = (
        (even, order, lambda pixels: replaced(film, pixels, hidden)),
        (even, order, lambda pixels: replaced(hidden, pixels, film)),
        (np.array(ROAD_SHARES), order, imputed),
        (np.array(ROAD_SHARES), order[::-1], imputed),
    )
    return MapCurves(
        *(_run(ask, *run, part_of(report, i, len(runs))) for i, run in enumerate(runs))
    )


def _run(
    ask: _Ask,
    shares: np.ndarray,
    order: np.ndarray,
    change: Callable[[np.ndarray], np.ndarray],
    report: ProgressCallback,
) -> Curve:
    """The scores of a film changed at growing shares of its pixels, in that order."""
    counts, scores = np.round(shares * len(order)).astype(int), np.empty(len(shares))
    for part in batches(len(shares), report):
        scores[part] = ask(np.stack([change(order[:count]) for count in counts[part]]))
    return Curve(shares, scores)


def _moved(what: str, before: float, after: float, since: str = "") -> str:
    """In words, what a score does, to the two digits that are shown."""
    if round(before, 2) == round(after, 2):
        return f"leaves {what} at {after:.2f}"
    return f"{'lowers' if after < before else 'raises'} {what} {since}to {after:.2f}"
