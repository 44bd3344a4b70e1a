"""Each measured threshold of heatmaps and of what is said of them: just below, just above."""

import numpy as np
import pytest

from xraycore.anatomy.lung_field import LungField
from xraycore.attribution.counterfactual import cleared, excess_brightness, softened
from xraycore.attribution.heatmap import Heatmap
from xraycore.attribution.metrics.robustness import (
    DISTURBANCES,
    Disturbed,
    Robustness,
)
from xraycore.attribution.metrics.similarity import Similarity
from xraycore.attribution.plausibility import (
    check_plausibility,
    hottest_near,
    on_the_border,
    small_and_bright,
)
from xraycore.imaging.box import Box
from xraycore.imaging.radiograph import Radiograph, RadiographInfo

SIDE = 512


def profile_width(values):
    """Standard deviation of a profile in pixels, taken as weights."""
    places = np.arange(len(values))
    mean = np.average(places, weights=values)
    return np.sqrt(np.average((places - mean) ** 2, weights=values))


def test_the_blur_is_2_7_per_cent_of_the_side():
    spot = np.zeros((SIDE, SIDE), np.float32)
    spot[256, 256] = 1
    assert profile_width(softened(spot).sum(axis=0)) == pytest.approx(0.027 * SIDE, rel=0.01)
    # Of a film that is no square, of its height.
    wide = np.zeros((128, SIDE), np.float32)
    wide[64, 256] = 1
    assert profile_width(softened(wide).sum(axis=0)) == pytest.approx(0.027 * 128, rel=0.02)


def test_clear_lung_is_as_bright_as_its_darkest_15_per_cent_end():
    """On a ramp from black to white the 15th percentile is grey 0.15."""
    ramp = np.tile(np.linspace(0, 1, SIDE, dtype=np.float32), (SIDE, 1))
    clear = cleared(ramp, np.ones((SIDE, SIDE), np.float32))
    np.testing.assert_allclose(clear[100, 150:400], 0.15, atol=0.003)
    # What is darker than that stays.
    np.testing.assert_allclose(clear[100, 40:70], ramp[100, 40:70], atol=0.003)


def test_only_what_is_more_lung_than_not_says_how_bright_clear_lung_is():
    """Beside the lung's brighter half lies a quarter of the film that is 0.4 or 0.6 lung."""
    film = np.full((128, 128), 0.6, np.float32)
    film[:, :32] = 0.2
    found = {}
    for share in (0.45, 0.55):
        lungs = np.ones((128, 128), np.float32)
        lungs[:, :32] = share
        found[share] = excess_brightness(film, lungs)[64, 90]
    assert found[0.45] == pytest.approx(0, abs=0.02)
    assert found[0.55] == pytest.approx(0.4, abs=0.02)


def test_clearing_fades_out_over_0_9_per_cent_of_the_side():
    film = np.full((SIDE, SIDE), 0.6, np.float32)
    film[:, :120] = 0.1
    lungs = np.zeros((SIDE, SIDE), np.float32)
    lungs[:, :350] = 1
    taken = (film - cleared(film, lungs))[256]
    assert taken[300] == pytest.approx(0.5, abs=1e-3)
    falling = -np.diff(taken[300:400])
    assert profile_width(np.maximum(falling, 0)) == pytest.approx(0.009 * SIDE, rel=0.03)
    assert falling[:49].sum() == pytest.approx(0.25, abs=0.03)


@pytest.fixture(scope="module")
def film():
    """A dark film of 256 pixels, without anything small and bright."""
    info = RadiographInfo("film.png", "0" * 64, "PNG", width=256, height=256, bit_depth=8)
    return Radiograph(np.full((256, 256), 0.3, np.float32), info)


@pytest.fixture(scope="module")
def narrow():
    """Lungs that are with their rim the middle quarter of the film: columns 48 to 79 of 128."""
    mask = np.zeros((128, 128), bool)
    mask[:, 52:76] = True
    return LungField(mask, Box())


def shared(inside, where):
    """A map with that share of its heat in the part of 128 x 128 cells, the rest elsewhere."""
    part = np.zeros((128, 128), bool)
    part[where] = True
    values = np.where(part, inside / part.sum(), (1 - inside) / (~part).sum())
    return Heatmap(values.astype(np.float32), "COVID-19", "grad_cam", "toy", Box())


