import numpy as np
import pytest

from xraycore.retrieval.heat_clusters import cluster_heatmaps, order_by_lungs


def spots(rng, row, column, count):
    """Maps with a soft spot that wanders by a cell."""
    rows, columns = np.mgrid[:16, :16]
    middles = [row, column] + rng.uniform(-1, 1, (count, 2))
    return np.array([np.exp(-((rows - r) ** 2 + (columns - c) ** 2) / 12) for r, c in middles])


@pytest.fixture
def habits():
    """A network that looks at the middle of 40 films, at a corner of 15, and at nothing on 5."""
    rng = np.random.default_rng(0)
    heatmaps = [spots(rng, 8, 8, 40), spots(rng, 2, 2, 15), np.zeros((5, 16, 16))]
    return np.concatenate(heatmaps).astype(np.float32)


def test_a_habit_is_a_cluster_with_its_films_and_its_mean(habits):
    middle, corner = cluster_heatmaps(habits)
    np.testing.assert_array_equal(middle.places, np.arange(40))
    np.testing.assert_array_equal(corner.places, np.arange(40, 55))
    assert middle.mean.sum() == pytest.approx(1, abs=1e-4)
    assert np.unravel_index(corner.mean.argmax(), (16, 16)) == pytest.approx((2, 2), abs=1)
    again = cluster_heatmaps(7 * habits)
    np.testing.assert_array_equal(again[1].places, corner.places)


def test_the_one_outside_the_lungs_comes_first(habits):
    in_lungs = np.array([0.9] * 40 + [0.1] * 14 + [np.nan] * 6)
    (first, low), (second, high) = order_by_lungs(cluster_heatmaps(habits), in_lungs)
    assert (len(first.places), low, len(second.places), high) == (
        *(15, pytest.approx(0.1), 40),
        pytest.approx(0.9),
    )


def test_of_a_few_films_there_are_no_habits(habits):
    assert cluster_heatmaps(habits[-24:]) == []
    assert cluster_heatmaps(np.zeros((30, 16, 16))) == []


def test_of_many_films_a_draw_is_clustered(habits, monkeypatch):
    monkeypatch.setattr("xraycore.retrieval.heat_clusters.MOST_FILMS", 30)
    assert sum(len(one.places) for one in cluster_heatmaps(habits)) == 30
