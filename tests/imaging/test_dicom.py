"""DICOM: the grey-scale pipeline worked out by hand, the encodings, privacy, refusals."""

import io
import pickle
import struct
import tracemalloc
import zlib
from dataclasses import asdict

import numpy as np
import pytest
from PIL import Image
from pydicom import dcmread, dcmwrite
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    RLELossless,
)

from xraycore.imaging import RadiographError, dicom_file, read_radiograph
from xraycore.imaging.codestream import codestream_size


def bits12(values):
    return np.array(values, np.uint16)


@pytest.fixture
def read(dicom_bytes):
    def build_and_read(values, **elements):
        return read_radiograph(dicom_bytes(values, **elements))

    return build_and_read


# --- grey scale ---------------------------------------------------------------------------------


def test_without_a_window_the_range_of_values_is_shown(read):
    xray = read(bits12([[100, 200], [300, 500]]), BitsStored=12)
    np.testing.assert_allclose(xray.pixels, [[0, 0.25], [0.5, 1]], atol=1e-6)
    assert xray.warnings[0].startswith("The image is very small")


def test_monochrome1_is_inverted(read):
    xray = read(bits12([[100, 200], [300, 500]]), PhotometricInterpretation="MONOCHROME1")
    np.testing.assert_allclose(xray.pixels, [[1, 0.75], [0.5, 0]], atol=1e-6)
    assert xray.info.photometric_interpretation == "MONOCHROME1"


@pytest.mark.parametrize(
    ("photometric", "shape", "first"),
    [
        ("MONOCHROME2", "IDENTITY", 0),
        ("MONOCHROME2", "INVERSE", 1),
        ("MONOCHROME1", "INVERSE", 1),  # says the same thing twice
        ("MONOCHROME1", "IDENTITY", 1),
    ],
)
def test_presentation_lut_shape(read, photometric, shape, first):
    xray = read(bits12([[0, 1]]), PhotometricInterpretation=photometric, PresentationLUTShape=shape)
    np.testing.assert_array_equal(xray.pixels, [[first, 1 - first]])


def test_rescale_and_linear_window(read):
    # Rescaled by 2x - 100: 0, 100, 200, 400. LINEAR window 200/201 (PS3.3 C.11.2.1.2.1):
    # (x - 199.5) / 200 + 0.5 -> clipped, 0.0025, 0.5025, clipped.
    xray = read(
        bits12([[50, 100], [150, 250]]),
        BitsStored=12,
        RescaleSlope="2",
        RescaleIntercept="-100",
        WindowCenter="200",
        WindowWidth="201",
    )
    np.testing.assert_allclose(xray.pixels, [[0, 0.0025], [0.5025, 1]], atol=1e-6)


def test_linear_exact_window(read):
    # (x - 200) / 200 + 0.5
    xray = read(
        bits12([[50, 100], [150, 250]]),
        WindowCenter="200",
        WindowWidth="200",
        VOILUTFunction="LINEAR_EXACT",
    )
    np.testing.assert_allclose(xray.pixels, [[0, 0], [0.25, 0.75]], atol=1e-6)


def test_sigmoid_window(read):
    # 1 / (1 + exp(-4 (x - 200) / 100)): -1 -> x = 175, 0 -> x = 200, 2 -> x = 250
    xray = read(
        bits12([[175, 200, 250]]),
        WindowCenter="200",
        WindowWidth="100",
        VOILUTFunction="SIGMOID",
    )
    expected = [[1 / (1 + np.e), 0.5, 1 / (1 + np.exp(-2))]]
    np.testing.assert_allclose(xray.pixels, expected, atol=1e-6)


def test_the_first_of_several_windows_is_used(read):
    xray = read(
        bits12([[0, 50, 100]]),
        WindowCenter=["50", "5000"],
        WindowWidth=["100", "10"],
        VOILUTFunction="LINEAR_EXACT",
    )
    np.testing.assert_allclose(xray.pixels, [[0, 0.5, 1]], atol=1e-6)


