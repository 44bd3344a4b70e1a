"""What a classifier is shown of a film: the lung field, or all of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from xraycore.anatomy.lung_field import LungField, segment_lungs
from xraycore.errors import ArgumentError
from xraycore.imaging.box import Box
from xraycore.imaging.film_warnings import FilmWarning
from xraycore.imaging.radiograph import Radiograph
from xraycore.imaging.resample import resize

FIELDS_OF_VIEW = ("lungs", "film")
WHOLE_FILM = FilmWarning("whole-film", "Without lungs to crop to, the networks see the whole film.")


def check_field_of_view(view: str) -> str:
    """The view, if there is such a one.

    Raises:
        ArgumentError: If there is not.
    """
    if view not in FIELDS_OF_VIEW:
        raise ArgumentError(f"view must be one of {', '.join(FIELDS_OF_VIEW)}. Received: {view!r}")
    return view


@dataclass(frozen=True, eq=False)
class ModelInput:
    """What a classifier sees of a film, and where the lungs are: all that it needs of the film.

    Attributes:
        grey: Float32 (s, s, 1) in [0, 1], read-only: the box, squashed to a square.
        box: The part of the film that is seen.
        lungs: The film's lung field.
        warnings: What the reader must know of the film.
    """

    grey: np.ndarray = field(repr=False)
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


def crop_inputs(
    radiographs: Sequence[Radiograph],
    view: str,
    size: int,
    lungs: Sequence[LungField] | None = None,
) -> list[ModelInput]:
    """What classifiers with that view and input size see of films.

    Args:
        xrays: The films.
        view: "lungs" or "film".
        size: Height and width of the input.
        lungs: The films' lung fields, where they are known.

    Raises:
        WeightsError: If the lung segmenter's weights are missing or damaged.
    """
    inputs = []
    for radiograph, lung_field in zip(
        radiographs, lungs or segment_lungs(radiographs), strict=True
    ):
        box = lung_field.box if view == "lungs" else Box()
        whole = () if view == "film" or lung_field.found else (WHOLE_FILM,)
        warnings = (*radiograph.warnings, *lung_field.warnings, *whole)
        inputs.append(ModelInput(crop_and_resize(radiograph, box, size), box, lung_field, warnings))
    return inputs


def crop_and_resize(radiograph: Radiograph, box: Box, size: int) -> np.ndarray:
    """A part of a film squashed to a square, float32 (size, size, 1) in [0, 1], read-only."""
    grey = resize(box.crop(radiograph.pixels), (size, size))[..., None]
    grey.setflags(write=False)
    return grey
