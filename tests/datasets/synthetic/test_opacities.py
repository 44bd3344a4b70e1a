"""Opacities painted into lungs: where they are, how they look, what they leave alone."""

import cv2
import numpy as np
import pytest

from xraycore.datasets.synthetic.opacities import (
    OPACITIES,
    _logit,
    lung_width,
    paint_opacity,
    places_in,
)
from xraycore.datasets.synthetic.phantom import make_phantom
from xraycore.errors import ArgumentError

SIDE = 256


@pytest.fixture(scope="module")
def chest():
    return make_phantom(4, size=SIDE)


def painted(chest, kind, seed=0):
    random = np.random.default_rng(seed)
    ((centre, radius),) = places_in(chest.lungs, 1, random)
    return centre, radius, *paint_opacity(kind, chest.pixels, chest.lungs, centre, radius, random)


@pytest.mark.parametrize("kind", OPACITIES)
@pytest.mark.parametrize("seed", range(6))
def test_an_opacity_brightens_its_own_place_in_one_lung_only(chest, kind, seed):
    centre, radius, film, lesion = painted(chest, kind, seed)
    assert film.dtype == np.float32
    assert 0 <= film.min() <= film.max() <= 1
    np.testing.assert_array_equal(film[~lesion], chest.pixels[~lesion])
    assert (film >= chest.pixels).all()
    assert (film - chest.pixels)[lesion].max() > 0.05
    assert not (lesion & ~chest.lungs).any()
    parts = cv2.connectedComponents(chest.lungs.astype(np.uint8))[1]
    assert np.unique(parts[lesion]).tolist() == [parts[centre]]
    assert 0.005 < lesion.sum() / chest.lungs.sum() < 0.45


def test_the_same_seed_paints_the_same(chest):
    for kind in OPACITIES:
        np.testing.assert_array_equal(painted(chest, kind)[2], painted(chest, kind)[2])
        assert not np.array_equal(painted(chest, kind)[2], painted(chest, kind, seed=1)[2])


def mean_gain(chest, kind, where):
    """Mean brightening of those lesion pixels, over several places."""
    gains = []
    for seed in range(8):
        _, _, film, lesion = painted(chest, kind, seed)
        chosen = lesion & where
        gains.append((film - chest.pixels)[chosen].mean() if chosen.any() else 0.0)
    return np.mean(gains)


def test_ground_glass_is_thinner_than_consolidation_and_lies_along_the_outline(chest):
    everywhere = np.ones_like(chest.lungs)
    haze, dense = (mean_gain(chest, kind, everywhere) for kind in ("ground_glass", "focal"))
    assert haze < 0.75 * dense
    depth = cv2.distanceTransform(chest.lungs.astype(np.uint8), cv2.DIST_L2, 5)
    outer, inner = depth < 0.3 * depth.max(), depth > 0.7 * depth.max()
    at_edge, in_middle = (mean_gain(chest, "ground_glass", where) for where in (outer, inner))
    assert at_edge > 1.1 * in_middle


def test_ground_glass_can_be_seen():
    """Drawn infections of COVID-QU-Ex lie 0.10 above the rest of the lung in the median."""
    above = []
    for seed in range(12):
        found = make_phantom(seed, opacity=True, kind="ground_glass", size=SIDE)
        inside, rest = found.lesion & found.lungs, found.lungs & ~found.lesion
        above.append(np.median(found.pixels[inside]) - np.median(found.pixels[rest]))
    assert 0.08 < np.median(above) < 0.12


def test_an_interstitial_pattern_is_lines(chest):
    """Much of its region is left as it was, and what is painted changes from pixel to pixel."""

    def roughness(kind):
        _, _, film, lesion = painted(chest, kind)
        change = film - chest.pixels
        return np.abs(cv2.Laplacian(change, cv2.CV_32F))[lesion].mean() / change[lesion].mean()

    assert roughness("interstitial") > 3 * roughness("focal")


def test_a_lobar_consolidation_reaches_across_its_lung(chest):
    centre, _, _, lesion = painted(chest, "lobar")
    parts = cv2.connectedComponents(chest.lungs.astype(np.uint8))[1]
    row = (parts == parts[centre])[centre[0]]
    assert lesion[centre[0]][row].mean() > 0.8


