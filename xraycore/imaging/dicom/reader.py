"""DICOM bytes to grey pixels, through pydicom, keeping nothing that identifies a patient."""

import math
import re
from typing import Any

import numpy as np
from pydicom.dataset import Dataset
from pydicom.encaps import get_frame
from pydicom.pixels import pixel_array
from pydicom.uid import RLELossless, UID_dictionary

from xraycore.errors import ArgumentError, RadiographError
from xraycore.imaging.decoding import Decoded, check_size
from xraycore.imaging.dicom.codestream import codestream_size
from xraycore.imaging.dicom.grayscale import display_levels
from xraycore.imaging.dicom.header import read_dataset_without_identity

# PS3.3 C.7.3.1.1.1: computed radiography, digital radiography, digitised film.
PROJECTION_MODALITIES = ("CR", "DX", "RG")
# "Other" is what Secondary Capture files of scanned or exported films carry.
UNCERTAIN_MODALITIES = ("OT", "")
# The defined terms of View Position for the chest; free text might hold anything.
VIEW_POSITIONS = ("AP", "PA", "LL", "RL", "RLD", "LLD", "RLO", "LLO")

EXPECTED = "a DICOM chest radiograph"


def decode_dicom(data: bytes, name: str) -> Decoded:
    """Grey pixels of a single-frame CR, DX, RG or secondary-capture DICOM file.

    Stored values pass the modality LUT or rescale, then the VOI LUT or first window; without one,
    the range from the lowest to the highest value is shown. Pixel padding becomes 0 and takes no
    part in that range.

    Raises:
        RadiographError: no pixels, no monochrome projection radiograph, several frames, too large,
            damaged or cut short.
    """
    try:
        dataset = read_dataset_without_identity(data)
        modality = _check_header(dataset, name)
        _check_encapsulated_size(dataset, name)
        # The words as they are: pydicom would drop the bits above the stored ones, wherever
        # HighBit says that these begin, and padding may be told in them.
        stored = pixel_array(dataset, index=0, correct_unused_bits=False)
        pixels, warnings = _grey(stored, dataset)
    except (MemoryError, RadiographError):
        raise
    except Exception as error:
        raise RadiographError.of(
            name, expected=f"{EXPECTED} that can be decoded", received=f"damaged data ({error})"
        ) from error
    if modality in UNCERTAIN_MODALITIES:
        kind = "“other” (OT)" if modality else "missing"
        warnings.append(f"The modality in the DICOM file is {kind}: it may not be a radiograph.")
    return Decoded(pixels, _facts(dataset, modality), warnings)


def _check_header(dataset: Dataset, name: str) -> str:
    """The modality of a file that says it is one monochrome projection radiograph."""
    if "PixelData" not in dataset:
        received = f"one without pixels ({_kind_of_object(dataset)})"
        raise RadiographError.of(name, expected=EXPECTED, received=received)
    modality = _code(dataset, "Modality")
    if modality not in PROJECTION_MODALITIES + UNCERTAIN_MODALITIES:
        expected = f"a projection radiograph (modality {', '.join(PROJECTION_MODALITIES)})"
        raise RadiographError.of(name, expected=expected, received=f"modality {modality}")
    photometric = _code(dataset, "PhotometricInterpretation")
    if photometric not in ("MONOCHROME1", "MONOCHROME2"):
        raise RadiographError.of(
            name,
            expected="grey pixels (MONOCHROME1 or MONOCHROME2)",
            received=photometric or "no photometric interpretation",
        )
    frames = int(dataset.get("NumberOfFrames") or 1)
    if frames != 1:
        raise RadiographError.of(name, expected="one frame", received=f"{frames} frames")
    check_size(name, int(dataset.get("Columns") or 0), int(dataset.get("Rows") or 0))
    bits = int(dataset.get("BitsStored") or 0)
    if not 1 <= bits <= 16:
        raise RadiographError.of(name, expected="1 to 16 bits a pixel", received=f"{bits} bits")
    return modality


def _kind_of_object(dataset: Dataset) -> str:
    uid = dataset.get("SOPClassUID") or dataset.file_meta.get("MediaStorageSOPClassUID")
    return UID_dictionary[uid][0] if uid in UID_dictionary else "of unknown kind"


def _code(dataset: Dataset, keyword: str) -> str:
    """A code string, empty if missing; anything but a code may be a name and is not repeated."""
    value = str(dataset.get(keyword) or "").strip()
    return value if re.fullmatch(r"[A-Z0-9_]{0,16}", value) else "that is no DICOM code"


