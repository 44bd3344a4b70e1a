import numpy as np
import pytest

from xraycore.attribution.heatmap import Heatmap
from xraycore.attribution.metrics.agreement import MapAgreement, consensus_map, map_agreement
from xraycore.imaging.box import Box
from xraycore.imaging.radiograph import Radiograph, RadiographInfo


def heatmap(values, box=None):
    return Heatmap(np.array(values, np.float32), "Normal", "toy", "toy", box or Box())


def radiograph(height, width):
    info = RadiographInfo("film.png", "0" * 64, "PNG", width=width, height=height, bit_depth=8)
    return Radiograph(np.zeros((height, width), np.float32), info)


@pytest.fixture
def ten():
    """A film of 10 x 10 pixels, so that the hottest tenth is ten pixels."""
    return radiograph(10, 10)


def test_by_hand(ten):
    values = np.arange(100.0).reshape(10, 10)
    swapped = values.copy()
    # Five of the ten hottest change places with the five coldest.
    swapped[0, :5], swapped[9, :5] = values[9, :5], values[0, :5]
    found = map_agreement(
        {"A": heatmap(values), "B": heatmap(3 * values), "C": heatmap(swapped)}, ten
    )
    assert found.names == ("A", "B", "C")
    apart = 5 / 15
    np.testing.assert_allclose(found.iou, [[1, 1, apart], [1, 1, apart], [apart, apart, 1]])
    # Spearman: 1 - 6 * sum of squared moves / (n (n^2 - 1)), ten cells having moved by 90.
    rank = 1 - 6 * 10 * 90**2 / (100 * (100**2 - 1))
    np.testing.assert_allclose(found.rank_correlation[2], [rank, rank, 1])
    assert found.mean_iou == pytest.approx((1 + 2 * apart) / 3)
    assert found.least_alike == ("A", "C")


def test_only_what_all_maps_cover_is_compared(ten):
    """A map of the lower half against one of the whole film: above, one of them knows nothing."""
    values = np.arange(100.0).reshape(10, 10)
    half = heatmap(values[5:], Box(top=0.5))
    above = values.copy()
    above[:5] = 1000
    found = map_agreement({"half": half, "whole": heatmap(above)}, ten)
    assert (found.iou[0, 1], found.rank_correlation[0, 1]) == pytest.approx((1, 1))


def test_large_films_are_compared_on_a_smaller_grid():
    random = np.random.default_rng(0)
    first, second = (heatmap(random.random((14, 14))) for _ in range(2))
    heats = {"A": first, "B": second}
    small, large = (map_agreement(heats, radiograph(side, side)) for side in (256, 2560))
    np.testing.assert_array_equal(small.iou, large.iou)
    np.testing.assert_array_equal(small.rank_correlation, large.rank_correlation)


def test_maps_with_nothing_to_compare(ten):
    upper, lower = (heatmap(np.ones((2, 2)), box) for box in (Box(bottom=0.5), Box(top=0.5)))
    with pytest.raises(ValueError, match="a common part of the film"):
        map_agreement({"upper": upper, "lower": lower}, ten)
    with pytest.raises(ValueError, match="at least two maps. Received: upper"):
        map_agreement({"upper": upper}, ten)


def test_the_readings():
    three = np.array([[1, 0.5, 0.08], [0.5, 1, 0.2], [0.08, 0.2, 1]])
    assert MapAgreement(("VGG16", "ResNet50", "Xception"), three, three).reading == (
        "Of the places that either of two maps counts among its hottest 10 %, 26 % are in both on "
        "average; fewest, 8 %, of VGG16 and Xception."
    )
    assert MapAgreement(("Grad-CAM", "RISE"), three[:2, :2], three[:2, :2]).reading == (
        "Of the places that Grad-CAM or RISE count among their hottest 10 %, 50 % are in both."
    )


def test_votes_by_hand(ten):
    """Two of three maps have their hottest tenth in the last row, one in the first."""
    values = np.arange(100.0).reshape(10, 10)
    heats = {"A": heatmap(values), "B": heatmap(2 * values), "C": heatmap(values[::-1].copy())}
    found = consensus_map(heats, ten)
    np.testing.assert_allclose(found.shares[9], 2 / 3)
    np.testing.assert_allclose(found.shares[0], 1 / 3)
    assert not found.shares[1:9].any()
    np.testing.assert_array_equal(found.on(ten.pixels.shape), found.shares)


def test_a_map_without_heat_has_no_vote(ten):
    values = np.arange(100.0).reshape(10, 10)
    found = consensus_map({"A": heatmap(values), "cold": heatmap(np.zeros((10, 10)))}, ten)
    assert found.shares.max() == pytest.approx(0.5)
    with pytest.raises(ValueError, match="at least one map"):
        consensus_map({}, ten)
