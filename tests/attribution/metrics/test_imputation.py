import numpy as np
import pytest

from xraycore.attribution.metrics.imputation import linear_imputation


def test_one_pixel_by_hand():
    film = np.array([[0, 1, 0], [1, 9, 1], [0, 1, 0]], np.float32)
    # Four sides of weight 1/6 are 1, four corners of weight 1/12 are 0.
    expected = film.copy()
    expected[1, 1] = 4 / 6
    np.testing.assert_allclose(linear_imputation(film, np.array([4])), expected, rtol=1e-6)


def test_a_corner_by_hand():
    film = np.array([[9, 1], [0, 1]], np.float32)
    # (1/6 * 1 + 1/6 * 0 + 1/12 * 1) / (1/6 + 1/6 + 1/12)
    assert linear_imputation(film, np.array([0]))[0, 0] == pytest.approx(3 / 5)


def test_neighbours_that_are_hidden_themselves():
    film = np.array([[0, 9, 9, 3]], np.float32)
    np.testing.assert_allclose(linear_imputation(film, np.array([2, 1])), [[0, 1, 2, 3]], rtol=1e-6)


def test_against_a_dense_system():
    """Every hidden pixel is the weighted mean of its neighbours, solved pixel by pixel."""
    random = np.random.default_rng(0)
    film = random.random((6, 9)).astype(np.float32)
    pixels = random.permutation(54)[:40]
    system, known = np.eye(54), film.astype(float).ravel()
    for pixel in pixels:
        row, column = divmod(pixel, 9)
        weights = {
            (i, j): 1 / 6 if i == row or j == column else 1 / 12
            for i in range(max(row - 1, 0), min(row + 2, 6))
            for j in range(max(column - 1, 0), min(column + 2, 9))
            if (i, j) != (row, column)
        }
        known[pixel] = 0
        for (i, j), weight in weights.items():
            system[pixel, 9 * i + j] = -weight / sum(weights.values())
    expected = np.linalg.solve(system, known).reshape(6, 9)
    np.testing.assert_allclose(linear_imputation(film, pixels), expected, atol=1e-6)


def test_nothing_hidden_and_everything_hidden():
    film = np.random.default_rng(0).random((3, 4)).astype(np.float32)
    np.testing.assert_array_equal(linear_imputation(film, np.array([], int)), film)
    with pytest.raises(ValueError, match="expected some pixels to remain. Received 12 of 12"):
        linear_imputation(film, np.arange(12))
