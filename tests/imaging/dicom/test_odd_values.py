"""Optional attributes that are empty, malformed or wrong: what can be understood is used."""

import numpy as np
import pytest

from tests.dicom_files import bits12, lut, make_dicom
from xraycore.imaging import RadiographError, read_radiograph
from xraycore.imaging.film_warnings import warning_codes

FILM = bits12([[1000, 2000, 3000, 5000]])
# (x - 3000) / 2000 + 0.5
WINDOW = {"WindowCenter": "3000.0", "WindowWidth": "2000.0", "VOILUTFunction": "LINEAR_EXACT"}
SHOWN = [[0, 0, 0.5, 1]]
FULL = [[0, 0.25, 0.5, 1]]


def read(written=b"", by=b"", **elements):
    data = make_dicom(FILM, **elements)
    assert not written or written in data
    xray = read_radiograph(data.replace(written, by) if written else data)
    # Of four pixels.
    return xray.pixels, [code for code in warning_codes(xray.warnings) if code in CODES]


CODES = ("window", "attributes", "range")


@pytest.mark.parametrize(
    ("written", "by"),
    [
        (b"3000.0", b"3000,0"),
        (b"3000.0", b"3000\0\0"),
        (b"3000.0", b" 3000 "),
        (b"3000.0", b"+3.0e3"),
        (b"2000.0", b"2000\\7"),
        (b"3000.0", b"3000\\x"),
    ],
)
def test_a_window_as_people_write_it(written, by):
    pixels, codes = read(written, by, **WINDOW)
    np.testing.assert_allclose(pixels, SHOWN, atol=1e-6)
    assert codes == (["attributes"] if by.endswith(b"x") else [])


@pytest.mark.parametrize("by", [b"nan   ", b"abcdef", b"1E9999", b"0x1000", b"      "])
def test_a_window_of_no_numbers_is_left_out_and_said(by):
    pixels, codes = read(b"3000.0", by, **WINDOW)
    np.testing.assert_allclose(pixels, FULL, atol=1e-6)
    assert codes == ["window"] + (["attributes"] if by.strip() else [])


def test_a_second_window_serves_where_the_first_does_not():
    windows = {"WindowCenter": ["9e5", "3000"], "WindowWidth": ["10", "2000"]}
    pixels, codes = read(**WINDOW | windows)
    np.testing.assert_allclose(pixels, SHOWN, atol=1e-6)
    assert codes == []


@pytest.mark.parametrize("function", ["", "linear_exact ", "LINEAR EXACT"])
def test_the_windows_function_in_any_spelling(function):
    pixels, codes = read(**WINDOW | {"VOILUTFunction": function})
    # An empty one is LINEAR: (x - 2999.5) / 1999 + 0.5.
    np.testing.assert_allclose(pixels, SHOWN, atol=1e-3)
    assert codes == []


@pytest.mark.parametrize("by", [b"7,250", b"7.25 ", b"     ", b"+725.", b"725e3"])
@pytest.mark.parametrize("intercept", ["", "0", "-1000"])
def test_a_rescale_as_people_write_it(by, intercept):
    pixels, codes = read(b"1.250", by, RescaleSlope="1.250", RescaleIntercept=intercept)
    np.testing.assert_allclose(pixels, FULL, atol=1e-6)
    assert codes == []


@pytest.mark.parametrize("by", [b"0.000", b"abcde", b"nan  ", b"1e999"])
def test_a_rescale_that_cannot_be_meant_is_left_out_and_said(by):
    pixels, codes = read(b"1.250", by, RescaleSlope="1.250", RescaleIntercept="0")
    np.testing.assert_allclose(pixels, FULL, atol=1e-6)
    assert codes == ["attributes"]


def spacing(written, by, **elements):
    return read_radiograph(make_dicom(FILM, **elements).replace(written, by)).info.pixel_spacing


