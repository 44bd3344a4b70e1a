"""Each measured threshold of a film's quality and of its drawing: just below it, just above."""

import numpy as np
import pytest

from tests.dicom_files import make_dicom
from tests.imaging.pictures import encode, png16
from xraycore.imaging import read_radiograph
from xraycore.imaging.overlay import overlay
from xraycore.imaging.quality import quality_warnings
from xraycore.imaging.radiograph import Radiograph, RadiographInfo


def greys(shape, *shares, rest=0.5):
    """A film of one grey, of which those shares are of others: (share, grey), row by row."""
    pixels, start = np.full(shape, rest, np.float32).ravel(), 0
    for share, grey in shares:
        stop = start + round(share * pixels.size)
        pixels[start:stop], start = grey, stop
    return pixels.reshape(shape)


def warned(pixels, words):
    return any(words in text for text in quality_warnings(pixels))


@pytest.mark.parametrize(("shape", "small"), [((128, 200), False), ((127, 200), True)])
def test_a_side_of_128_pixels_is_enough(shape, small):
    assert warned(greys(shape, (0.5, 0.1)), "very small") == small
    assert warned(greys(shape[::-1], (0.5, 0.1)), "very small") == small


@pytest.mark.parametrize(("long", "strip"), [(400, False), (402, True)])
def test_twice_as_long_as_wide_is_a_film_still(long, strip):
    assert warned(greys((200, long), (0.5, 0.1)), "times as wide") == strip
    assert warned(greys((long, 200), (0.5, 0.1)), "times as high") == strip


@pytest.mark.parametrize(("spread", "blank"), [(0.145, True), (0.155, False)])
def test_greys_within_15_per_cent_are_blank(spread, blank):
    assert warned(greys((200, 200), (0.5, 0.5 - spread)), "almost blank") == blank


@pytest.mark.parametrize(("share", "blank"), [(0.009, True), (0.012, False)])
def test_what_one_pixel_in_a_hundred_shows_is_not_blank(share, blank):
    """The range is that from the 1st percentile to the 99th, on either side alone."""
    for grey in (0.2, 0.8):
        assert warned(greys((200, 200), (share, grey)), "almost blank") == blank
    assert warned(greys((1400, 1400), (share, 0.2)), "almost blank") == blank


@pytest.mark.parametrize(("share", "said"), [(0.395, False), (0.405, True)])
def test_two_fifths_of_pure_black(share, said):
    assert warned(greys((200, 200), (share, 0.0), (0.3, 0.8)), "pure black") == said
    # Nearly black is not pure black.
    assert not warned(greys((200, 200), (share, 0.001), (0.3, 0.8)), "pure black")


@pytest.mark.parametrize(("share", "said"), [(0.0995, False), (0.101, True)])
def test_a_tenth_of_pure_white(share, said):
    assert warned(greys((200, 200), (share, 1.0), (0.3, 0.2)), "pure white") == said
    assert not warned(greys((200, 200), (share, 0.999), (0.3, 0.2)), "pure white")


def coloured(samples, made=encode):
    """What is said of the colour of a film of 8-bit or 16-bit samples (H, W, 3)."""
    data = made(samples) if samples.dtype == np.uint8 else png16(samples)
    return [text for text in read_radiograph(data).warnings if "coloured" in text]


@pytest.mark.parametrize(
    ("dtype", "full", "difference"),
    # 24 of 255, and as large a share of the 4095 that twelve bits hold: 385.4.
    [(np.uint8, 255, 24), (np.uint8, 100, 24), (np.uint16, 4095, 385)],
)
@pytest.mark.parametrize("channel", [0, 1, 2])
def test_how_far_channels_differ_in_a_grey_film(dtype, full, difference, channel):
    image = np.full((100, 100, 3), full, dtype)
    image[:50, :, channel] = full - difference
    assert coloured(image) == []
    image[:50, :, channel] = full - difference - 1
    assert len(coloured(image)) == 1


@pytest.mark.parametrize("made", [encode, make_dicom])
def test_one_coloured_pixel_in_a_thousand(made):
    image = np.full((100, 100, 3), 200, np.uint8)
    image[0, :10, 2] = 0
    assert coloured(image, made) == []
    image[0, :11, 2] = 0
    assert coloured(image, made) == [
        "Part of the image is coloured (under 1 %) and was turned to grey: "
        "it may be a photograph, a screenshot or an annotated film."
    ]


def line_of(height, width):
    """How many columns wide the contour along an upright edge is drawn."""
    info = RadiographInfo("film.png", "0" * 64, "PNG", width=width, height=height, bit_depth=8)
    heat = np.zeros((height, width), np.float32)
    heat[:, width // 2 :] = 1
    drawn = overlay(Radiograph(np.zeros((height, width), np.float32), info), heat, contour=0.5)
    left = drawn[height // 2, : width // 2 + 20].any(axis=1)
    return int(left.sum())


def test_contours_are_wider_on_large_films():
    # Of a side of 400 pixels one, and no less of a smaller film; 1.4975 and 1.5025 of 599 and 601.
    thin, wide, wider = line_of(599, 200), line_of(601, 200), line_of(1001, 200)
    assert line_of(100, 80) == thin == 1
    assert thin < wide < wider
    assert (line_of(200, 599), line_of(200, 601)) == (thin, wide)
