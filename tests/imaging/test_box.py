"""A box's way from the film to the network and back, with numbers worked out by hand."""

import numpy as np
import pytest

from xraycore.imaging.box import Box

FILM = np.arange(8 * 10, dtype=np.float32).reshape(8, 10)


def test_the_whole_film_by_default():
    np.testing.assert_array_equal(Box().crop(FILM), FILM)


def test_crop_takes_shares_of_height_and_width():
    """A quarter to half of 8 rows, 3 to 6 tenths of 10 columns."""
    cropped = Box(top=0.25, left=0.3, bottom=0.5, right=0.6).crop(FILM)
    np.testing.assert_array_equal(cropped, [[23, 24, 25], [33, 34, 35]])
    assert np.shares_memory(cropped, FILM)


def test_the_same_box_on_a_copy_of_twice_the_size():
    box = Box(top=0.25, left=0.3, bottom=0.5, right=0.6)
    assert box.crop(np.zeros((16, 20))).shape == (4, 6)


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        (Box(0.0, 0.0, 0.01, 0.01), 0),
        (Box(0.99, 0.99, 1.0, 1.0), 79),
        (Box(0.5, 0.5, 0.501, 0.501), 45),
    ],
)
def test_a_box_narrower_than_a_pixel_takes_one(box, expected):
    assert box.crop(FILM).tolist() == [[expected]]


def test_spread_is_bilinear_between_the_centres_of_cells():
    """Pixels at -1/4 (held), 1/4, 3/4 and 5/4 (held) between the two cells."""
    np.testing.assert_allclose(Box().spread(np.array([[0, 8]], np.float32), (1, 4)), [[0, 2, 6, 8]])


def test_spread_is_zero_outside():
    values = np.array([[1, 2], [3, 4]], np.float32)
    film = Box(top=0.5, left=0.25, bottom=1.0, right=0.75).spread(values, (4, 4))
    assert film.dtype == np.float32
    np.testing.assert_array_equal(film, [[0, 0, 0, 0], [0, 0, 0, 0], [0, 1, 2, 0], [0, 3, 4, 0]])


def test_spread_keeps_height_and_width_apart():
    film = Box(left=0.5).spread(np.ones((2, 3), np.float32), (90, 60))
    assert film.shape == (90, 60)
    assert film.sum() == 90 * 30


def test_spread_makes_nothing_hotter():
    values = np.random.default_rng(0).random((7, 5)).astype(np.float32)
    film = Box(0.1, 0.1, 0.9, 0.8).spread(values, (311, 257))
    assert film.min() == 0
    assert 0.99 * values.max() < film.max() <= values.max()


@pytest.mark.parametrize(
    "edges",
    [
        (0.5, 0, 0.5, 1),
        (0.6, 0, 0.5, 1),
        (0, 0.5, 1, 0.5),
        (-0.1, 0, 1, 1),
        (0, -0.1, 1, 1),
        (0, 0, 1.1, 1),
        (0, 0, 1, 1.1),
        (float("nan"), 0, 1, 1),
    ],
)
def test_a_box_that_is_empty_or_off_the_film_is_refused(edges):
    with pytest.raises(ValueError, match="needs 0 <= top < bottom <= 1.*Received: Box"):
        Box(*edges)


def test_spread_of_a_finer_map_is_the_mean_of_its_cells():
    values = np.zeros((6, 6), np.float32)
    values[1, 4] = 9.0
    np.testing.assert_allclose(Box().spread(values, (2, 2)), [[0, 1], [0, 0]])
    # Wherever a single hot cell lies none of it is lost: a pixel covers 1.5 x 1.5 cells.
    for row in range(6):
        values[:] = 0
        values[row, row] = 1
        film = Box(0.1, 0.1, 0.9, 0.9).spread(values, (5, 5))
        assert film.sum() * 1.5**2 == pytest.approx(1)
