import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from xraycore.attribution.metrics.similarity import (
    hottest,
    hottest_overlap,
    rank_correlation,
    similarity,
    ssim,
    stretched,
)


def test_ssim_of_even_images_by_hand():
    """Means 1 and 0, no variance: 0.0001 / 1.0001 for the brightness, 1 for the structure."""
    one, none = np.ones((20, 30)), np.zeros((20, 30))
    assert ssim(one, none) == pytest.approx(0.0001 / 1.0001)
    assert ssim(one, one) == 1.0


def test_ssim_is_the_papers_formula():
    random = np.random.default_rng(0)
    x, y = random.random((2, 40, 25))

    def mean(image):
        return gaussian_filter(image, 1.5, radius=5)

    covariance = mean(x * y) - mean(x) * mean(y)
    variances = mean(x * x) - mean(x) ** 2 + mean(y * y) - mean(y) ** 2
    expected = (2 * mean(x) * mean(y) + 0.0001) * (2 * covariance + 0.0009)
    expected /= (mean(x) ** 2 + mean(y) ** 2 + 0.0001) * (variances + 0.0009)
    assert ssim(x, y) == pytest.approx(expected.mean(), rel=1e-9)
    assert abs(ssim(x, y)) < 0.2 < 0.6 < ssim(x, 0.8 * x + 0.2 * y)


def test_rank_correlation_by_hand():
    first = np.array([[1.0, 2], [3, 4]])
    # Two neighbours change places: 1 - 6 * 2 / (4 * 15).
    assert rank_correlation(first, np.array([[10.0, 300], [20, 4000]])) == pytest.approx(0.8)
    assert rank_correlation(first, -first) == pytest.approx(-1)
    assert rank_correlation(first, np.ones((2, 2))) == 0.0


def test_the_hottest_part_by_hand():
    values = np.arange(10.0).reshape(2, 5)
    np.testing.assert_array_equal(hottest(values, 0.2), values >= 8)
    # What has no heat is not hot, however little has; the equally hot are hot together.
    np.testing.assert_array_equal(hottest((values == 3) * 2.0, 0.5), values == 3)
    np.testing.assert_array_equal(hottest(np.where(values < 4, 5, 0), 0.2), values < 4)
    assert not hottest(np.zeros((2, 5))).any()


def test_overlap_of_the_hottest_parts_by_hand():
    values = np.arange(10.0)
    other = np.array([0, 0, 0, 0, 0, 0, 0, 9, 0, 8.0])
    # 8 and 9 in one, 7 and 9 in the other.
    assert hottest_overlap(values, other, 0.2) == pytest.approx(1 / 3)
    assert hottest_overlap(values, np.zeros(10)) == 0.0
    assert hottest_overlap(np.zeros(10), np.zeros(10)) == 0.0


def test_strength_does_not_count():
    heat = np.random.default_rng(1).random((30, 30))
    alike = similarity(heat, 7 * heat)
    assert (alike.ssim, alike.rank_correlation, alike.iou) == pytest.approx((1, 1, 1))
    np.testing.assert_array_equal(stretched(np.zeros((2, 2))), np.zeros((2, 2)))


def test_maps_that_have_nothing_to_do_with_each_other_overlap_by_chance():
    first, second = np.random.default_rng(2).random((2, 200, 200))
    alike = similarity(first, second)
    assert alike.iou == pytest.approx(0.1 * 0.1 / (0.2 - 0.1 * 0.1), abs=0.01)
    assert alike.rank_correlation == pytest.approx(0, abs=0.02)
