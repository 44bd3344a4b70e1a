"""When a heatmap's place is worth an alarm."""

import re
from dataclasses import replace

import cv2
import numpy as np
import pytest

from xraycore.anatomy.lung_field import LungField
from xraycore.attribution.heatmap import Heatmap
from xraycore.attribution.plausibility import (
    check_plausibility,
    describe_heatmap,
    hottest_near,
    on_the_border,
    small_and_bright,
)
from xraycore.datasets.synthetic.phantom import make_phantom
from xraycore.imaging.box import Box
from xraycore.imaging.radiograph import Radiograph, RadiographInfo

SIDE = 256


@pytest.fixture(scope="module")
def film():
    pixels = make_phantom(1, size=SIDE).pixels
    return Radiograph(pixels, RadiographInfo("film.png", "0" * 64, "PNG", SIDE, SIDE, 8))


@pytest.fixture
def lungs():
    """Columns 20 to 59 and 68 to 107 of 128, with a rim of 4: 96 of 128 columns, three quarters."""
    mask = np.zeros((128, 128), bool)
    mask[:, 20:60] = mask[:, 68:108] = True
    return LungField(mask, Box())


def spot(row, column):
    values = np.zeros((16, 16), np.float32)
    values[row, column] = 1
    return Heatmap(values, "COVID-19", "grad_cam", "toy", Box())


def test_heat_in_the_lungs_is_no_alarm(film, lungs):
    assert check_plausibility(spot(8, 5), film, lungs) == ()


def test_heat_outside_the_lungs_is(film, lungs):
    (said,) = check_plausibility(spot(8, 14), film, lungs)
    # Drawn bilinearly, a little of the spot reaches the rim of the lungs, which ends at column 111.
    assert re.fullmatch(
        r"Only 12 % of the heat lies in the lungs, which fill 75 % of what the network "
        r"looks at: the answer may rest on something else\.",
        said,
    )


def test_heat_that_is_the_same_everywhere_is(film, lungs):
    """More than half of it lies in these large lungs, and it still shows nothing of them."""
    even = Heatmap(np.ones((4, 4), np.float32), "COVID-19", "grad_cam", "toy", Box())
    assert lungs.lung_fraction_of(Box()) == pytest.approx(0.75, abs=0.01)
    slightly_outside = Heatmap(np.ones((4, 4), np.float32), "COVID-19", "grad_cam", "toy", Box())
    slightly_outside.values[:, -1] = 1.5
    assert not any("Only" in text for text in check_plausibility(even, film, lungs))
    assert any("Only" in text for text in check_plausibility(slightly_outside, film, lungs))


def test_heat_in_a_corner_sits_on_the_border_too(film, lungs):
    said = check_plausibility(spot(0, 15), film, lungs)
    assert len(said) == 2
    assert said[1].endswith("of the heat lies on the border of the film.")


def test_the_border_by_hand():
    # Of 50 pixels a side 2 on each side are border: 2500 - 46 * 46 of 2500.
    assert on_the_border(np.ones((50, 50))) == pytest.approx(1 - 46 * 46 / 2500)
    assert on_the_border(np.zeros((50, 50))) == 0


def test_a_marker_under_the_hottest_point_is_told(film, lungs):
    letter = np.zeros((SIDE, SIDE), np.uint8)
    cv2.putText(letter, "R", (78, 140), cv2.FONT_HERSHEY_SIMPLEX, 0.6, 255, 2)
    with_marker = Radiograph(np.maximum(film.pixels, letter / np.float32(255)), film.info)
    assert "such as a marker" in check_plausibility(spot(8, 5), with_marker, lungs)[0]
    assert check_plausibility(spot(8, 10), with_marker, lungs) == ()


def test_anatomy_is_no_marker():
    for seed in range(5):
        pixels = make_phantom(seed, opacity=True, size=SIDE).pixels
        heat = np.zeros((SIDE, SIDE), np.float32)
        for row, column in np.random.default_rng(seed).integers(20, 236, (40, 2)):
            heat[:] = 0
            heat[row, column] = 1
            assert not hottest_near(heat, small_and_bright(pixels))


def test_no_heat_and_no_lungs(film, lungs):
    cold = Heatmap(np.zeros((4, 4), np.float32), "Normal", "grad_cam", "toy", Box())
    assert check_plausibility(cold, film, lungs) == ()
    nowhere = LungField(np.zeros((128, 128), bool), Box())
    assert check_plausibility(spot(8, 5), film, nowhere) == ()


def test_a_map_below_its_threshold_is_not_told_as_heat(lungs):
    faint = replace(spot(8, 5), threshold=2.0)
    told = describe_heatmap(faint, lungs)
    assert told.startswith("Too little evidence for COVID-19 to be coloured")
    assert "Heat: evidence" not in told
    # Stretched it is coloured, and told so.
    told = describe_heatmap(faint.stretched(), lungs)
    assert told.startswith("Heat: evidence for COVID-19. In the")