def test_a_spacing_as_people_write_it():
    written = {"PixelSpacing": ["0.143", "0.143"]}
    for by in (b"0,143\\0,143", b"0.143\\.143 ", b"143e-3\\.143", b".143\\.143\\ "):
        assert spacing(b"0.143\\0.143", by, **written) == (0.143, 0.143)
    assert spacing(b"0.143\\0.143", b"0.143\\abcde", **written) is None
    assert spacing(b"0.143\\0.143", b"0.143\\nan  ", **written) is None
    assert spacing(b"0.143\\0.143", b"0.143      ", **written) is None


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("PixelSpacing", ["0.2", "0.1"]),
        ("ImagerPixelSpacing", ["0.2", "0.1"]),
        ("NominalScannedPixelSpacing", ["0.2", "0.1"]),
        ("PixelAspectRatio", [2, 1]),
    ],
)
def test_pixels_twice_as_high_as_wide_are_drawn_out(keyword, value):
    values = np.repeat(np.linspace(0, 4000, 200).astype(np.uint16)[:, None], 300, 1)
    xray = read_radiograph(make_dicom(values, **{keyword: value}))
    assert (xray.info.height, xray.info.width) == (400, 300)
    assert xray.pixels[199:201, 0].mean() == pytest.approx(0.5, abs=0.01)
    known = None if keyword == "PixelAspectRatio" else (0.1, 0.1)
    assert xray.info.pixel_spacing == known


def test_pixels_wider_than_high_are_drawn_out_too():
    xray = read_radiograph(make_dicom(np.tile(FILM, (8, 50)), PixelSpacing=["0.1", "0.15"]))
    assert (xray.info.height, xray.info.width) == (8, 300)
    assert xray.info.pixel_spacing == pytest.approx((0.1, 0.1))


def test_a_spacing_of_no_pixels_shape_is_said():
    xray = read_radiograph(make_dicom(FILM, PixelSpacing=["100", "0.1"]))
    assert xray.pixels.shape == (1, 4)
    assert "attributes" in warning_codes(xray.warnings)


# Tables of any size of entry, each 0, 51, 102, 255 for the values 0 to 3.
ENTRIES = [0, 51, 102, 255]


@pytest.mark.parametrize(
    ("bits", "data"),
    [
        (8, ENTRIES),
        (8, bytes(ENTRIES)),  # bytes of their own
        (8, [0x3300, 0xFF66]),  # two in a word
        (8, np.array(ENTRIES, "<u2").tobytes()),
        (16, (np.array(ENTRIES, "<u2") * 257).tobytes()),
        (16, [value * 257 for value in ENTRIES]),
        (16, [value * 16 for value in ENTRIES]),  # 12 bits, declared as they are stored
        (0, ENTRIES),  # no depth at all
    ],
)
def test_a_table_of_any_size_of_entry(bits, data):
    xray = read_radiograph(make_dicom(bits12([[0, 1, 2, 3]]), VOILUTSequence=lut(4, 0, bits, data)))
    np.testing.assert_allclose(xray.pixels, [[0, 0.2, 0.4, 1]], atol=1e-6)


@pytest.mark.parametrize(
    "table", [lut(4, 0, 8, ENTRIES)[0:0], lut(4, 0, 8, b""), "descriptor", "no data"]
)
def test_a_table_that_is_none_is_left_out_and_said(table):
    if isinstance(table, str):
        (item,) = lut(4, 0, 8, ENTRIES)
        del item["LUTDescriptor" if table == "descriptor" else "LUTData"]
        table = [item]
    pixels, codes = read(VOILUTSequence=table)
    np.testing.assert_allclose(pixels, FULL, atol=1e-6)
    assert codes in (["window", "attributes"], [])


def test_a_table_that_starts_below_zero_in_unsigned_words():
    table = lut(4, 65535 - 1, 8, ENTRIES)  # -2
    values = np.array([[-2, -1, 0, 1]], np.int16)
    xray = read_radiograph(make_dicom(values, VOILUTSequence=table))
    np.testing.assert_allclose(xray.pixels, [[0, 0.2, 0.4, 1]], atol=1e-6)


