"""The grey-scale pipeline of DICOM, worked out by hand."""

import numpy as np
import pytest

from tests.dicom_files import bits12, lut
from xraycore.imaging.film_warnings import warning_codes


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


def test_a_film_of_which_no_value_fits_the_declared_bits_is_shown_whole(read):
    values = np.arange(256, 256 + 40 * 50, dtype=np.uint16).reshape(40, 50)
    xray = read(values, BitsStored=8)
    np.testing.assert_allclose(xray.pixels, (values - 256) / 1999, atol=1e-6)
    assert "range" in warning_codes(xray.warnings)


@pytest.mark.parametrize(("high", "usable"), [(10, False), (11, True), (15, True), (16, False)])
def test_the_highest_bit_lies_within_the_word_and_above_the_others(read, high, usable):
    values = np.array([[0, 1000, 2000, 4095]])
    stored = (values << (high - 11 if usable else 0)).astype(np.uint16)
    xray = read(stored, BitsStored=12, HighBit=high)
    np.testing.assert_allclose(xray.pixels, values / 4095, atol=1e-6)
    assert ("HighBit" in " ".join(xray.warnings)) != usable


def test_significant_bits_may_begin_above_the_lowest(read):
    values = np.array([[0, 1000, 2000, 3000, 4095]])
    xray = read((values << 4).astype(np.uint16), BitsStored=12, HighBit=15)
    np.testing.assert_allclose(xray.pixels, values / 4095, atol=1e-6)


@pytest.mark.parametrize(
    ("stored", "padding", "elements"),
    [
        ([0xFFFF, 0, 2000, 4000], 65535, {}),
        # -2048 in 12 bits without its sign in the others, and with it.
        ([0x0800, 0, 500, 1000], -2048, {"PixelRepresentation": 1}),
        ([0xF800, 0, 500, 1000], -2048, {"PixelRepresentation": 1}),
    ],
)
def test_padding_of_12_bit_films_is_told_in_16(read, stored, padding, elements):
    xray = read(np.array([stored], np.uint16), BitsStored=12, PixelPaddingValue=padding, **elements)
    np.testing.assert_allclose(xray.pixels, [[0, 0, 0.5, 1]], atol=1e-6)


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


def test_one_value_everywhere_has_the_grey_that_its_window_gives_it(read):
    window = {"WindowCenter": "1000", "WindowWidth": "2000", "VOILUTFunction": "LINEAR_EXACT"}
    xray = read(bits12(np.full((4, 4), 1500)), **window)
    np.testing.assert_allclose(xray.pixels, 0.75)
    assert "window" not in warning_codes(xray.warnings)
