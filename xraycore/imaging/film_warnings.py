"""What makes a reading of a film doubtful: sentences for its reader, each with a stable code."""

from collections.abc import Iterable
from typing import Self

# What each code says of a film. Codes are promised to programs; sentences may change.
CODES = {
    "small": "fewer than 128 pixels a side",
    "elongated": "more than twice as long as wide",
    "blank": "hardly any difference between its greys",
    "black": "much of it pure black",
    "white": "much of it pure white",
    "coloured": "part of it is coloured and was turned to grey",
    "range": "values beyond or far below what the file declares, or a few that stand far out",
    "window": "a display window or table that cannot be used: the full range is shown",
    "attributes": "entries of the DICOM file that cannot be understood were left out",
    "modality": "a modality that does not say that it is a radiograph",
    "lateral": "the DICOM file says it is a lateral view",
    "oblique": "the DICOM file says it is an oblique view",
    "projection": "the DICOM file names a projection that no network was trained on",
    "orientation": "the DICOM file says it is stored mirrored, upside down or on its side",
    "raw": "data for processing, not for looking at",
    "body-part": "the DICOM file names a body part that is no chest",
    "age": "a patient of an age that no network was trained on",
    "pages": "smaller pages beside the film were left out",
    "no-lungs": "no lungs were found",
    "unlike": "unlike the frontal chest films that the networks know",
    "whole-film": "the network saw the whole film, not its crop to the lungs",
    "other-lungs": "the network was trained with lungs found in another way",
    "own-model": "the network or its card is none that comes with xraycore",
    "burned-in": "text is burnt into the film, by its DICOM header or as it looks: it may name the "
    "patient",
}
BURNED_IN = "burned-in"
# They do not make the film unlike those that a network was tested on.
NO_DOUBT = frozenset({"own-model", BURNED_IN})


class FilmWarning(str):
    """A sentence about a film, with the `code` (a key of `CODES`) that stands for its kind."""

    code: str

    def __new__(cls, code: str, text: str) -> Self:
        """The sentence; KeyError if nobody promised the code."""
        warning = super().__new__(cls, text)
        warning.code = code if CODES[code] else ""
        return warning

    def __reduce__(self) -> tuple:
        return FilmWarning, (self.code, str(self))


def warning_codes(warnings: Iterable[str]) -> list[str]:
    """The code of each warning, "other" for a sentence that has none."""
    return [getattr(warning, "code", "other") for warning in warnings]
