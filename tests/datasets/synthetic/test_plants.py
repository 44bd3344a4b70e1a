"""Planted shortcuts: where they are is known, and all else stays as it was."""

import numpy as np
import pytest

from xraycore.datasets.synthetic.phantom import make_phantom
from xraycore.datasets.synthetic.plants import PLANTS, plant
from xraycore.errors import ArgumentError

# Greatest share of the film that each may cover.
COVERS = {"marker": 0.03, "border": 0.25, "tube": 0.03}


@pytest.fixture(scope="module")
def film():
    return make_phantom(11, size=256)


@pytest.mark.parametrize("kind", PLANTS)
def test_what_is_planted_lies_where_it_is_said_to(film, kind):
    planted, place = plant(kind, film.pixels, np.random.default_rng(1))
    assert planted.dtype == np.float32 and planted.min() >= 0 and planted.max() <= 1
    changed = planted != film.pixels
    assert changed.any()
    if not PLANTS[kind].placed:
        assert place is None and changed.mean() > 0.5
        return
    assert place.dtype == bool and not changed[~place].any()
    assert 0 < place.mean() < COVERS[kind]
    again, _ = plant(kind, film.pixels, np.random.default_rng(1))
    other, _ = plant(kind, film.pixels, np.random.default_rng(2))
    assert (again == planted).all() and (other != planted).any()


def test_a_marker_lies_beside_the_lungs_and_a_tube_between_them(film):
    for seed in range(20):
        for kind in ("marker", "tube"):
            _, place = plant(kind, film.pixels, np.random.default_rng(seed))
            assert (place & film.lungs).sum() < 0.2 * place.sum()


class End:
    """A generator of which every draw is one end of what it is drawn from."""

    def __init__(self, high):
        self.high = high

    def uniform(self, low, high):
        return high if self.high else low


GREY = np.full((400, 200), 0.5, np.float32)


@pytest.mark.parametrize(("high", "wide"), [(False, 6), (True, 10)])
def test_a_border_is_3_to_5_hundredths_of_the_shorter_side(high, wide):
    planted, place = plant("border", GREY, End(high))
    expected = np.ones(GREY.shape, bool)
    expected[wide:-wide, wide:-wide] = False
    np.testing.assert_array_equal(place, expected)
    assert (planted[expected] == 0).all() and (planted[~expected] == 0.5).all()


@pytest.mark.parametrize(("high", "power"), [(False, 0.6), (True, 0.75)])
def test_another_exposure_is_a_power_of_the_grey(high, power):
    planted, place = plant("contrast", GREY, End(high))
    np.testing.assert_allclose(planted, 0.5**power, rtol=1e-6)
    assert place is None


@pytest.mark.parametrize(
    ("high", "top", "end"),
    # Columns at the top are 0.48 and 0.52 of 200. The end, at 0.84 and 0.92 of 400 rows, is farther
    # by 0.09 of 200 times the square of 0.24 / 0.3, and by 0.13 of 200.
    [(False, 96, (336, 107.5)), (True, 104, (368, 130))],
)
def test_a_tube_runs_down_the_middle_and_bends_to_the_left_lung(high, top, end):
    planted, place = plant("tube", GREY, End(high))
    rows, columns = np.nonzero(place)
    assert columns[rows == 0].mean() == pytest.approx(top, abs=0.5)
    # It is straight for 60 hundredths of the height.
    assert columns[rows == 200].mean() == pytest.approx(top, abs=0.5)
    assert rows.max() == pytest.approx(end[0], abs=2)
    assert columns[rows == end[0]].mean() == pytest.approx(end[1], abs=1)
    # A line of 2 pixels of these 200, with its smooth edges; nearly white.
    assert 2 <= place[100].sum() <= 5
    assert planted.max() == pytest.approx(0.92, abs=1e-6)


@pytest.mark.parametrize(("high", "left", "foot"), [(False, 6, 26), (True, 14, 36)])
def test_a_marker_is_a_letter_at_the_upper_left(high, left, foot):
    planted, place = plant("marker", GREY, End(high))
    rows, columns = np.nonzero(place)
    assert columns.min() == pytest.approx(left, abs=3)
    assert rows.max() == pytest.approx(foot, abs=3)
    assert planted.max() == pytest.approx(0.97, abs=1e-6)


def test_a_plant_that_there_is_not_is_refused(film):
    with pytest.raises(ArgumentError, match="marker, border, contrast, tube"):
        plant("sticker", film.pixels, np.random.default_rng(0))
