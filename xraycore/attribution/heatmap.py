"""From a prediction to a heatmap that knows its place on the film and its scale."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import overload

import numpy as np

from xraycore.attribution.registry import get_method
from xraycore.errors import ArgumentError
from xraycore.imaging.box import Box
from xraycore.imaging.radiograph import Radiograph
from xraycore.models.classifier import Classifier, Prediction
from xraycore.utils.progress import ProgressCallback, ignore, part_of

# What a test of a map says that is zero everywhere: nothing speaks for the class.
NO_HEAT = "The map has no heat: there is nothing to test."


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
    """

    values: np.ndarray = field(repr=False)
    target: str
    method: str
    model: str
    box: Box
    scale: float | None = None

    def on(self, film: Radiograph | tuple[int, int]) -> np.ndarray:
        """Heat on the film's grid, float32 (H, W) in [0, 1]; zero outside the box.

        Args:
            film: The film; or the shape of a copy of it, of any size.
        """
        shape = film.pixels.shape if isinstance(film, Radiograph) else film
        full = self.scale or float(self.values.max()) or 1.0
        return self.box.spread(np.clip(self.values / np.float32(full), 0, 1), shape)

    def stretched(self) -> "Heatmap":
        """The same map with its own maximum as full heat: shape without strength."""
        return replace(self, scale=None)


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
        target: Class to explain; the predicted one where None.
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
    target = target or prediction.label
    return Heatmap(
        entry.heatmap(model, prediction, model.classes.index(target), report, **settings),
        target,
        method,
        model.spec.name,
        prediction.box,
        model.card.get("heat_scale", {}).get(method),
    )
