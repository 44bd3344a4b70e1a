"""From a prediction to a heatmap that knows its place on the film and its scale."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import overload

import numpy as np

from xraycore.attribution.registry import get_method
from xraycore.datasets.labels import NORMAL
from xraycore.errors import ArgumentError
from xraycore.imaging.box import Box
from xraycore.imaging.radiograph import Radiograph
from xraycore.models.classifier import Classifier, Prediction
from xraycore.utils.progress import ProgressCallback, ignore, part_of

# What a test of a map says that is zero everywhere: nothing speaks for the class.
BLANK_MAP = "The map has no heat: there is nothing to test."


@dataclass(frozen=True, eq=False)
class Heatmap:
    """Where a model found its evidence for one class.

    Attributes:
        values: Float32 (h, w), raw, never negative, in the method's own units; as many cells as the
            method has, from 5x5 to one a pixel of the network's input.
        target: The class that is explained.
        method: Name of the method.
        model: Name of the model.
        box: The part of the film that `values` covers.
        scale: Raw value that is drawn as full heat. The same for all films of a model and method,
            so that a film with little evidence looks cold; None where the model has no measured
            one, and the map's own maximum is full heat.
        threshold: Raw value below which nothing is coloured: of the normal validation films of
            every source 95 % have less everywhere. None where the model has no measured one.
    """

    values: np.ndarray = field(repr=False)
    target: str
    method: str
    model: str
    box: Box
    scale: float | None = None
    threshold: float | None = None

    @property
    def significant(self) -> bool:
        """Whether any of it is coloured."""
        return bool(self.values.max(initial=0) > (self.threshold or 0))

    def on(self, film: Radiograph | tuple[int, int]) -> np.ndarray:
        """Heat on the film's grid, float32 (H, W) in [0, 1]; zero outside the box.

        What is below the threshold is zero as well, whatever the scale.

        Args:
            film: The film; or the shape of a copy of it, of any size.
        """
        shape = film.pixels.shape if isinstance(film, Radiograph) else film
        full = self.scale or float(self.values.max()) or 1.0
        heat = self.box.spread(np.clip(self.values / np.float32(full), 0, 1), shape)
        if self.threshold is not None:
            heat[self.box.spread(self.values, shape) < self.threshold] = 0
        return heat

    def stretched(self) -> "Heatmap":
        """The same map with its own maximum as full heat: shape without strength."""
        return replace(self, scale=None, threshold=None)


@overload
def explain(
    model: Classifier,
    source: Radiograph | Prediction,
    method: str = "grad_cam",
    target: str | None = None,
    *,
    report: ProgressCallback = ignore,
    **settings: float,
) -> Heatmap: ...


@overload
def explain(
    model: Classifier,
    source: Sequence[Radiograph | Prediction],
    method: str = "grad_cam",
    target: str | None = None,
    *,
    report: ProgressCallback = ignore,
    **settings: float,
) -> list[Heatmap]: ...


def explain(
    model: Classifier,
    source: Radiograph | Prediction | Sequence[Radiograph | Prediction],
    method: str = "grad_cam",
    target: str | None = None,
    *,
    report: ProgressCallback = ignore,
    **settings: float,
) -> Heatmap | list[Heatmap]:
    """The heatmap of a class on a film, or a list of them for a list.

    Args:
        model: The classifier.
        source: A film; or a prediction of this model, which then need not be run again.
        method: Name of a method, see `list_methods`.
        target: Class to explain; where None the predicted one, see `target_of`.
        report: Called with the share that is done; raises `Cancelled` to stop.
        settings: Of the method, by name: how many `maps`, `masks`, `samples`, `steps`, its `seed`.

    Raises:
        ArgumentError: If the method or class is unknown, or the prediction another model's.
        TypeError: If the method has no such setting.
        Cancelled: If `report` did.
    """
    if isinstance(source, Sequence):
        return [
            explain(model, one, method, target, report=part_of(report, i, len(source)), **settings)
            for i, one in enumerate(source)
        ]
    entry = get_method(method)
    if target is not None and target not in model.classes:
        raise ArgumentError(
            f"target must be one of {', '.join(model.classes)}. Received: {target!r}"
        )
    prediction = source if isinstance(source, Prediction) else model.predict(source)
    if prediction.model != model.spec.name:
        raise ArgumentError(
            f"expected a prediction of {model.spec.name}. Received one of {prediction.model}"
        )
    target = target or target_of(prediction, method)
    return Heatmap(
        entry.heatmap(model, prediction, model.classes.index(target), report, **settings),
        target,
        method,
        model.spec.name,
        prediction.box,
        model.card.get("heat_scale", {}).get(method),
        model.card.get("heat_threshold", {}).get(method),
    )


def target_of(prediction: Prediction, method: str) -> str:
    """The class that a map explains where none is named: the predicted one.

    Of a map against other classes never Normal, but then the likeliest other: whether there is
    anything to see is what it is asked.
    """
    probabilities = prediction.probabilities
    if get_method(method).contrast and len(probabilities) > 1:
        probabilities.pop(NORMAL, None)
    return max(probabilities, key=probabilities.__getitem__)