def smooth(bits, side=64):
    rows, columns = np.mgrid[:side, :side]
    return ((rows + columns) * ((2**bits - 1) // (2 * side - 2))).astype(np.uint16)


@pytest.mark.parametrize("declared", [10, 11])
def test_values_of_more_bits_than_are_declared(declared):
    values = smooth(12)
    xray = read_radiograph(make_dicom(values, BitsStored=declared))
    np.testing.assert_allclose(xray.pixels, values / values.max(), atol=1e-6)
    assert xray.info.bit_depth == 12
    assert "range" in warning_codes(xray.warnings)


def test_a_few_values_overshoot_as_lossy_compression_makes_them():
    values = smooth(10)
    values[-1, -3:] = [1030, 1024, 1027]
    window = {"WindowCenter": "512", "WindowWidth": "1024", "VOILUTFunction": "LINEAR_EXACT"}
    xray = read_radiograph(make_dicom(values, BitsStored=10, **window))
    np.testing.assert_allclose(xray.pixels, np.minimum(values / 1024, 1), atol=1e-6)


def test_signed_values_of_more_bits_than_are_declared():
    values = smooth(12).astype(np.int16) - 2000
    xray = read_radiograph(make_dicom(values, BitsStored=10))
    expected = (values + 2000) / (values.max() + 2000)
    np.testing.assert_allclose(xray.pixels, expected, atol=1e-6)


def test_an_overlay_above_the_declared_bits_is_no_film():
    values = smooth(12)
    overlay = values | (np.indices(values.shape).sum(0) % 7 == 0).astype(np.uint16) << 13
    xray = read_radiograph(make_dicom(overlay, BitsStored=12))
    np.testing.assert_allclose(xray.pixels, values / values.max(), atol=1e-6)
    assert "range" not in warning_codes(xray.warnings)


@pytest.mark.parametrize("bits", [{"HighBit": 3}, {"HighBit": 99}, {"BitsStored": 99}])
def test_bits_that_cannot_be(bits):
    values = smooth(16)
    xray = read_radiograph(make_dicom(values, **bits))
    np.testing.assert_allclose(xray.pixels, values / values.max(), atol=1e-6)


@pytest.mark.parametrize("value", [65535, 0])
def test_one_dead_pixel_does_not_change_the_range_of_a_film_without_window(value):
    values = smooth(10) + 3000
    values[5, 5] = value
    xray = read_radiograph(make_dicom(values))
    expected = np.clip((values - 3000.0) / (values[-1, -1] - 3000.0), 0, 1)
    # Half a percent at either end is cut off with it.
    assert np.abs(xray.pixels - expected).max() < 0.08
    assert "range" in warning_codes(xray.warnings)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_pixels_of_floating_point_numbers(dtype):
    values = np.array([[-1, 0, 1, 3], [np.nan, 1, 1, 1]], dtype)
    keyword = "FloatPixelData" if dtype == np.float32 else "DoubleFloatPixelData"
    elements = {"PixelData": None, "BitsStored": None, "PixelRepresentation": None}
    data = make_dicom(values, **elements, **{keyword: values.tobytes()})
    np.testing.assert_allclose(
        read_radiograph(data).pixels, [[0, 0.25, 0.5, 1], [0, 0.5, 0.5, 0.5]], atol=1e-6
    )


def test_values_of_32_bits():
    values = np.array([[-(2**31), 0, 2**30, 2**31 - 1]], np.int32)
    np.testing.assert_allclose(
        read_radiograph(make_dicom(values)).pixels, [[0, 0.5, 0.75, 1]], atol=1e-6
    )


@pytest.mark.parametrize(
    ("tag", "read"),
    [
        ((0x0028, 0x0010), True),
        ((0x0028, 0x0100), False),  # 16 by its bytes, which are pixels of 8
        ((0x0028, 0x0101), True),
        ((0x0028, 0x0103), True),
        ((0x0028, 0x1050), True),
        ((0x0028, 0x3010), True),
        ((0x0008, 0x0060), True),
    ],
)
def test_an_unknown_vr(tag, read):
    from tests.hostile_files import unknown_vr

    if read:
        assert read_radiograph(unknown_vr(tag)).pixels.shape == (16, 16)
        return
    with pytest.raises(RadiographError):
        read_radiograph(unknown_vr(tag))
