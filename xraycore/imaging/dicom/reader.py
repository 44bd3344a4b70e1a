"""DICOM bytes to grey pixels, through pydicom, keeping nothing that identifies a patient."""

import hashlib
import math
import re
from typing import Any

import numpy as np
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate, get_frame
from pydicom.pixels import apply_color_lut, pixel_array
from pydicom.uid import RLELossless, UID_dictionary

from xraycore.errors import RadiographError, reason_of
from xraycore.imaging.decoding import Decoded, check_size
from xraycore.imaging.dicom.attributes import Attributes
from xraycore.imaging.dicom.codestream import Codestream, read_codestream, repair_jpeg
from xraycore.imaging.dicom.grayscale import read_display, read_padding, read_significant
from xraycore.imaging.dicom.header import read_dataset_without_identity
from xraycore.imaging.dicom.statements import OTHER_MODALITIES, PROJECTION_MODALITIES, statements
from xraycore.imaging.film_warnings import FilmWarning
from xraycore.imaging.grayscale import full_scale, luminance, show, strips
from xraycore.imaging.quality import colour_warning, count_coloured

# The defined terms of View Position for the chest; free text might hold anything.
VIEW_POSITIONS = ("AP", "PA", "LL", "RL", "RLD", "LLD", "RLO", "LLO")
GREY, PALETTE = ("MONOCHROME1", "MONOCHROME2"), "PALETTE COLOR"
COLOUR = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT")
RETIRED = ("HSV", "ARGB", "CMYK", "YBR_PARTIAL_422", "YBR_PARTIAL_420", "XYB")
PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")

# Signs of a device's name that are kept.
MOST_DEVICE = 60
EXPECTED = "a DICOM chest radiograph"


def decode_dicom(data: bytes, name: str) -> Decoded:
    """Grey pixels of a single-frame projection radiograph or secondary capture.

    Stored values pass the modality LUT or rescale, then the VOI LUT or first window that can be
    used; without one, the range from the lowest to the highest value is shown. Pixel padding
    becomes 0 and takes no part in that range. Colours become luminance. Optional attributes that
    cannot be understood are left out with a warning.

    Raises:
        RadiographError: no pixels, another modality, several frames, too large, damaged, cut short.
    """
    try:
        header = Attributes(read_dataset_without_identity(data))
        _check(header, name)
        frame = _frame(header, name)
        pixels, bits, warnings = _grey(frame, header, name)
        facts, aspect = _facts(header, bits)
        warnings = [*statements(header), *warnings, *header.warnings()]
    except (MemoryError, RadiographError):
        raise
    except Exception as error:
        raise RadiographError.of(
            name,
            expected=f"{EXPECTED} that can be decoded",
            received=f"damaged data ({reason_of(name, error)})",
        ) from error
    return Decoded(pixels, facts, warnings, aspect)


def _check(header: Attributes, name: str) -> None:
    """Refuse what says that it is not one projection radiograph of an accepted size."""
    if not any(keyword in header.dataset for keyword in PIXELS):
        received = f"one without pixels ({_kind_of_object(header.dataset)})"
        raise RadiographError.of(name, expected=EXPECTED, received=received)
    modality = header.code("Modality")
    if modality in OTHER_MODALITIES:
        expected = f"a projection radiograph (modality {', '.join(PROJECTION_MODALITIES)})"
        raise RadiographError.of(name, expected=expected, received=f"modality {modality}")
    photometric = header.code("PhotometricInterpretation")
    if photometric in RETIRED:
        expected = f"grey pixels or {', '.join(COLOUR[:2])} or {PALETTE}"
        raise RadiographError.of(name, expected=expected, received=f"{photometric} pixels")
    frames = header.integer("NumberOfFrames", 1)
    if frames > 1:
        raise RadiographError.of(name, expected="one frame", received=f"{frames} frames")
    check_size(name, header.integer("Columns"), header.integer("Rows"))
    bits = header.integer("BitsAllocated")
    if bits not in (1, 8, 16, 32, 64):
        received = f"{bits} bits" if bits else "no number of bits"
        raise RadiographError.of(name, expected="8 to 64 bits a pixel", received=received)


