"""Maps with next to no heat, with a little in few places, and with heat that is all the same."""

import numpy as np
import pytest

from xraycore.anatomy.lung_field import LungField
from xraycore.attribution.heatmap import Heatmap
from xraycore.attribution.metrics.agreement import consensus_map, map_agreement
from xraycore.attribution.metrics.faithfulness import Curve, hottest_first
from xraycore.attribution.metrics.imputation import linear_imputation
from xraycore.attribution.metrics.localisation import THRESHOLDS, compare_map, pointing_game
from xraycore.attribution.metrics.similarity import (
    hottest,
    hottest_overlap,
    rank_correlations,
    similarity,
    stretched,
)
from xraycore.attribution.plausibility import check_plausibility, on_the_border
from xraycore.attribution.registry import ANALYTIC, METHODS
from xraycore.imaging.box import Box
from xraycore.imaging.radiograph import Radiograph, RadiographInfo

# As strong as a map may be that nobody would call one.
FAINT = np.float32(1e-20)


def heatmap(values, scale=None, box=None):
    values = np.asarray(values, np.float32)
    return Heatmap(values, "Normal", "grad_cam", "toy", box or Box(), scale)


def radiograph(side):
    info = RadiographInfo("film.png", "0" * 64, "PNG", width=side, height=side, bit_depth=8)
    return Radiograph(np.full((side, side), 0.3, np.float32), info)


@pytest.fixture
def faint():
    values = np.zeros((8, 8), np.float32)
    values[2, 3] = FAINT
    return values


def test_a_faint_map_is_cold_on_its_models_scale_and_hot_stretched(faint):
    film = radiograph(8)
    assert heatmap(faint, scale=5.0).on(film).max() == pytest.approx(2e-21)
    shown = heatmap(faint, scale=5.0).stretched().on(film)
    assert shown.max() == 1.0 == shown[2, 3]
    assert not heatmap(0 * faint, scale=5.0).stretched().on(film).any()
    # A map without a scale of its own has none that is 0 either.
    assert not heatmap(0 * faint, scale=0.0).on(film).any()


def test_comparisons_know_no_strength(faint):
    strong = faint / FAINT
    np.testing.assert_array_equal(stretched(faint), strong)
    alike = similarity(faint, strong)
    assert (alike.ssim, alike.rank_correlation, alike.iou) == pytest.approx((1, 1, 1))
    assert hottest(faint).sum() == 1
    assert hottest_overlap(faint, strong) == 1.0
    assert hottest_overlap(faint, np.roll(strong, 1)) == 0.0


def test_less_heat_than_a_tenth_is_all_there_is():
    """Three of a hundred cells: the tenth is these three, and no cold cell."""
    values = np.zeros(100)
    values[:3] = (1, 2, 3)
    np.testing.assert_array_equal(np.flatnonzero(hottest(values)), [0, 1, 2])
    values[:10] = np.arange(1, 11)
    assert hottest(values).sum() == 10
    values[:20] = np.arange(1, 21)
    # The quantile lies between the 90th and the 91st of 100 cells.
    assert hottest(values).sum() == 10
    assert hottest(values, 0.05).sum() == 5


def test_maps_that_are_the_same_everywhere_correlate_with_none():
    ramp = np.arange(12.0).reshape(3, 4)
    found = rank_correlations([ramp, np.ones((3, 4)), ramp[::-1, ::-1], np.zeros((3, 4))])
    expected = np.zeros((4, 4))
    expected[np.ix_([0, 2], [0, 2])] = [[1, -1], [-1, 1]]
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_agreement_of_faint_and_of_cold_maps(faint):
    film = radiograph(8)
    cold = np.zeros((8, 8))
    found = map_agreement({"faint": heatmap(faint), "cold": heatmap(cold)}, film)
    np.testing.assert_array_equal(found.iou, [[1, 0], [0, 0]])
    np.testing.assert_allclose(found.rank_correlation, [[1, 0], [0, 0]], atol=1e-9)
    assert found.mean_iou == 0.0
    assert found.least_alike == ("faint", "cold")
    shares = consensus_map({"faint": heatmap(faint), "cold": heatmap(cold)}, film).shares
    assert shares[2, 3] == 0.5
    assert shares.sum() == 0.5


def test_a_faint_map_has_its_place(faint):
    mask = np.zeros((128, 128), bool)
    mask[:, :60] = True
    field = LungField(mask, Box())
    # Drawn bilinearly it falls from column 56 to nothing at 40 and 72; the rim ends at 64.
    assert field.fraction_in_lungs(faint, Box()) == pytest.approx(7 / 8)
    assert field.fraction_in_lungs(faint[:, ::-1], Box()) == pytest.approx(1 / 8)
    film, large = radiograph(256), np.zeros((16, 16), np.float32)
    large[0, 15] = FAINT
    said = check_plausibility(heatmap(large), film, field)
    assert len(said) == 2
    assert said[0].startswith("Only 0 % of the heat lies in the lungs")
    assert said[1].endswith("on the border of the film.")
    assert on_the_border(large) == 1.0