def test_a_negative_slope_turns_the_scale_round(read):
    elements = {"RescaleSlope": "-1", "RescaleIntercept": "1000"}
    values = bits12([[0, 250, 1000]])
    np.testing.assert_allclose(read(values, **elements).pixels, [[1, 0.75, 0]], atol=1e-6)
    windowed = read(
        values, WindowCenter="500", WindowWidth="1000", VOILUTFunction="LINEAR_EXACT", **elements
    )
    # pydicom's output range turns round with the slope, so high rescaled values end up low.
    np.testing.assert_allclose(windowed.pixels, [[1, 0.75, 0]], atol=1e-6)


def test_signed_values(read):
    values = np.array([[-1000, 0, 1000]], np.int16)
    np.testing.assert_allclose(read(values).pixels, [[0, 0.5, 1]], atol=1e-6)
    exact = {"WindowCenter": "0", "WindowWidth": "4000", "VOILUTFunction": "LINEAR_EXACT"}
    np.testing.assert_allclose(read(values, **exact).pixels, [[0.25, 0.5, 0.75]], atol=1e-6)


def test_signed_12_bit_values_keep_their_sign_in_16_bits(read):
    values = np.array([[0xF800, 0xF801, 0x07FF]], np.uint16)  # -2048, -2047, 2047
    xray = read(values, BitsStored=12, PixelRepresentation=1)
    np.testing.assert_allclose(xray.pixels, [[0, 1 / 4095, 1]], atol=1e-6)


def test_bits_beyond_the_stored_ones_are_ignored(read):
    overlay = bits12([[0xF000, 0x1064, 0x00C8]])  # 0, 100 and 200 below an overlay in bits 12 to 15
    np.testing.assert_allclose(read(overlay, BitsStored=12).pixels, [[0, 0.5, 1]], atol=1e-6)
    shifted = bits12([[0x0007, 0x0640, 0x0C80]])  # the same in bits 4 to 15
    xray = read(shifted, BitsStored=12, HighBit=15)
    np.testing.assert_allclose(xray.pixels, [[0, 0.5, 1]], atol=1e-6)


def lut(entries, first, bits, data):
    item = Dataset()
    item.LUTDescriptor = [entries, first, bits]
    item.LUTData = data
    item["LUTDescriptor"].VR = "US"
    item["LUTData"].VR = "US"
    return [item]


def test_voi_lut_sequence_wins_over_the_window(read):
    # 10 -> 0, 11 -> 1000, 12 and above -> 4095
    xray = read(
        bits12([[5, 10], [11, 99]]),
        BitsStored=12,
        VOILUTSequence=lut(3, 10, 12, [0, 1000, 4095]),
        WindowCenter="5",
        WindowWidth="1",
    )
    np.testing.assert_allclose(xray.pixels, [[0, 0], [1000 / 4095, 1]], atol=1e-6)