def test_places_lie_well_inside(chest):
    depth = cv2.distanceTransform(chest.lungs.astype(np.uint8), cv2.DIST_L2, 5)
    places = places_in(chest.lungs, 50, np.random.default_rng(0))
    assert len({centre for centre, _ in places}) > 40
    assert min(depth[centre] for centre, _ in places) > 0.4 * depth.max()


def test_an_unknown_kind_is_refused(chest):
    with pytest.raises(ValueError, match="one of focal, lobar, .*Received: 'nodule'"):
        paint_opacity("nodule", chest.pixels, chest.lungs, (1, 1), 5, np.random.default_rng(0))


def test_structure_stays_visible_through_a_consolidation():
    plain = np.full((64, 64), 0.3, np.float32)
    ribs = plain.copy()
    ribs[::8] += 0.05
    lungs = np.ones((64, 64), bool)
    before = ribs.copy()
    painted, lesion = paint_opacity("focal", ribs, lungs, (32, 32), 12, np.random.default_rng(0))
    without, _ = paint_opacity("focal", plain, lungs, (32, 32), 12, np.random.default_rng(0))
    np.testing.assert_array_equal(ribs, before)
    assert lesion[32, 32]
    assert not lesion[0].any()
    assert painted[32, 32] > ribs[32, 32] + 0.08
    # Ribs keep some of their contrast, and lose some.
    kept = (painted - without)[32, 29:36] / 0.05
    assert kept.min() > 0.25
    assert kept.max() < 0.9


def test_a_consolidation_stays_in_the_lung_of_its_centre():
    film = np.full((64, 64), 0.3, np.float32)
    lungs = np.zeros((64, 64), bool)
    lungs[:, 4:30] = lungs[:, 34:60] = True
    film[~lungs] = 0.8
    painted, lesion = paint_opacity("focal", film, lungs, (32, 26), 14, np.random.default_rng(0))
    assert lesion[:, 4:30].sum() > 100
    assert not lesion[:, 30:].any()
    np.testing.assert_array_equal(painted[:, 30:], film[:, 30:])


@pytest.mark.parametrize("centre", [(2, 2), (-1, 20), (20, 64)])
def test_a_consolidation_outside_the_lungs_is_refused(centre):
    film, lungs = np.full((64, 64), 0.3, np.float32), np.zeros((64, 64), bool)
    lungs[10:50, 10:50] = True
    with pytest.raises(ValueError, match="inside the lungs"):
        paint_opacity("focal", film, lungs, centre, 8, np.random.default_rng(0))


def test_strength_decides_how_dense(chest):
    random = np.random.default_rng(0)
    ((centre, radius),) = places_in(chest.lungs, 1, random)

    def gain(strength):
        rng = np.random.default_rng(1)
        film, lesion = paint_opacity(
            "focal", chest.pixels, chest.lungs, centre, radius, rng, strength
        )
        return (film - chest.pixels)[lesion].mean()

    assert gain(0.0) < gain(0.5) < gain(1.0)
    assert gain(0.0) <= gain(None) <= gain(1.0)


def test_a_lungs_width_is_that_of_the_lung_at_the_place():
    lungs = np.zeros((6, 20), bool)
    lungs[1:4, 2:6] = lungs[2:5, 10:17] = True
    assert (lung_width(lungs, (2, 3)), lung_width(lungs, (4, 12))) == (4, 7)


@pytest.mark.parametrize("row", [0, 39])
@pytest.mark.parametrize("column", [0, 29])
def test_a_lung_may_reach_the_border_of_a_cropped_film_but_not_beyond(row, column):
    pixels, lungs = np.full((40, 30), 0.3, np.float32), np.ones((40, 30), bool)
    _, lesion = paint_opacity("focal", pixels, lungs, (row, column), 6, np.random.default_rng(0))
    assert lesion.any()
    for beyond in ((row + np.sign(row - 1), column), (row, column + np.sign(column - 1))):
        with pytest.raises(ArgumentError, match="inside the lungs"):
            paint_opacity("focal", pixels, lungs, beyond, 6, np.random.default_rng(0))


def test_log_odds_of_black_and_white_are_those_of_a_hundredth():
    values = np.array([0, 0.01, 0.012, 0.5, 0.988, 0.99, 1])
    odds = [1 / 99, 1 / 99, 0.012 / 0.988, 1, 0.988 / 0.012, 99, 99]
    np.testing.assert_allclose(_logit(values), np.log(odds), atol=1e-12)
