"""What a classifier is shown of a film: the lung field, or all of it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from xraycore.anatomy.lung_field import LungField, segment_lungs
from xraycore.errors import ArgumentError
from xraycore.imaging.box import Box
from xraycore.imaging.radiograph import Radiograph
from xraycore.imaging.resample import resize

FIELD_NAMES = ("lungs", "film")
WHOLE_FILM = "Without lungs to crop to, the networks see the whole film."


def check_field(view: str) -> str:
    """The view, if there is such a one.

    Raises:
        ArgumentError: If there is not.
    """
    if view not in FIELD_NAMES:
        raise ArgumentError(f"view must be one of {', '.join(FIELD_NAMES)}. Received: {view!r}")
    return view


@dataclass(frozen=True, eq=False)
class ModelInput:
    """The part of a film that a classifier sees, and where the lungs are.

    Attributes:
        box: That part.
        lungs: The film's lung field.
        warnings: What the reader must know of it.
    """

    box: Box
    lungs: LungField
    warnings: tuple[str, ...] = ()

    def lungs_on(self, shape: tuple[int, int]) -> np.ndarray:
        """Share of each cell of a grid over the box that lies in the lungs or their rim.

        Float32 of that shape in [0, 1]; 1 everywhere where no lungs were found.
        """
        if not self.lungs.found:
            return np.ones(shape, np.float32)
        return resize(self.box.crop(self.lungs.with_rim).astype(np.float32), shape)


def crop_inputs(xrays: Sequence[Radiograph], view: str) -> list[ModelInput]:
    """What a classifier with that view sees of films.

    Raises:
        WeightsError: If the lung segmenter's weights are missing or damaged.
    """
    fields = segment_lungs(xrays)
    if view == "film":
        return [ModelInput(Box(), lungs, lungs.warnings) for lungs in fields]
    return [
        ModelInput(lungs.box, lungs, (*lungs.warnings, *(() if lungs.found else (WHOLE_FILM,))))
        for lungs in fields
    ]
