"""Many films together beside the known ones, worked out by hand."""

import numpy as np
import pytest

from xraycore.anatomy.feature_distance import FEWEST, FeatureMoments, distance_from_known
from xraycore.anatomy.ood import OODDetector

# Mean nought, and each varies by 1 independently of the other.
SQUARE = np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]], np.float32)


def moments(values, places=None):
    found = FeatureMoments(2)
    found.add(np.asarray(values), np.arange(len(values)) // 4 if places is None else places)
    return found


def test_a_distance_is_that_of_means_and_spreads_in_standard_deviations():
    films = np.tile(SQUARE, (10, 1))
    assert moments(films).distance() == (0, 0, 0)
    # 3 and 4 along the axes; each tenth says the same, so the interval has no width.
    assert moments(films + [3, 4]).distance() == pytest.approx((5, 5, 5))
    # Three times the spread along one axis, none along the other: the root of 2 squared and 1.
    assert moments(films * [3, 0]).distance()[0] == pytest.approx(5**0.5)
    # Turned by 45 degrees it is as far.
    turn = np.array([[1, 1], [-1, 1]]) / 2**0.5
    assert distance_from_known(np.zeros(2), turn @ np.diag([9.0, 0.0]) @ turn.T) == pytest.approx(
        5**0.5
    )


def test_the_interval_is_the_jackknifes():
    """Tenths whose means lie apart: left out one after another, by hand in one dimension."""
    shifts = np.arange(10) - 4.5
    values = np.concatenate([SQUARE + [10 + shift, 0] for shift in shifts])
    distance, low, high = moments(values).distance()
    each = []
    for part in range(10):
        kept = np.delete(values.reshape(10, 4, 2), part, axis=0).reshape(-1, 2)
        each.append(np.hypot(kept[:, 0].mean(), kept[:, 0].std() - 1))
    spread = (0.9 * ((each - np.mean(each)) ** 2).sum()) ** 0.5
    assert distance == pytest.approx(np.hypot(10, values[:, 0].std() - 1))
    assert (distance - low, high - distance) == pytest.approx((2.262 * spread,) * 2)


def test_parts_of_an_archive_count_as_the_whole_and_few_films_say_nothing():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(500, 2))
    whole, one = moments(values, np.arange(500)), moments(values[:90], np.arange(90))
    one.add(values[90:], np.arange(90, 500))
    assert one.count == whole.count == 500
    assert one.distance() == pytest.approx(whole.distance())
    low, high = whole.distance()[1:]
    assert 0 <= low < whole.distance()[0] < high
    few = values[: FEWEST - 1]
    assert moments(few, np.arange(len(few))).distance() is None
    # A tenth of which there is no film.
    assert moments(values, np.arange(500) // 100).distance() is None


def test_components_of_the_known_films_vary_by_one_and_independently():
    rng = np.random.default_rng(1)
    mixed = rng.normal(size=(4000, 20)) @ rng.normal(size=(20, 20))
    mean, scale = mixed.mean(axis=0), mixed.std(axis=0)
    standard = (mixed - mean) / scale
    known = OODDetector(mean, scale, np.linalg.inv(np.cov(standard.T)).astype(np.float32), 1.0)
    found = known.components(np.expm1(mixed))
    assert found.shape == (4000, 16) and found.dtype == np.float32
    np.testing.assert_allclose(found.mean(axis=0), 0, atol=1e-3)
    np.testing.assert_allclose(np.cov(found.T), np.eye(16), atol=0.02)
    assert distance_from_known(found.mean(axis=0), np.cov(found.T)) < 0.05
    # The most first, whichever way a machine's eigenvectors point.
    assert np.corrcoef(found[:, 0], standard @ np.linalg.svd(standard)[2][0])[0, 1] ** 2 > 0.999
