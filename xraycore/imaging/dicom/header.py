"""DICOM bytes to the few header fields and the pixels that a radiograph needs."""

import io
import struct
import zlib

from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filereader import read_dataset
from pydicom.tag import BaseTag, Tag
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from xraycore.errors import ArgumentError
from xraycore.imaging.decoding import MAX_BYTES, MAX_PIXELS

COLOURS, PARTS = ("Red", "Green", "Blue"), ("Descriptor", "Data")
# Nothing else is parsed. Of ages and descriptions only a warning is kept, of dates that and the
# month, of the study's UID a hash that tells its films; no name or number of a patient is read.
NEEDED: list[BaseTag | int] = [
    Tag(keyword)
    for keyword in (
        "SOPClassUID",
        "StudyInstanceUID",
        "StudyDate",
        "ContentDate",
        "Modality",
        "Manufacturer",
        "ManufacturerModelName",
        "PresentationIntentType",
        "BurnedInAnnotation",
        "SeriesDescription",
        "AnatomicRegionSequence",
        "PatientBirthDate",
        "PatientAge",
        "BodyPartExamined",
        "ProtocolName",
        "ViewPosition",
        "PatientOrientation",
        "ViewCodeSequence",
        "SamplesPerPixel",
        "PhotometricInterpretation",
        "PlanarConfiguration",
        "NumberOfFrames",
        "Rows",
        "Columns",
        "BitsAllocated",
        "BitsStored",
        "HighBit",
        "PixelRepresentation",
        "PixelSpacing",
        "ImagerPixelSpacing",
        "NominalScannedPixelSpacing",
        "PixelAspectRatio",
        "PixelPaddingValue",
        "PixelPaddingRangeLimit",
        "RescaleSlope",
        "RescaleIntercept",
        "ModalityLUTSequence",
        "WindowCenter",
        "WindowWidth",
        "VOILUTFunction",
        "VOILUTSequence",
        "PresentationLUTShape",
        *(f"{colour}PaletteColorLookupTable{part}" for colour in COLOURS for part in PARTS),
        "ExtendedOffsetTable",
        "ExtendedOffsetTableLengths",
        "FloatPixelData",
        "DoubleFloatPixelData",
        "PixelData",
    )
]

PREAMBLE = 128
MAGIC = b"DICM"
# What (0002,xxxx) and (0008,xxxx), the groups a file may begin with, are written as.
FIRST_VRS = (b"UL", b"OB", b"UI", b"SH", b"CS", b"DA", b"TM", b"DT", b"LO", b"SQ", b"ST", b"PN")
FIRST_TAGS = (0x0000, 0x0001, 0x0005, 0x0008, 0x0012, 0x0013, 0x0014, 0x0016, 0x0018)
MAX_FIRST_LENGTH = 64

# Two bytes a pixel, and as much as a whole file for headers.
MAX_INFLATED = 2 * MAX_PIXELS + MAX_BYTES


def looks_like_dicom(data: bytes) -> bool:
    """Whether the bytes are DICOM: marked as such, or beginning with a plausible first element."""
    if data[PREAMBLE : PREAMBLE + 4] == MAGIC:
        return True
    if len(data) < 16:
        return False
    for order in "<>":
        group, element = struct.unpack(f"{order}HH", data[:4])
        if group in (0x0002, 0x0008) and data[4:6] in FIRST_VRS:
            return True
        (length,) = struct.unpack(f"{order}I", data[4:8])
        if order == "<" and group == 0x0008 and element in FIRST_TAGS:
            return length % 2 == 0 and length <= MAX_FIRST_LENGTH
    return False


def read_dataset_without_identity(data: bytes) -> Dataset:
    """The `NEEDED` elements of a DICOM file, with a `file_meta` that names its transfer syntax.

    Raises:
        ArgumentError: deflated data that grow beyond what an accepted image can need.
        Exception: whatever pydicom raises for a file that breaks the standard.
    """
    meta, start = _file_meta(data)
    if meta.get("TransferSyntaxUID") == DeflatedExplicitVRLittleEndian:
        dataset = read_dataset(
            io.BytesIO(_inflate(data[start:])), False, True, specific_tags=NEEDED
        )
        syntax = ExplicitVRLittleEndian
    else:
        dataset = dcmread(io.BytesIO(data), force=True, specific_tags=NEEDED)
        syntax = meta.get("TransferSyntaxUID") or _native_syntax(dataset)
    needed = FileMetaDataset()
    needed.TransferSyntaxUID = syntax
    if "MediaStorageSOPClassUID" in meta:
        needed.MediaStorageSOPClassUID = meta.MediaStorageSOPClassUID
    dataset.file_meta = needed
    return dataset


def _file_meta(data: bytes) -> tuple[Dataset, int]:
    """The file meta elements and where the data set begins."""
    file = io.BytesIO(data)
    if data[PREAMBLE : PREAMBLE + 4] == MAGIC:
        file.seek(PREAMBLE + 4)
    if struct.unpack("<H", data[file.tell() : file.tell() + 2]) != (0x0002,):
        return Dataset(), file.tell()
    return read_dataset(file, False, True, stop_when=_past_meta), file.tell()


def _past_meta(tag: BaseTag, vr: str | None, length: int) -> bool:
    return tag.group != 0x0002


def _native_syntax(dataset: Dataset) -> UID:
    implicit, little = dataset.original_encoding
    if not little:
        return ExplicitVRBigEndian
    return ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian


def _inflate(deflated: bytes) -> bytes:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    inflated = inflater.decompress(deflated, MAX_INFLATED + 1)
    if len(inflated) > MAX_INFLATED:
        raise ArgumentError(f"deflated data of more than {MAX_INFLATED // 2**20} MiB")
    return inflated
