"""Bytes of any accepted format to the pixels of a film, and to all that is to be said of them."""

import warnings
from dataclasses import replace

from xraycore.imaging.burnt_text import text_warnings
from xraycore.imaging.decoding import MAX_PIXELS, Decoded
from xraycore.imaging.dicom.header import looks_like_dicom
from xraycore.imaging.dicom.reader import decode_dicom
from xraycore.imaging.film_warnings import BURNED_IN, FilmWarning
from xraycore.imaging.quality import quality_warnings
from xraycore.imaging.raster import decode_raster
from xraycore.imaging.resample import resize

# Within a hundredth a pixel is a square; beyond four, one of the two numbers is no length.
SQUARE, MAX_ASPECT = 0.01, 4.0
UNLIKELY_ASPECT = FilmWarning(
    "attributes",
    "The DICOM file gives its pixels an unlikely shape: they are shown as squares.",
)


def decode(data: bytes, name: str) -> Decoded:
    """The film in a file, told apart by content, its pixels square.

    Raises:
        RadiographError: the file is no film that can be read; see `read_radiograph`.
    """
    reader = decode_dicom if looks_like_dicom(data) else decode_raster
    with warnings.catch_warnings():
        # What Pillow and pydicom warn about is theirs to tell developers, and may quote a patient's
        # name; what matters to the reader of a film is among the result's own warnings.
        warnings.simplefilter("ignore")
        film = _with_square_pixels(reader(data, name))
    found = [*film.warnings, *quality_warnings(film.pixels)]
    if not any(one.code == BURNED_IN for one in found):  # By its header.
        found += text_warnings(film.pixels)
    return replace(film, warnings=found)


def _with_square_pixels(film: Decoded) -> Decoded:
    """The film as it is to be looked at: networks, boxes and rulers all take pixels for squares."""
    aspect = film.pixel_aspect
    if abs(aspect - 1) <= SQUARE:
        return film
    if not 1 / MAX_ASPECT <= aspect <= MAX_ASPECT:
        return replace(film, pixel_aspect=1.0, warnings=[*film.warnings, UNLIKELY_ASPECT])
    height, width = film.pixels.shape
    # The coarser side is drawn out, so that nothing is lost, unless that were too large a film.
    wanted = (height * aspect, width) if aspect > 1 else (height, width / aspect)
    shrink = min(1.0, (MAX_PIXELS / (wanted[0] * wanted[1])) ** 0.5)
    size = (max(1, int(round(wanted[0]) * shrink)), max(1, int(round(wanted[1]) * shrink)))
    facts = dict(film.facts)
    if facts.get("pixel_spacing"):
        side = facts["pixel_spacing"][0] * height / size[0]
        facts["pixel_spacing"] = (side, side)
    return Decoded(resize(film.pixels, size), facts, film.warnings)
