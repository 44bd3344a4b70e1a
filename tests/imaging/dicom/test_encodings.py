"""DICOM's transfer syntaxes and compressions give the stored values."""

import io
import struct

import numpy as np
import pytest
from PIL import Image
from pydicom import dcmread, dcmwrite
from pydicom.data import get_testdata_file
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    RLELossless,
)

from tests.dicom_files import encapsulated
from xraycore.imaging import read_radiograph


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian])
def test_little_endian_syntaxes(read, wide, expected, syntax):
    np.testing.assert_allclose(read(wide, BitsStored=12, syntax=syntax).pixels, expected, atol=1e-6)


def test_big_endian(dicom_dataset, wide, expected):
    dataset = dicom_dataset(wide.astype(">u2"), syntax=ExplicitVRBigEndian, BitsStored=12)
    file = io.BytesIO()
    dcmwrite(file, dataset, implicit_vr=False, little_endian=False, force_encoding=True)
    np.testing.assert_allclose(read_radiograph(file).pixels, expected, atol=1e-6)


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless])
def test_lossless_compression(read, wide, expected, syntax):
    xray = read(wide, BitsStored=12, compress=syntax)
    np.testing.assert_allclose(xray.pixels, expected, atol=1e-6)
    assert xray.info.bit_depth == 12


def lossless_jpeg(values, bits):
    """JPEG process 14, selection value 1: each value less its left neighbour, Huffman coded.

    All 17 categories of difference get the 5-bit code that is their own number.
    """
    height, width = values.shape
    left = np.roll(values.astype(int), 1, axis=1)
    left[1:, 0] = values[:-1, 0]
    left[0, 0] = 2 ** (bits - 1)
    code = ""
    for difference in (values.astype(int) - left).ravel().tolist():
        size = abs(difference).bit_length()
        code += f"{size:05b}"
        if size:
            code += f"{difference if difference > 0 else difference + 2**size - 1:0{size}b}"
    code += "1" * (-len(code) % 8)
    scan = int(code, 2).to_bytes(len(code) // 8, "big").replace(b"\xff", b"\xff\0")
    frame = struct.pack(">HBHHB", 11, bits, height, width, 1) + b"\x01\x11\0"
    table = struct.pack(">H", 36) + b"\0" + bytes([0, 0, 0, 0, 17] + [0] * 11) + bytes(range(17))
    start = struct.pack(">H", 8) + b"\x01\x01\0\x01\0\0"
    markers = b"\xff\xd8\xff\xc3", b"\xff\xc4", b"\xff\xda"
    parts = zip(markers, (frame, table, start), strict=True)
    return b"".join(marker + body for marker, body in parts) + scan + b"\xff\xd9"


def test_lossless_jpeg(dicom_dataset, wide, expected):
    frame = lossless_jpeg(wide, 12)
    data = encapsulated(dicom_dataset(wide, BitsStored=12), frame, JPEGLosslessSV1)
    np.testing.assert_allclose(read_radiograph(data).pixels, expected, atol=1e-6)


def test_baseline_jpeg(dicom_dataset, ramp):
    jpeg = io.BytesIO()
    Image.fromarray(ramp).save(jpeg, "JPEG", quality=95)
    data = encapsulated(dicom_dataset(ramp), jpeg.getvalue(), JPEGBaseline8Bit)
    assert np.abs(read_radiograph(data).pixels - ramp / 255).mean() < 0.01


def as_radiograph(name):
    """A file of pydicom's own, relabelled CR and stripped of what changes its greys."""
    dataset = dcmread(get_testdata_file(name, download=False))
    dataset.Modality = "CR"
    dataset.PhotometricInterpretation = "MONOCHROME2"
    file = io.BytesIO()
    dataset.save_as(file)
    return dataset, file.getvalue()


@pytest.mark.parametrize(
    ("name", "reference"),
    [
        ("JPEGLSNearLossless_08.dcm", None),
        ("JPEGLSNearLossless_16.dcm", None),
        ("MR_small_jpeg_ls_lossless.dcm", "MR_small.dcm"),
        ("MR_small_jp2klossless.dcm", "MR_small.dcm"),
        ("MR_small_RLE.dcm", "MR_small.dcm"),
        ("JPGExtended.dcm", None),
    ],
)
def test_compressed_files_of_other_makers(name, reference):
    dataset, data = as_radiograph(name)
    pixels = read_radiograph(data).pixels
    assert pixels.shape == (dataset.Rows, dataset.Columns)
    assert pixels.max() > pixels.min()
    if reference is not None:
        np.testing.assert_array_equal(pixels, read_radiograph(as_radiograph(reference)[1]).pixels)


def test_deflated_secondary_capture():
    xray = read_radiograph(get_testdata_file("image_dfl.dcm", download=False))
    assert xray.pixels.shape == (512, 512)
    assert "“other” (OT)" in xray.warnings[0]


def test_no_preamble(dicom_bytes, wide, expected):
    with_meta = dicom_bytes(wide, BitsStored=12)[132:]
    length = int.from_bytes(with_meta[8:12], "little")
    for data in (with_meta, with_meta[12 + length :]):
        assert data[:2] in (b"\x02\0", b"\x08\0")
        np.testing.assert_allclose(read_radiograph(data).pixels, expected, atol=1e-6)
