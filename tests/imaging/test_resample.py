"""Resampling with numbers worked out by hand."""

import numpy as np
import pytest

from xraycore.imaging.resample import fit_within, fitted, resize


def test_the_same_size_is_left_as_it_is():
    pixels = np.random.default_rng(0).random((5, 7)).astype(np.float32)
    np.testing.assert_array_equal(resize(pixels, (5, 7)), pixels)


def test_the_network_gets_contiguous_float32_whatever_comes():
    pixels = np.random.default_rng(0).random((6, 4))
    for same in (resize(pixels[:, ::-1], (6, 4)), resize(pixels[::2], (3, 4))):
        assert same.dtype == np.float32
        assert same.flags.c_contiguous
    np.testing.assert_array_equal(resize(pixels[:, ::-1], (6, 4)), pixels[:, ::-1].astype("f4"))


def test_size_is_height_then_width():
    assert resize(np.zeros((90, 60), np.float32), (30, 20)).shape == (30, 20)
    assert resize(np.zeros((90, 60), np.float32), (224, 100)).shape == (224, 100)


def test_enlarging_is_bilinear_between_centres():
    """Pixels at -1/4 (held), 1/4, 3/4 and 5/4 (held) between the two given."""
    found = resize(np.array([[0, 8]], np.float32), (1, 4))
    np.testing.assert_allclose(found, [[0, 2, 6, 8]], atol=1e-6)


def test_halving_weighs_the_neighbours_too():
    """The triangle is two pixels wide to each side: 3/4 at the 2 nearest, 1/4 at the next.

    At the border the ones beyond it are missing: (3/4 a + 3/4 b + 1/4 c) / (7/4).
    """
    found = resize(np.array([[0, 0, 7, 7]], np.float32), (1, 2))
    np.testing.assert_allclose(found, [[1, 6]], atol=1e-5)


def test_fine_stripes_turn_grey_and_do_not_alias():
    """Stripes of one pixel, reduced by 4.5: sampling every so many would leave stripes."""
    stripes = np.tile(np.array([0, 1], np.float32), (1008, 504))
    assert stripes.shape == (1008, 1008)
    grey = resize(stripes, (224, 224))
    np.testing.assert_allclose(grey[:, 2:-2], 0.5, atol=0.03)


def test_a_flat_film_stays_flat_and_in_range():
    found = resize(np.full((1001, 777), 1.0, np.float32), (224, 224))
    np.testing.assert_allclose(found, 1.0, atol=1e-6)


def test_aspect_is_squashed_and_not_padded():
    """The left third of a wide film is the left third of the square."""
    wide = np.zeros((60, 180), np.float32)
    wide[:, :60] = 1.0
    square = resize(wide, (60, 60))
    np.testing.assert_allclose(square[:, :18], 1.0, atol=1e-6)
    np.testing.assert_allclose(square[:, 22:], 0.0, atol=1e-6)


@pytest.mark.parametrize(
    ("shape", "fits"),
    [((3000, 2000), (1024, 683)), ((100, 1024), (100, 1024)), ((2, 4096), (1, 1024))],
)
def test_a_film_is_shrunk_to_a_side_and_never_enlarged(shape, fits):
    assert fitted(shape, 1024) == fits
    assert fit_within(np.zeros(shape, np.float32), 1024).shape == fits