def test_a_voi_lut_of_8_bits_and_many_entries(read):
    # 1024 entries i -> i // 4; pydicom alone would wrap the index at 256.
    table = [i // 4 for i in range(1024)]
    xray = read(bits12([[0, 400, 1023]]), VOILUTSequence=lut(1024, 0, 8, table))
    np.testing.assert_allclose(xray.pixels, [[0, 100 / 255, 1]], atol=1e-6)


def test_voi_lut_after_rescale(read):
    xray = read(
        bits12([[0, 1, 2]]),
        RescaleSlope="1",
        RescaleIntercept="10",
        VOILUTSequence=lut(3, 10, 10, [1023, 0, 341]),
    )
    np.testing.assert_allclose(xray.pixels, [[1, 0, 1 / 3]], atol=1e-6)


def test_modality_lut_sequence(read):
    sequence = lut(3, 0, 12, [3000, 1000, 2000])
    sequence[0].ModalityLUTType = "US"
    xray = read(bits12([[0, 1, 2]]), ModalityLUTSequence=sequence)
    np.testing.assert_allclose(xray.pixels, [[1, 0, 0.5]], atol=1e-6)


@pytest.mark.parametrize(
    "window",
    [
        {"WindowCenter": "100", "WindowWidth": "0"},
        {"WindowCenter": "100", "WindowWidth": "50", "VOILUTFunction": "CUBIC"},
        {"WindowCenter": "60000", "WindowWidth": "10"},  # shows nothing but black
        {"VOILUTSequence": lut(3, 0, 12, [7, 7, 7])},
    ],
)
def test_an_unusable_window_falls_back_to_the_full_range_and_says_so(read, window):
    xray = read(bits12([[0, 50, 100]]), **window)
    np.testing.assert_allclose(xray.pixels, [[0, 0.5, 1]], atol=1e-6)
    assert sum("display window" in warning for warning in xray.warnings) == 1


def test_an_empty_window_is_none(read):
    xray = read(bits12([[0, 50, 100]]), WindowCenter="", WindowWidth="")
    np.testing.assert_allclose(xray.pixels, [[0, 0.5, 1]], atol=1e-6)
    assert not any("window" in warning for warning in xray.warnings)


def test_pixel_padding_takes_no_part_in_the_range(read):
    values = bits12([[65535, 100], [200, 300]])
    padded = read(values, PixelPaddingValue=65535)
    np.testing.assert_allclose(padded.pixels, [[0, 0], [0.5, 1]], atol=1e-6)
    inverted = read(values, PixelPaddingValue=65535, PhotometricInterpretation="MONOCHROME1")
    np.testing.assert_allclose(inverted.pixels, [[0, 1], [0.5, 0]], atol=1e-6)


def test_pixel_padding_range_and_sign(read):
    values = np.array([[-2000, -1990, 0, 500, 1000]], np.int16)
    xray = read(values, PixelPaddingValue=-2000, PixelPaddingRangeLimit=-1990)
    np.testing.assert_allclose(xray.pixels, [[0, 0, 0, 0.5, 1]], atol=1e-6)


def test_one_value_everywhere_is_black_and_warned_about(read):
    xray = read(np.full((130, 130), 77, np.uint16))
    assert not xray.pixels.any()
    assert "almost blank" in xray.warnings[0]


# --- encodings ----------------------------------------------------------------------------------


@pytest.fixture
def wide(ramp):
    return ramp.astype(np.uint16) * 16 + 7


@pytest.fixture
def expected(wide):
    return (wide - 7) / np.float32(255 * 16)


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


def encapsulated(dataset, frame, syntax):
    dataset.PixelData = encapsulate([frame])
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True
    dataset.file_meta.TransferSyntaxUID = syntax
    file = io.BytesIO()
    dataset.save_as(file, enforce_file_format=True)
    return file.getvalue()


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


# --- what is kept -------------------------------------------------------------------------------


def test_info(read):
    info = read(
        bits12([[0, 1], [2, 3], [4, 5]]),
        BitsStored=10,
        Modality="DX",
        ViewPosition="PA",
        PixelSpacing=["0.2", "0.3"],
        ImagerPixelSpacing=["1", "1"],
    ).info
    assert (info.format, info.width, info.height, info.bit_depth) == ("DICOM", 2, 3, 10)
    assert (info.modality, info.view_position) == ("DX", "PA")
    assert info.pixel_spacing == (0.2, 0.3)
    assert info.spacing_on_patient


@pytest.mark.parametrize("useless", [["0", "0"], ["0.1", "-1"], "", ["0.1"]])
def test_spacing_falls_back_to_the_detectors(read, useless):
    values = bits12([[0, 1]])
    detector = read(values, PixelSpacing=useless, ImagerPixelSpacing=["0.1", "0.2"])
    assert detector.info.pixel_spacing == (0.1, 0.2)
    assert not detector.info.spacing_on_patient
    # The detector's, twice: nobody measured how much larger the film shows things.
    both = read(values, PixelSpacing=["0.1", "0.1"], ImagerPixelSpacing=["0.1", "0.1"])
    assert not both.info.spacing_on_patient
    assert read(values, PixelSpacing=useless).info.pixel_spacing is None


def test_nothing_that_identifies_a_patient_is_kept(read, ramp):
    planted = {
        "PatientName": "Planted^Nomen",
        "PatientID": "PLANTED-77-ID",
        "PatientBirthDate": "19610203",
        "StudyDate": "20190817",
        "AccessionNumber": "ACC9911882",
        "InstitutionName": "Planted Clinic",
        "ReferringPhysicianName": "Planted^Doctor",
        "StudyInstanceUID": "1.2.826.0.1.77.88.99",
        "SeriesInstanceUID": "1.2.826.0.1.77.88.100",
        "SOPInstanceUID": "1.2.826.0.1.77.88.101",
        "DeviceSerialNumber": "SER-PLANTED",
        "ImageComments": "Planted comment",
        "PatientComments": "Planted remark",
        "ViewPosition": "PLANTED NOMEN",
    }
    xray = read(ramp, WindowCenter="128", WindowWidth="256", **planted)
    kept = [repr(xray), repr(asdict(xray)), pickle.dumps(xray).decode("latin-1")]
    for text in kept:
        assert "MONOCHROME2" in text  # so the search looks at the right thing
        for value in [*planted.values(), "Planted", "PLANTED", "77.88", "1.2.840"]:
            assert value not in text
    assert xray.info.view_position is None


def test_messages_do_not_repeat_free_text(dicom_bytes):
    data = dicom_bytes(bits12([[0, 1]]), Modality="DOE JANE")
    assert "DOE" not in refusal(data)


# --- refusals -----------------------------------------------------------------------------------


def refusal(data):
    with pytest.raises(RadiographError) as caught:
        read_radiograph(data, name="film.dcm")
    message = str(caught.value)
    assert message.startswith("film.dcm: expected ")
    assert "; received " in message
    assert "\n" not in message
    return message


@pytest.mark.parametrize("modality", ["CT", "MR", "MG", "US", "XA", "RF", "DR"])
def test_other_modalities_are_refused_by_name(dicom_bytes, modality):
    assert f"modality {modality}" in refusal(dicom_bytes(bits12([[0, 1]]), Modality=modality))


@pytest.mark.parametrize("modality", ["CR", "DX", "RG"])
def test_projection_radiographs_are_accepted(read, modality):
    xray = read(bits12([[0, 1]]), Modality=modality)
    assert xray.info.modality == modality
    assert not any("modality" in warning for warning in xray.warnings)


@pytest.mark.parametrize("modality", ["OT", "", None])
def test_uncertain_modalities_are_accepted_with_a_warning(read, modality):
    xray = read(bits12([[0, 1]]), Modality=modality)
    assert xray.info.modality == (modality or None)
    assert sum("modality" in warning for warning in xray.warnings) == 1


@pytest.mark.parametrize(
    ("elements", "received"),
    [
        ({"PhotometricInterpretation": "RGB"}, "RGB"),
        ({"PhotometricInterpretation": "PALETTE COLOR"}, "received"),
        ({"PhotometricInterpretation": None}, "no photometric"),
        ({"NumberOfFrames": 2}, "2 frames"),
        ({"Rows": 0}, "empty image"),
        ({"Rows": 9000, "Columns": 9000}, "81 megapixels"),
        ({"Rows": 5}, "damaged"),
        ({"BitsStored": 32}, "32 bits"),
        ({"PixelData": None}, "without pixels (Computed Radiography Image Storage)"),
        ({"RescaleSlope": "0", "RescaleIntercept": "1E999"}, "damaged"),
    ],
)
def test_files_that_hold_no_radiograph(dicom_bytes, elements, received):
    assert received in refusal(dicom_bytes(bits12([[0, 1]]), **elements))


@pytest.mark.parametrize(
    ("name", "received"),
    [
        ("rtstruct.dcm", "RT Structure Set Storage"),
        ("DICOMDIR", "Media Storage Directory Storage"),
        ("SC_rgb_jpeg.dcm", "RGB"),
        ("rtplan_truncated.dcm", "without pixels"),
    ],
)
def test_other_dicom_objects(name, received):
    path = get_testdata_file(name, download=False)
    with open(path, "rb") as file:
        assert received in refusal(file.read())


@pytest.mark.parametrize("syntax", [None, RLELossless, JPEG2000Lossless])
def test_truncated_pixels(dicom_bytes, wide, syntax):
    data = dicom_bytes(wide, BitsStored=12, compress=syntax)
    refusal(data[: int(len(data) * 0.6)])


def test_a_stream_larger_than_the_header_says_is_not_decoded(dicom_bytes, wide):
    data = dicom_bytes(wide, BitsStored=12, compress=JPEG2000Lossless)
    start = data.find(b"\xff\x4f\xff\x51")
    claimed = data[: start + 8] + (60_000).to_bytes(4, "big") * 2 + data[start + 16 :]
    assert "60000 x 60000" in refusal(claimed)


def test_a_deflated_file_cannot_grow_without_bound(dicom_bytes, monkeypatch):
    monkeypatch.setattr(dicom_file, "MAX_INFLATED", 10_000)
    data = dicom_bytes(np.zeros((4000, 4000), np.uint8), syntax=DeflatedExplicitVRLittleEndian)
    assert len(data) < 20_000
    tracemalloc.start()
    try:
        assert "damaged" in refusal(data)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000  # of 16 MB
    finally:
        tracemalloc.stop()


def test_more_runs_than_pixels_are_not_decoded(dicom_dataset):
    header = struct.pack("<16I", 1, 64, *[0] * 14)
    runs = header + b"\x81\0" * 100_000  # 128 zeros each
    data = encapsulated(dicom_dataset(np.zeros((4, 4), np.uint8)), runs, RLELossless)
    assert "run-length coding" in refusal(data)


def test_codestream_sizes():
    quantisation = b"\xff\xdb\x00\x04ab"
    frame = b"\x00\x0b\x08" + (300).to_bytes(2, "big") + (400).to_bytes(2, "big")
    for marker in (b"\xff\xc0", b"\xff\xc3", b"\xff\xf7"):
        assert codestream_size(b"\xff\xd8" + quantisation + b"\xff" + marker + frame) == (400, 300)
    with pytest.raises(ValueError, match="without a size"):
        codestream_size(b"\xff\xd8" + quantisation)
    assert codestream_size(zlib.compress(b"run lengths")) is None


# --- real films ---------------------------------------------------------------------------------


@pytest.mark.realdata
def test_real_dicom_radiographs(real_data):
    films = {path.name[:8]: read_radiograph(path) for path in (real_data / "dicom").glob("*.dcm")}
    negative, positive, large = films["Fake_MON"], films["1.2.276."], films["RG1_J2KI"]
    # The first is the second, relabelled MONOCHROME1.
    np.testing.assert_allclose(negative.pixels, 1 - positive.pixels, atol=1e-6)
    assert positive.info.pixel_spacing == (0.168, 0.168)
    assert (large.info.width, large.info.height, large.info.bit_depth) == (1841, 1955, 15)
    assert large.info.pixel_spacing is None  # the file says 0.000
    assert all(film.warnings == () for film in films.values())
    # Air beside the shoulders is dark, the mediastinum is not.
    assert np.median(large.pixels[:100, :100]) < np.median(large.pixels[900:1100, 850:950])