def _check_encapsulated_size(dataset: Dataset, name: str) -> None:
    """Refuse compressed pixels whose own header promises another size than the file's."""
    if not dataset.file_meta.TransferSyntaxUID.is_encapsulated:
        return
    frame = get_frame(dataset.PixelData, 0, number_of_frames=1)
    columns, rows = int(dataset.Columns), int(dataset.Rows)
    size = codestream_size(frame)
    if size not in (None, (columns, rows)):
        expected, received = f"{columns} x {rows} compressed pixels", f"{size[0]} x {size[1]}"
        raise RadiographError.of(name, expected=expected, received=received)
    if dataset.file_meta.TransferSyntaxUID == RLELossless:
        # Run-length coding adds at most one byte in 128, beside a 64-byte header.
        raw = columns * rows * math.ceil(int(dataset.BitsAllocated) / 8)
        if len(frame) > raw + raw // 64 + rows * 8 + 128:
            received = f"{len(frame)} bytes for {raw} bytes of pixels"
            raise RadiographError.of(name, expected="run-length coding", received=received)


def _grey(stored: np.ndarray, dataset: Dataset) -> tuple[np.ndarray, list[str]]:
    """Pixels in [0, 1] with air dark, and what to warn about, from stored values."""
    if stored.ndim != 2:
        raise ArgumentError(f"pixels of shape {stored.shape}")
    values = _significant(stored, dataset)
    padded = _padding(stored, values, dataset)
    kept = values if padded is None else values[~padded]
    if kept.size == 0:
        return np.zeros(stored.shape, dtype=np.float32), []
    # All that follows maps a value to a grey, so it is done once a value instead of once a pixel.
    low, high = int(kept.min()), int(kept.max())
    levels, warnings = display_levels(np.arange(low, high + 1), dataset)
    offsets = np.clip(values, low, high).astype(np.int32) - low
    pixels = levels.astype(np.float32)[offsets]
    if padded is not None:
        pixels[padded] = 0
    return pixels, warnings


def _padding(stored: np.ndarray, values: np.ndarray, dataset: Dataset) -> np.ndarray | None:
    """Mask of the pixels that a rectangular image needed but the detector did not fill.

    Some files tell padding as the whole word that is stored, others by its significant bits.
    """
    first = dataset.get("PixelPaddingValue")
    if first is None:
        return None
    last = dataset.get("PixelPaddingRangeLimit")
    # The value's own signedness is often written wrongly; its bit pattern is what counts.
    ends = np.array([first, first if last is None else last]).astype(stored.dtype)
    low, high = ends.min(), ends.max()
    return ((stored >= low) & (stored <= high)) | ((values >= low) & (values <= high))


def _significant(stored: np.ndarray, dataset: Dataset) -> np.ndarray:
    """Values without the bits above or below the stored ones, sign kept."""
    bits = int(dataset.BitsStored)
    high_bit = bits - 1
    if not dataset.file_meta.TransferSyntaxUID.is_encapsulated:
        high_bit = int(dataset.get("HighBit") or high_bit)
    above = stored.itemsize * 8 - 1 - high_bit
    if above < 0 or high_bit < bits - 1:
        raise ArgumentError(f"{bits} bits up to bit {high_bit} in {stored.itemsize * 8}")
    return np.right_shift(np.left_shift(stored, above), stored.itemsize * 8 - bits)


def _facts(dataset: Dataset, modality: str) -> dict[str, Any]:
    view = _code(dataset, "ViewPosition")
    # The same in both attributes is the detector's, uncalibrated (PS3.3, 10.7.1.3).
    pixel, detector = (_spacing(dataset, f"{of}PixelSpacing") for of in ("", "Imager"))
    return {
        "format": "DICOM",
        "bit_depth": int(dataset.BitsStored),
        "modality": modality or None,
        "photometric_interpretation": _code(dataset, "PhotometricInterpretation"),
        "view_position": view if view in VIEW_POSITIONS else None,
        "pixel_spacing": pixel or detector,
        "spacing_on_patient": pixel not in (None, detector),
    }


def _spacing(dataset: Dataset, keyword: str) -> tuple[float, float] | None:
    try:
        row, column = (float(value) for value in dataset.get(keyword))
    except (TypeError, ValueError):
        return None
    usable = all(math.isfinite(value) and value > 0 for value in (row, column))
    return (row, column) if usable else None