@pytest.mark.parametrize(("inside", "said"), [(0.49, True), (0.51, False)])
def test_half_of_the_heat_belongs_into_the_lungs(film, narrow, inside, said):
    assert narrow.lung_fraction_of(Box()) == pytest.approx(0.25)
    heat = shared(inside, np.s_[:, 48:80])
    assert narrow.fraction_in_lungs(heat.values, heat.box) == pytest.approx(inside, abs=1e-3)
    found = check_plausibility(heat, film, narrow)
    assert [text.startswith("Only 49 % of the heat lies in the lungs") for text in found] == (
        [True] if said else []
    )


@pytest.mark.parametrize(("share", "said"), [(0.245, False), (0.255, True)])
def test_a_quarter_of_the_heat_on_the_border_is_said(film, narrow, share, said):
    values = np.zeros((256, 256), np.float32)
    # Of 256 pixels a side ten are border: 0.04 of it is 10.24.
    values[20:236, 100:156] = (1 - share) / (216 * 56)
    values[:10, 100:156] = share / 560
    heat = Heatmap(values, "COVID-19", "grad_cam", "toy", Box())
    assert on_the_border(values) == pytest.approx(share, abs=1e-4)
    texts = check_plausibility(heat, film, narrow)
    assert any("on the border" in text for text in texts) == said


@pytest.mark.parametrize("edge", [np.s_[9], np.s_[246], np.s_[:, 9], np.s_[:, 246]])
def test_ten_of_256_pixels_are_border_on_every_side(edge):
    values = np.zeros((256, 256))
    values[edge] = 1
    assert on_the_border(values) == 1.0
    inner = np.zeros((256, 256))
    inner[10:246, 10:246] = 1
    assert on_the_border(inner) == 0.0


@pytest.mark.parametrize(
    ("rows", "columns", "near"),
    [
        # Nine pixels are 2 % of 21 x 21, and eight are not.
        (slice(100, 103), slice(108, 111), True),
        (slice(100, 102), slice(107, 111), False),
        # Ten pixels away counts, eleven does not.
        (slice(100, 109), slice(110, 111), True),
        (slice(100, 109), slice(111, 120), False),
        (slice(100, 109), slice(90, 91), True),
        (slice(100, 109), slice(81, 90), False),
        (slice(110, 111), slice(100, 109), True),
        (slice(111, 120), slice(100, 109), False),
        (slice(90, 91), slice(100, 109), True),
        (slice(81, 90), slice(100, 109), False),
    ],
)
def test_how_near_a_marker_is(rows, columns, near):
    heat, things = np.zeros((256, 256)), np.zeros((256, 256), bool)
    heat[100, 100], things[rows, columns] = 1, True
    assert hottest_near(heat, things) == near


def test_a_marker_in_the_corner_is_near_to_what_is_there():
    heat, things = np.zeros((256, 256)), np.zeros((256, 256), bool)
    heat[0, 0], things[5:8, 5:8] = 1, True
    assert hottest_near(heat, things)
    assert not hottest_near(heat[::-1, ::-1], things)


@pytest.mark.parametrize(("brighter", "found"), [(0.38, False), (0.42, True)])
def test_how_much_brighter_a_marker_is(brighter, found):
    film = np.full((256, 256), 0.3, np.float32)
    film[100:104, 100:110] += brighter
    things = small_and_bright(film)
    assert things[100:104, 100:110].all() == found
    assert things.any() == found


@pytest.mark.parametrize(("wide", "found"), [(12, True), (13, False)])
def test_how_small_a_marker_is(wide, found):
    """A bar is small where the disc of 13 pixels does not fit into it."""
    film = np.full((256, 256), 0.3, np.float32)
    film[50:200, 100 : 100 + wide] = 0.9
    assert small_and_bright(film)[125, 100 + wide // 2] == found


@pytest.mark.parametrize(
    ("least", "said"),
    [
        (0.9, "The map stays as it is"),
        (0.899, "The map stays on the whole"),
        (0.7, "The map stays on the whole"),
        (0.699, "The map changes where a reader sees no change"),
    ],
)
def test_what_a_rank_correlation_is_called(least, said):
    heat = Heatmap(np.ones((2, 2), np.float32), "Normal", "toy", "toy", Box())
    disturbed = (Disturbed(DISTURBANCES[0], heat, 0.5, Similarity(1, least, 1)),)
    assert Robustness(heat, 0.5, disturbed).reading.startswith(said)
