"""DICOM's transfer syntaxes and compressions give the stored values."""

import base64
import io
import json
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom import dcmread, dcmwrite
from pydicom.data import get_testdata_file
from pydicom.encaps import encapsulate
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    HTJ2KLossless,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
    UID_dictionary,
)

from tests.dicom_files import encapsulated, make_dicom
from xraycore.imaging import read_radiograph
from xraycore.imaging.dicom.codestream import repair_jpeg
from xraycore.imaging.film_warnings import warning_codes


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


def smooth_film():
    rows, columns = np.mgrid[:16, :24]
    return ((rows * rows * 7 + columns * columns * 5) % 4096).astype(np.uint16)


def coloured():
    film = smooth_film()
    return np.stack([film % 251, film // 16, film * 3 % 256], 2).astype(np.uint8)


STREAMS = json.loads((Path(__file__).parent / "streams.json").read_text())


def stream(name):
    """Streams of `smooth_film` and `coloured` that other encoders than pydicom's made."""
    return base64.b85decode(STREAMS[name])


@pytest.mark.parametrize(
    "syntax", [HTJ2KLossless, JPEGLSLossless, JPEG2000Lossless], ids=lambda uid: uid.name
)
def test_the_same_film_in_streams_of_other_makers(dicom_dataset, syntax):
    film = smooth_film()
    native = read_radiograph(make_dicom(film, BitsStored=12)).pixels
    frame = stream(UID_dictionary[syntax][4])
    data = encapsulated(dicom_dataset(film, BitsStored=12), frame, syntax)
    np.testing.assert_array_equal(read_radiograph(data).pixels, native)


@pytest.mark.parametrize("interleave", [0, 1, 2])
def test_every_interleave_of_jpeg_ls(dicom_dataset, interleave):
    native = read_radiograph(make_dicom(coloured())).pixels
    frame = stream(f"interleave {interleave}")
    data = encapsulated(dicom_dataset(coloured()), frame, JPEGLSLossless)
    np.testing.assert_array_equal(read_radiograph(data).pixels, native)


def test_colour_by_pixel_and_by_plane():
    by_pixel = read_radiograph(make_dicom(coloured())).pixels
    planes = np.ascontiguousarray(coloured().transpose(2, 0, 1)).tobytes()
    by_plane = make_dicom(coloured(), PlanarConfiguration=1, PixelData=planes)
    np.testing.assert_array_equal(read_radiograph(by_plane).pixels, by_pixel)


def test_grey_in_colours_is_the_grey_film(ramp, dicom_dataset):
    grey = read_radiograph(make_dicom(ramp)).pixels
    colours = np.repeat(ramp[..., None], 3, 2)
    rgb = read_radiograph(make_dicom(colours, Modality="OT"))
    np.testing.assert_allclose(rgb.pixels, grey, atol=1e-6)
    assert warning_codes(rgb.warnings) == ["modality"]
    full = np.stack([ramp, np.full_like(ramp, 128), np.full_like(ramp, 128)], 2)
    ybr = read_radiograph(make_dicom(full, PhotometricInterpretation="YBR_FULL"))
    np.testing.assert_allclose(ybr.pixels, grey, atol=1e-6)
    jpeg = io.BytesIO()
    Image.fromarray(colours).save(jpeg, "JPEG", quality=95)
    elements = {"PhotometricInterpretation": "YBR_FULL_422"}
    data = encapsulated(dicom_dataset(colours, **elements), jpeg.getvalue(), JPEGBaseline8Bit)
    np.testing.assert_allclose(
        read_radiograph(data).pixels, read_radiograph(jpeg.getvalue()).pixels, atol=2 / 255
    )


def test_true_colour_is_said():
    colours = np.full((200, 200, 3), 90, np.uint8)
    colours[:100, :, 0] = 250
    assert "coloured" in warning_codes(read_radiograph(make_dicom(colours)).warnings)


@pytest.mark.parametrize("bits", [8, 16])
def test_a_palette_is_looked_up(bits):
    elements = {"PhotometricInterpretation": "PALETTE COLOR"}
    levels = np.array([0, 51, 102, 255]) * (1 if bits == 8 else 257)
    for colour in ("Red", "Green", "Blue"):
        elements[f"{colour}PaletteColorLookupTableDescriptor"] = [4, 0, bits]
        elements[f"{colour}PaletteColorLookupTableData"] = levels.astype(f"<u{bits // 8}").tobytes()
    xray = read_radiograph(make_dicom(np.array([[3, 2], [1, 0]], np.uint8), **elements))
    np.testing.assert_allclose(xray.pixels, [[1, 0.4], [0.2, 0]], atol=1e-6)


def test_a_header_that_tells_another_number_of_bits_or_samples_than_its_stream(ramp, dicom_dataset):
    jpeg = io.BytesIO()
    Image.fromarray(ramp).save(jpeg, "JPEG", quality=95)
    right = read_radiograph(
        encapsulated(dicom_dataset(ramp), jpeg.getvalue(), JPEGBaseline8Bit)
    ).pixels
    wrong = dicom_dataset(ramp.astype(np.uint16), BitsStored=8)
    data = encapsulated(wrong, jpeg.getvalue(), JPEGBaseline8Bit)
    np.testing.assert_array_equal(read_radiograph(data).pixels, right)
    wrong = dicom_dataset(ramp, SamplesPerPixel=3, PhotometricInterpretation="RGB")
    data = encapsulated(wrong, jpeg.getvalue(), JPEGBaseline8Bit)
    np.testing.assert_array_equal(read_radiograph(data).pixels, right)


def test_a_scan_header_that_is_left_empty_is_repaired(ramp, dicom_dataset):
    jpeg = io.BytesIO()
    Image.fromarray(ramp).save(jpeg, "JPEG", quality=95)
    right = jpeg.getvalue()
    scan = right.index(b"\xff\xda") + 7
    assert right[scan : scan + 3] == b"\0\x3f\0"
    wrong = right[:scan] + bytes(3) + right[scan + 3 :]
    assert repair_jpeg(wrong) == right
    assert repair_jpeg(right) == right
    films = [
        read_radiograph(encapsulated(dicom_dataset(ramp), data, JPEGBaseline8Bit)).pixels
        for data in (right, wrong)
    ]
    np.testing.assert_array_equal(*films)


@pytest.mark.realdata
def test_real_odd_files(real_data):
    films = {path.name: read_radiograph(path) for path in (real_data / "ood/dicom").glob("*.dcm")}
    codes = {name: warning_codes(film.warnings) for name, film in films.items()}
    assert codes["gdcm-CR-MONO1-10-chest.dcm"] == []
    for name in ("RG2_J2KI.dcm", "RG2_JPLY.dcm", "RG3_J2KI.dcm", "RG3_RLE.dcm", "MG1_J2KI.dcm"):
        assert "body-part" in codes[name]
    assert "modality" in codes["vlut_04.dcm"]
    # The same hip twice, in JPEG 2000 at 10:1 and in JPEG Extended at 35:1.
    same = np.abs(films["RG2_J2KI.dcm"].pixels - films["RG2_JPLY.dcm"].pixels)
    assert same.mean() < 0.005


@pytest.mark.parametrize(("declared", "white"), [(12, 4095), (16, 65535)])
def test_colour_of_more_than_8_bits_is_scaled_by_those_declared(declared, white):
    values = np.repeat(np.array([[0, 1024, 4095]], np.uint16)[..., None], 3, 2)
    found = read_radiograph(make_dicom(values, BitsStored=declared))
    np.testing.assert_allclose(found.pixels, values[..., 0] / white, atol=1e-6)
    assert found.info.bit_depth == declared


def test_a_frame_in_several_fragments_without_a_table_of_offsets(dicom_dataset):
    """How many frames there are says that all fragments are of the one."""
    ramp = np.tile(np.arange(0, 256, 4, dtype=np.uint8), (64, 1))
    file = io.BytesIO()
    Image.fromarray(ramp).save(file, "JPEG", quality=100)
    whole, parted = (dicom_dataset(ramp) for _ in range(2))
    expected = read_radiograph(encapsulated(whole, file.getvalue(), JPEGBaseline8Bit)).pixels
    stored = encapsulated(parted, file.getvalue(), JPEGBaseline8Bit)
    dataset = dcmread(io.BytesIO(stored))
    dataset.PixelData = encapsulate([file.getvalue()], fragments_per_frame=3, has_bot=False)
    written = io.BytesIO()
    dataset.save_as(written, enforce_file_format=True)
    np.testing.assert_array_equal(read_radiograph(written.getvalue()).pixels, expected)