def _kind_of_object(dataset: Dataset) -> str:
    uid = dataset.get("SOPClassUID") or dataset.file_meta.get("MediaStorageSOPClassUID")
    return UID_dictionary[uid][0] if uid in UID_dictionary else "of unknown kind"


def _frame(header: Attributes, name: str) -> Dataset:
    """A data set of the pixels and no more than pydicom needs to decode them, made consistent."""
    dataset = header.dataset
    frame = Dataset()
    frame.file_meta = dataset.file_meta
    frame.Rows, frame.Columns = header.integer("Rows"), header.integer("Columns")
    frame.BitsAllocated = frame.BitsStored = header.integer("BitsAllocated")
    frame.SamplesPerPixel = 3 if header.integer("SamplesPerPixel", 1) == 3 else 1
    frame.PixelRepresentation = int(header.integer("PixelRepresentation") == 1)
    keyword = next(keyword for keyword in PIXELS if keyword in dataset)
    pixels = dataset[keyword].value
    compressed = dataset.file_meta.TransferSyntaxUID.is_encapsulated
    if compressed:
        pixels = get_frame(pixels, 0, number_of_frames=1)
        _adopt(frame, read_codestream(pixels), name)
        _check_run_lengths(frame, pixels, name)
        pixels = encapsulate([repair_jpeg(pixels)])
    setattr(frame, keyword, pixels)
    if keyword == "PixelData":
        frame[keyword].VR = "OB" if compressed or frame.BitsAllocated <= 8 else "OW"
        frame[keyword].is_undefined_length = compressed
    frame.HighBit = frame.BitsStored - 1
    frame.PhotometricInterpretation = _photometric(header, frame.SamplesPerPixel)
    if frame.SamplesPerPixel == 3:
        frame.PlanarConfiguration = int(header.integer("PlanarConfiguration") == 1)
    return frame


def _adopt(frame: Dataset, stream: Codestream | None, name: str) -> None:
    """What a stream says of its samples, since it is what will be decoded; not another size."""
    if stream is None:
        return
    if (stream.width, stream.height) != (frame.Columns, frame.Rows):
        expected = f"{frame.Columns} x {frame.Rows} compressed pixels"
        raise RadiographError.of(
            name, expected=expected, received=f"{stream.width} x {stream.height}"
        )
    frame.BitsAllocated, frame.BitsStored = 8 if stream.bits <= 8 else 16, stream.bits
    frame.SamplesPerPixel = 3 if stream.samples == 3 else 1


def _check_run_lengths(frame: Dataset, runs: bytes, name: str) -> None:
    if frame.file_meta.TransferSyntaxUID == RLELossless:
        # Run-length coding adds at most one byte in 128, beside a 64-byte header.
        raw = (
            frame.Columns * frame.Rows * frame.SamplesPerPixel * math.ceil(frame.BitsAllocated / 8)
        )
        if len(runs) > raw + raw // 64 + frame.Rows * 8 + 128:
            received = f"{len(runs)} bytes for {raw} bytes of pixels"
            raise RadiographError.of(name, expected="run-length coding", received=received)


def _photometric(header: Attributes, samples: int) -> str:
    """The interpretation that fits the number of samples; a missing one is that of most films."""
    interpretation = header.code("PhotometricInterpretation").replace("PALETTE_", "PALETTE ")
    fitting = COLOUR if samples == 3 else (*GREY, PALETTE)
    if interpretation not in fitting:
        header.unusable["PhotometricInterpretation"] = None
        compressed = header.dataset.file_meta.TransferSyntaxUID.is_encapsulated
        return "MONOCHROME2" if samples == 1 else "YBR_FULL_422" if compressed else "RGB"
    return interpretation


