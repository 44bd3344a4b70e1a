"""Does a heatmap stay when the film changes in ways that no reader would see?"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

import cv2
import numpy as np

from xraycore.attribution.heatmap import BLANK_MAP, Heatmap, explain
from xraycore.attribution.metrics.similarity import Similarity, similarity
from xraycore.imaging.encode import encode_jpeg
from xraycore.imaging.resample import upsample
from xraycore.models.classifier import Classifier, Prediction
from xraycore.utils.progress import Progress, ProgressCallback, ignore, part_of

# Rank correlations from which a map is said to stay, and to stay on the whole.
STAYS, STAYS_ON_THE_WHOLE = 0.9, 0.7


def noisy(film: np.ndarray, random: np.random.Generator, deviation: float) -> np.ndarray:
    """A film (h, w) with Gaussian noise, its standard deviation a share of the film's range."""
    noise = random.standard_normal(film.shape, np.float32)
    return np.clip(film + np.float32(deviation * np.ptp(film)) * noise, 0.0, 1.0)


def shifted(
    film: np.ndarray, random: np.random.Generator | None, by: tuple[int, int]
) -> np.ndarray:
    """A film (h, w) moved down and right by that many pixels, its edge repeated."""
    (down, right), (height, width) = by, film.shape
    rows = np.clip(np.arange(height) - down, 0, height - 1)
    columns = np.clip(np.arange(width) - right, 0, width - 1)
    return film[np.ix_(rows, columns)]


def compressed(film: np.ndarray, random: np.random.Generator, quality: int) -> np.ndarray:
    """A film (h, w) in [0, 1] after JPEG compression of that quality, in [0, 100]."""
    grey = np.round(255 * film).astype(np.uint8)
    code = np.frombuffer(encode_jpeg(grey, quality), np.uint8)
    return np.asarray(cv2.imdecode(code, cv2.IMREAD_GRAYSCALE), np.float32) / 255


@dataclass(frozen=True)
class Disturbance:
    """A small change of a film.

    Attributes:
        title: Name to show.
        change: (film (h, w) in [0, 1], random) -> the changed film.
        shift: Pixels of the network's input that it moves the film down and right.
    """

    title: str
    change: Callable[[np.ndarray, np.random.Generator], np.ndarray] = field(repr=False)
    shift: tuple[int, int] = (0, 0)


DISTURBANCES = (
    Disturbance("slight noise", partial(noisy, deviation=0.02)),
    Disturbance("a shift by 4 pixels down and right", partial(shifted, by=(4, 4)), (4, 4)),
    Disturbance("a shift by 4 pixels up and left", partial(shifted, by=(-4, -4)), (-4, -4)),
    Disturbance("JPEG compression", partial(compressed, quality=75)),
)


@dataclass(frozen=True, eq=False)
class Disturbed:
    """A heatmap after a small change of the film.

    Attributes:
        disturbance: What was changed.
        heatmap: The map then; a shift taken back, so that it lies on the film as it was.
        probability: Of the class, then.
        similarity: To the map before, on the network's input, a shift taken back.
    """

    disturbance: Disturbance
    heatmap: Heatmap
    probability: float
    similarity: Similarity


@dataclass(frozen=True, eq=False)
class Robustness:
    """How a heatmap holds under small changes of the film.

    Attributes:
        heatmap: The map of the film as it is.
        probability: Of the class.
        disturbed: One a disturbance.
    """

    heatmap: Heatmap
    probability: float
    disturbed: tuple[Disturbed, ...]

    @property
    def worst(self) -> Disturbed:
        """The disturbance that changes the order of the map's cells most."""
        return min(self.disturbed, key=lambda one: one.similarity.rank_correlation)

    @property
    def reading(self) -> str:
        """How far the map can be relied on, in one sentence."""
        if not self.heatmap.values.any():
            return BLANK_MAP
        worst = self.worst
        least = worst.similarity.rank_correlation
        if least >= STAYS:
            judged = "The map stays as it is under changes too small to see"
        elif least >= STAYS_ON_THE_WHOLE:
            judged = (
                "The map stays on the whole, not in its details, under changes too small to see"
            )
        else:
            judged = "The map changes where a reader sees no change, so do not rely on it"
        return f"{judged}: rank correlation {least:.2f} at worst, after {worst.disturbance.title}."


def measure_robustness(
    model: Classifier,
    prediction: Prediction,
    method: str = "grad_cam",
    target: str | None = None,
    *,
    disturbances: tuple[Disturbance, ...] = DISTURBANCES,
    seed: int = 0,
    report: ProgressCallback = ignore,
    **settings: float,
) -> Robustness:
    """How alike a heatmap stays under small changes of the network's input.

    Repeatability as in Arun et al. 2021, doi:10.1148/ryai.2021200267, on one network. Maps are
    compared without their strengths, and after a shift where both show the film.

    Args:
        model: The classifier.
        prediction: Its prediction.
        method: Name of a method, see `list_methods`.
        target: Class to explain; the predicted one where None.
        disturbances: At least one.
        seed: Of the noise.
        report: Called with the share that is done; raises `Cancelled` to stop.
        settings: Of the method, by name.

    Raises:
        ArgumentError: As `explain` does.
        Cancelled: If `report` did.
    """
    target, film = target or prediction.label, prediction.grey[..., 0]

    def heatmap_of(one: Prediction, index: int) -> Heatmap:
        part = part_of(report, index, len(disturbances) + 1)
        # Of the methods that need no further pass none reports.
        part(Progress(0.0))
        return explain(model, one, method, target, report=part, **settings)

    first, random = heatmap_of(prediction, 0), np.random.default_rng(seed)
    disturbed = []
    for index, disturbance in enumerate(disturbances, 1):
        changed = disturbance.change(film, random)
        again = model.predict_input(prediction, changed[..., None].astype(np.float32))
        heatmap = heatmap_of(again, index)
        alike = similarity(*in_place(first.values, heatmap.values, film.shape, disturbance.shift))
        back = replace(heatmap, values=moved_back(heatmap.values, film.shape, disturbance.shift))
        disturbed.append(Disturbed(disturbance, back, again.probabilities[target], alike))
    report(Progress(1.0))
    return Robustness(first, prediction.probabilities[target], tuple(disturbed))


def moved_back(values: np.ndarray, shape: tuple[int, int], shift: tuple[int, int]) -> np.ndarray:
    """A map of a film (h, w) that was moved down and right, on the film as it was; edges repeated.

    On the film's own grid, as the cells of a coarse one are larger than the shift.
    """
    if shift == (0, 0):
        return values
    return shifted(upsample(values, shape), None, (-shift[0], -shift[1]))


def in_place(
    first: np.ndarray, second: np.ndarray, shape: tuple[int, int], shift: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Two maps on a film's grid, where both show it: the second's film is moved down and right."""
    first, second = upsample(first, shape), upsample(second, shape)
    down, right = shift
    return _cut(first, -down, -right), _cut(second, down, right)


def _cut(values: np.ndarray, top: int, left: int) -> np.ndarray:
    """Without the first rows and columns, or, where negative, without the last."""
    height, width = values.shape
    return values[max(top, 0) : height + min(top, 0), max(left, 0) : width + min(left, 0)]
