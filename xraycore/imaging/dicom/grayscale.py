"""The DICOM grey-scale pipeline: stored value to shown grey (PS3.4 N.2), through pydicom."""

import copy

import numpy as np
from pydicom.dataset import Dataset
from pydicom.pixels import apply_modality_lut, apply_voi, apply_windowing

from xraycore.errors import ArgumentError

UNUSABLE_WINDOW = (
    "The display window in the DICOM file cannot be used, so the full range of its values is "
    "shown; contrast may differ from the film the radiographer saw."
)


# What pydicom's functions look at.
PIPELINE = (
    "PhotometricInterpretation",
    "BitsStored",
    "PixelRepresentation",
    "RescaleSlope",
    "RescaleIntercept",
    "WindowCenter",
    "WindowWidth",
    "VOILUTFunction",
)


def display_levels(stored: np.ndarray, dataset: Dataset) -> tuple[np.ndarray, list[str]]:
    """Grey in [0, 1] with air dark for each integer of `stored`, and what to warn about.

    Raises:
        ArgumentError: the modality transform yields no finite values.
    """
    values = apply_modality_lut(stored, _with_wide_tables(dataset)).astype(np.float64)
    if not np.isfinite(values).all():
        raise ArgumentError("a rescale slope or intercept that is no number")
    shown, warnings = None, []
    if dataset.get("VOILUTSequence") or _has_window(dataset):
        shown = _voi(values, dataset)
        if shown is None or (np.ptp(shown) == 0 and np.ptp(values) > 0):
            shown, warnings = None, [UNUSABLE_WINDOW]
    if shown is None:
        shown = (values - values.min()) / max(np.ptp(values), np.finfo(np.float64).tiny)
    return (1 - shown if _is_inverted(dataset) else shown), warnings


def _is_inverted(dataset: Dataset) -> bool:
    """Whether high values are dark.

    MONOCHROME1 and Presentation LUT Shape INVERSE say the same thing (PS3.3 C.8.11.3 requires both
    together), so a file with both is inverted once, not twice.
    """
    shape = str(dataset.get("PresentationLUTShape") or "").strip()
    return dataset.PhotometricInterpretation == "MONOCHROME1" or shape == "INVERSE"


def _has_window(dataset: Dataset) -> bool:
    return all(
        dataset.get(keyword) not in (None, "") for keyword in ("WindowCenter", "WindowWidth")
    )


def _with_wide_tables(dataset: Dataset) -> Dataset:
    """The elements of the pipeline, with look-up tables that claim 16-bit entries.

    pydicom indexes a table in the type of its *entries*, so 4096 entries of 8 bits wrap around, and
    depths such as 9 or 12 are refused. The true depth is needed only to scale the result.
    """
    widened = Dataset()
    widened.file_meta = dataset.file_meta
    for keyword in PIPELINE:
        if keyword in dataset:
            widened[keyword] = dataset[keyword]
    for keyword in ("ModalityLUTSequence", "VOILUTSequence"):
        if dataset.get(keyword):
            item = copy.deepcopy(dataset[keyword].value[0])
            item.LUTDescriptor = [*list(item.LUTDescriptor)[:2], 16]
            setattr(widened, keyword, [item])
    return widened


def _voi(values: np.ndarray, dataset: Dataset) -> np.ndarray | None:
    """`values` through the VOI LUT or else the first window, scaled to [0, 1]; None if unusable."""
    try:
        if dataset.get("VOILUTSequence"):
            return _table(values, dataset)
        dataset = _with_wide_tables(dataset)
        # The greys far below and far above the window are the ends of pydicom's output range,
        # whichever way bits stored, sign and rescale have shifted it.
        with np.errstate(over="ignore"):
            black, white = apply_windowing(np.array([-np.inf, np.inf]), dataset)
            shown = (apply_windowing(values, dataset) - black) / (white - black)
    except (ValueError, TypeError, NotImplementedError, ZeroDivisionError):
        return None
    return np.clip(shown, 0, 1) if np.isfinite(shown).all() else None


def _table(values: np.ndarray, dataset: Dataset) -> np.ndarray:
    entries, first, bits = (int(value) for value in dataset.VOILUTSequence[0].LUTDescriptor)
    inputs = np.clip(np.rint(values), first, first + (entries or 2**16) - 1).astype(np.int64)
    output = apply_voi(inputs, _with_wide_tables(dataset))
    bits = max(bits, int(output.max()).bit_length())
    return output / (2.0**bits - 1)