def _grey(
    frame: Dataset, header: Attributes, name: str
) -> tuple[np.ndarray, int, list[FilmWarning]]:
    """Pixels in [0, 1] with air dark, the bits that their values need, and what to warn about."""
    # The words as they are: pydicom would drop the bits above the stored ones, wherever HighBit
    # says that these begin, and padding may be told in them.
    stored = pixel_array(frame, index=0, correct_unused_bits=False)
    declared = header.integer("BitsStored")
    if frame.PhotometricInterpretation == PALETTE:
        stored, declared = _coloured(stored, header, name), 0
    if stored.ndim == 3:
        bits, warnings = full_scale(stored, declared or stored.dtype.itemsize * 8)
        coloured = sum(count_coloured(stored[rows], bits) for rows in strips(len(stored)))
        warnings += colour_warning(coloured, stored.shape[0] * stored.shape[1])
        grey = luminance(stored)
        grey /= np.float32(2**bits - 1)
        return np.minimum(grey, 1, out=grey), bits, warnings
    compressed = frame.file_meta.TransferSyntaxUID.is_encapsulated
    significant, bits, warnings = read_significant(stored, header, compressed=compressed)
    padding = read_padding(stored, significant, header)
    pixels, more = show(stored, read_display(header), significant, padding)
    return pixels, bits, [*warnings, *more]


def _coloured(indices: np.ndarray, header: Attributes, name: str) -> np.ndarray:
    try:
        return apply_color_lut(indices, header.dataset)
    except Exception as error:
        raise RadiographError.of(
            name, expected=f"{PALETTE} pixels with their palette", received=f"none ({error})"
        ) from error


def _facts(header: Attributes, bits: int) -> tuple[dict[str, Any], float]:
    """Fields of `RadiographInfo`, and the height of a pixel over its width."""
    modality, view = header.code("Modality"), header.code("ViewPosition")
    photometric = header.code("PhotometricInterpretation")
    # The same in both attributes is the detector's, uncalibrated (PS3.3, 10.7.1.3).
    pixel, detector = (_spacing(header, f"{of}PixelSpacing") for of in ("", "Imager"))
    spacing = pixel or detector or _spacing(header, "NominalScannedPixelSpacing")
    ratio = spacing or _spacing(header, "PixelAspectRatio") or (1.0, 1.0)
    facts = {
        "format": "DICOM",
        "bit_depth": bits,
        "modality": modality if modality in PROJECTION_MODALITIES or modality == "OT" else None,
        "photometric_interpretation": photometric
        if photometric in (*GREY, PALETTE, *COLOUR)
        else None,
        "view_position": view if view in VIEW_POSITIONS else None,
        "pixel_spacing": spacing,
        "spacing_on_patient": pixel not in (None, detector),
        "study": _hash_study(header),
        "month": _month(header),
        "device": _device(header),
    }
    return facts, ratio[0] / ratio[1]


def _hash_study(header: Attributes) -> str | None:
    """What films of one study have in common, without its identifier."""
    try:
        study = str(header.value("StudyInstanceUID") or "").strip("\0 ")
    except (ValueError, TypeError):
        return None
    return hashlib.sha256(f"study {study}".encode()).hexdigest()[:16] if study else None


def _month(header: Attributes) -> str | None:
    """When the study was made, without the day: a date may tell who it is of."""
    found = re.match(r"((?:19|20)\d\d)[-.]?(0[1-9]|1[0-2])", header.code("StudyDate"))
    return f"{found[1]}-{found[2]}" if found else None


def _device(header: Attributes) -> str | None:
    """Maker and model of what made the film, in capitals."""
    made_by = (header.code(keyword) for keyword in ("Manufacturer", "ManufacturerModelName"))
    text = " ".join(filter(None, made_by))
    return "".join(sign for sign in text if sign.isprintable())[:MOST_DEVICE] or None


def _spacing(header: Attributes, keyword: str) -> tuple[float, float] | None:
    """Two positive numbers, of rows and of columns."""
    numbers = header.numbers(keyword)
    usable = len(numbers) >= 2 and all(one > 0 for one in numbers[:2])
    return (numbers[0], numbers[1]) if usable else None
