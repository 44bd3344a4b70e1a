"""Views of a film, each turned back, on a network whose features are the film itself."""

import numpy as np
import pytest

from tests.attribution.linear import Linear
from xraycore.attribution.counterfactual import (
    TTA_TRANSFORMS,
    _back,
    _matrix,
    _warped,
    against_normal_views,
    softened,
)

SIDE = 64


class Mirror(Linear):
    """One feature: the film, pooled over cells of four pixels. It speaks against Normal, twice."""

    classes = ("Pneumonia", "Normal", "COVID-19")

    def __init__(self):
        super().__init__(np.zeros((SIDE, SIDE)))
        self.head = (np.array([[1.0, -2.0, 0.0]], np.float32), np.zeros(3, np.float32))

    def forward(self, grey):
        self.passes += len(grey)
        cells = grey.reshape(len(grey), SIDE // 4, 4, SIDE // 4, 4, 1).mean(axis=(2, 4))
        return np.zeros((len(grey), 3), np.float32), cells


@pytest.fixture
def spot():
    film = np.zeros((SIDE, SIDE), np.float32)
    film[20:28, 36:44] = 1
    return film


@pytest.mark.parametrize("view", TTA_TRANSFORMS)
def test_a_view_that_is_turned_back_is_the_film(spot, view):
    film = softened(softened(spot))
    matrix = _matrix(film.shape, *view)
    back = _back(_warped(film, matrix), matrix)
    middle = slice(8, -8)
    np.testing.assert_allclose(back[middle, middle], film[middle, middle], atol=0.04)


def test_a_mirrored_view_is_the_film_mirrored(spot):
    np.testing.assert_allclose(
        _warped(spot, _matrix(spot.shape, *TTA_TRANSFORMS[1])), spot[:, ::-1]
    )


def test_a_shift_goes_across_and_down(spot):
    down = _warped(spot, _matrix(spot.shape, 1.0, 0.0, 1 / 8, False))
    np.testing.assert_allclose(down[8:], spot[:-8], atol=1e-6)
    across = _warped(spot, _matrix(spot.shape, 1.0, 1 / 8, 0.0, False))
    np.testing.assert_allclose(across[:, 8:], spot[:, :-8], atol=1e-6)
    # An enlarged view is enlarged about its middle.
    np.testing.assert_allclose(_matrix((64, 32), 1.5, 0, 0, False), [[1.5, 0, -8], [0, 1.5, -16]])


def test_an_even_film_by_hand():
    """Cells of 1 / 2 speak twice as much against Normal: 1 in all, spread over 16 x 16 cells."""
    model, film = Mirror(), np.full((SIDE, SIDE), 0.5)
    heat = against_normal_views(model, model.predict_input(film), 0)
    assert heat.shape == (SIDE, SIDE)
    np.testing.assert_allclose(heat, 1 / 256, rtol=1e-4)


def test_heat_lies_where_the_film_speaks_against_normal(spot):
    model = Mirror()
    prediction = model.predict_input(spot)
    model.passes = 0
    heat = against_normal_views(model, prediction, 0)
    assert model.passes == len(TTA_TRANSFORMS) == 8
    row, column = np.unravel_index(heat.argmax(), heat.shape)
    # The middle of the spot, between four pixels.
    assert row in (23, 24)
    assert column in (39, 40)
    # The same for the other disease; for Normal it is what speaks for it, and there is none.
    np.testing.assert_array_equal(against_normal_views(model, prediction, 2), heat)
    assert not against_normal_views(model, prediction, 1).any()


def test_without_a_normal_class_it_is_evidence_for_the_class(spot):
    model = Mirror()
    model.classes = ("A", "B", "C")
    prediction = model.predict_input(spot)
    assert against_normal_views(model, prediction, 0).any()
    assert not against_normal_views(model, prediction, 1).any()
