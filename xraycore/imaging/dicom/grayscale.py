"""What a DICOM header says of its values: which bits they are, and how they are to be shown."""

import math
from collections.abc import Callable

import numpy as np

from xraycore.imaging.dicom.attributes import Attributes
from xraycore.imaging.film_warnings import FilmWarning
from xraycore.imaging.grayscale import Display, Table, Window, strips

Rows = Callable[[np.ndarray], np.ndarray]


def read_display(header: Attributes) -> Display:
    """How the header asks to show stored values (PS3.4 N.2); what it cannot mean is left out."""
    slope, intercept = header.number("RescaleSlope"), header.number("RescaleIntercept")
    # One that leaves no difference, or one that no number can hold, cannot be meant.
    if slope == 0 or not math.isfinite((slope or 0) * 2**32 + (intercept or 0)):
        header.unusable["RescaleSlope"] = None
        slope = intercept = None
    modality = next(iter(header.tables("ModalityLUTSequence")), None)
    ways = [*header.tables("VOILUTSequence"), *_windows(header)]
    offered = any(
        header.value(keyword) is not None
        for keyword in ("VOILUTSequence", "WindowCenter", "WindowWidth")
    )
    # MONOCHROME1 and INVERSE say the same thing (PS3.3 C.8.11.3 requires both together), so a file
    # with both is inverted once, not twice.
    inverted = header.code("PhotometricInterpretation") == "MONOCHROME1"
    inverted |= header.code("PresentationLUTShape") == "INVERSE"
    return Display(
        1.0 if slope is None else slope, intercept or 0.0, modality, ways, offered, inverted
    )


def _windows(header: Attributes) -> list[Table | Window]:
    pairs = zip(header.numbers("WindowCenter"), header.numbers("WindowWidth"), strict=False)
    function = header.code("VOILUTFunction").replace(" ", "_") or "LINEAR"
    return [Window(*pair, function) for pair in pairs if np.isfinite(pair).all()]


def read_significant(
    stored: np.ndarray, header: Attributes, *, compressed: bool
) -> tuple[Rows, int, list[FilmWarning]]:
    """What makes values of stored rows, how many bits these have, and what to say of that.

    Bits above the declared ones may hold an overlay, or the film's own values where too few are
    declared. The film is the smoother of the two: values that were cut off jump, and so does an
    overlay that was not.
    """
    word = stored.dtype.itemsize * 8
    bits = header.integer("BitsStored", word)
    bits = bits if 1 <= bits <= word else word
    high = bits - 1 if compressed else header.integer("HighBit", bits - 1)
    if not bits - 1 <= high < word:
        header.unusable["HighBit"] = None
        high = bits - 1
    if stored.dtype.kind == "f":
        return (lambda rows: rows), word, []

    def declared(rows: np.ndarray) -> np.ndarray:
        return np.right_shift(np.left_shift(rows, word - 1 - high), word - bits)

    def whole(rows: np.ndarray) -> np.ndarray:
        return np.right_shift(rows, high + 1 - bits)

    odd = np.concatenate([(declared(rows) != whole(rows)).any(axis=1) for rows in _parts(stored)])
    odd = np.flatnonzero(odd)
    if not len(odd):
        return declared, bits, []
    rows = stored[odd[:: max(1, len(odd) // 256)]]
    if _jumps(whole(rows)) >= _jumps(declared(rows)):
        return declared, bits, []
    ends = [(whole(rows).min(), whole(rows).max()) for rows in _parts(stored)]
    low, highest = min(low for low, _ in ends), max(high for _, high in ends)
    used = max(int(highest).bit_length(), (-1 - int(low)).bit_length() if low < 0 else 0)
    used += int(stored.dtype.kind == "i")
    text = f"The file declares {bits} bits, but its values need {used}: these are shown."
    return whole, used, [FilmWarning("range", text)]


def _parts(stored: np.ndarray) -> list[np.ndarray]:
    return [stored[rows] for rows in strips(len(stored))]


def _jumps(values: np.ndarray) -> int:
    """Sum of the differences between neighbours in a row."""
    return int(np.abs(np.diff(values.astype(np.int64), axis=1)).sum())


def read_padding(stored: np.ndarray, significant: Rows, header: Attributes) -> Rows | None:
    """What tells the pixels that a rectangular image needed but the detector did not fill.

    Some files tell padding as the whole word that is stored, others by its significant bits.
    """
    first = header.number("PixelPaddingValue")
    if first is None or stored.dtype.kind == "f":
        return None
    last = header.number("PixelPaddingRangeLimit")
    # The value's own signedness is often written wrongly; its bit pattern is what counts.
    ends = np.array([first, first if last is None else last]).astype(np.int64).astype(stored.dtype)
    low, high = ends.min(), ends.max()

    def is_padding(rows: np.ndarray) -> np.ndarray:
        values = significant(rows)
        return ((rows >= low) & (rows <= high)) | ((values >= low) & (values <= high))

    return is_padding