def test_a_faint_map_is_compared_with_a_mask(faint):
    mask = np.zeros((8, 8), bool)
    mask[2:4, 3:5] = True
    found = compare_map(faint, mask, ~mask)
    assert (found.hit, found.energy_in_mask, found.energy_in_lungs) == (1.0, 1.0, 0.0)
    # The one cell is a quarter of the mask at every threshold.
    np.testing.assert_allclose(found.ious, np.full(len(THRESHOLDS), 0.25))
    even = compare_map(np.full((8, 8), FAINT), mask, ~mask)
    assert even.hit == pytest.approx(4 / 64)
    assert even.energy_in_mask == pytest.approx(4 / 64)
    assert even.energy_in_lungs == pytest.approx(60 / 64)
    np.testing.assert_allclose(even.ious, np.full(len(THRESHOLDS), 4 / 64))
    assert pointing_game(np.zeros((8, 8)), mask) == pytest.approx(4 / 64)


def test_thresholds_go_from_a_twentieth_to_nineteen():
    np.testing.assert_allclose(THRESHOLDS, np.arange(1, 20) / 20)


def test_faint_heat_comes_first_and_the_cold_rest_by_lot(faint):
    orders = [hottest_first(faint, (8, 8), np.random.default_rng(seed)) for seed in (0, 0, 1)]
    assert [order[0] for order in orders] == [2 * 8 + 3] * 3
    np.testing.assert_array_equal(orders[0], orders[1])
    assert (orders[0] != orders[2]).any()
    for order in orders:
        np.testing.assert_array_equal(np.sort(order), np.arange(64))


def test_a_curve_by_hand():
    curve = Curve(np.array([0.0, 0.5, 0.75]), np.array([1.0, 0.0, 2.0]))
    # Triangles of 1/4 and 1/4, over three quarters.
    assert curve.area == pytest.approx(2 / 3)
    assert [curve.at(share) for share in (0.25, 0.5, 0.625, 0.9)] == pytest.approx([0.5, 0, 1, 2])


def test_imputation_by_hand_in_a_corner_and_on_an_edge():
    film = np.arange(9.0).reshape(3, 3)
    # Of the corner: its sides 1 and 3 with 1/6 each, its diagonal 4 with 1/12.
    corner = linear_imputation(film, np.array([0]))
    assert corner[0, 0] == pytest.approx((1 / 6 + 3 / 6 + 4 / 12) / (5 / 12))
    edge = linear_imputation(film, np.array([1]))
    assert edge[0, 1] == pytest.approx(((0 + 2 + 4) / 6 + (3 + 5) / 12) / (8 / 12))
    middle = linear_imputation(film, np.array([4]))
    assert middle[1, 1] == pytest.approx(4.0)
    for changed, place in ((corner, (0, 0)), (edge, (0, 1)), (middle, (1, 1))):
        same = film.copy()
        same[place] = changed[place]
        np.testing.assert_allclose(changed, same)
    # Two neighbours at once: a = (1/6)(b + 3) + 4/12 over 5/12 and so on, solved together.
    both = linear_imputation(film, np.array([0, 1]))
    a, b = both[0, :2]
    assert a * 5 / 12 == pytest.approx(b / 6 + 3 / 6 + 4 / 12)
    assert b * 8 / 12 == pytest.approx((a + 2 + 4) / 6 + (3 + 5) / 12)
    assert linear_imputation(film, np.array([], int)).dtype == np.float32
    left = linear_imputation(film, np.arange(8))
    np.testing.assert_allclose(left, np.full((3, 3), 8.0), rtol=1e-6)
    with pytest.raises(ValueError, match="some pixels to remain. Received 9 of 9"):
        linear_imputation(film, np.arange(9))


@pytest.mark.parametrize("name", ANALYTIC)
def test_features_of_next_to_nothing_and_of_very_much(name):
    """Maps stay finite and never negative, and those in units of the logit scale with it."""
    random = np.random.default_rng(0)
    features = np.maximum(random.normal(0.5, 1, (3, 4, 5)), 0).astype(np.float32)
    kernel, bias = random.normal(0, 1, (5, 3)).astype(np.float32), np.zeros(3, np.float32)
    maps = {scale: ANALYTIC[name](scale * features, kernel, bias) for scale in (1e-6, 1.0, 700.0)}
    for found in (*maps.values(), ANALYTIC[name](0 * features, kernel, bias)):
        assert found.shape == (3, 4, 3)
        assert found.dtype == np.float32
        assert np.isfinite(found).all()
        assert found.min() >= 0
    if name in ("grad_cam", "hires_cam", "layer_cam", "eigen_cam"):
        np.testing.assert_allclose(maps[700.0], 700 * maps[1.0], rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(maps[1e-6], 1e-6 * maps[1.0], rtol=1e-4, atol=1e-12)


def test_what_methods_cost():
    costs = {name: (method.cost, method.quick) for name, method in METHODS.items()}
    assert {costs[name] for name in ANALYTIC} == {("none beyond the prediction", True)}
    assert {name: cost for name, cost in costs.items() if name not in ANALYTIC} == {
        "fused": ("one forward and one backward pass", True),
        "score_cam": ("64 forward passes", False),
        "against_normal_views": ("8 forward passes", False),
        "occlusion": ("196 forward passes", False),
        "rise": ("300 forward passes", False),
        "saliency": ("one forward and one backward pass", True),
        "smooth_grad": ("32 forward and backward passes", False),
        "integrated_gradients": ("32 forward and backward passes", False),
        "clearing": ("8 forward and backward passes", False),
    }
