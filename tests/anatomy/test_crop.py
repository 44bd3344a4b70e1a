"""What a classifier is shown of a film, and where the lungs lie on its grid."""

import numpy as np
import pytest

from xraycore.anatomy import crop
from xraycore.anatomy.crop import FIELD_NAMES, WHOLE_FILM, ModelInput, crop_inputs
from xraycore.anatomy.lung_field import NO_LUNGS, LungField
from xraycore.imaging.box import Box

SIDE = 128


def left_half():
    """A lung field that with its rim of four pixels is the left half of the film."""
    mask = np.zeros((SIDE, SIDE), bool)
    mask[:, :60] = True
    return LungField(mask, Box(0.0, 0.0, 1.0, 0.6))


@pytest.fixture
def nowhere():
    return LungField(np.zeros((SIDE, SIDE), bool), Box(), (NO_LUNGS,))


@pytest.fixture
def fields(monkeypatch, nowhere):
    """`crop_inputs` is told these fields: one with lungs, one without."""
    found = [left_half(), nowhere]
    monkeypatch.setattr(crop, "segment_lungs", lambda xrays: found[: len(xrays)])
    return found


def test_the_lungs_view_is_the_box_of_the_lungs(fields, film):
    first, second = crop_inputs([film, film], "lungs")
    assert first.box == Box(0.0, 0.0, 1.0, 0.6)
    assert first.warnings == ()
    assert first.lungs is fields[0]
    # Without lungs the whole film is seen, and the reader is told.
    assert second.box == Box()
    assert second.warnings == (NO_LUNGS, WHOLE_FILM)


def test_the_film_view_is_the_whole_film(fields, film):
    parts = crop_inputs([film, film], "film")
    assert [part.box for part in parts] == [Box(), Box()]
    # What is said of the film itself is said in any view.
    assert [part.warnings for part in parts] == [(), (NO_LUNGS,)]
    assert [part.lungs for part in parts] == fields


def test_lungs_on_a_grid_of_the_whole_film_by_hand():
    found = ModelInput(Box(), left_half()).lungs_on((2, 4))
    # Cells of 32 columns under a triangle 64 wide: an eighth of it lies beyond half its reach.
    np.testing.assert_allclose(found, [[1, 7 / 8, 1 / 8, 0]] * 2, atol=1e-6)
    assert found.dtype == np.float32


def test_lungs_on_a_grid_of_a_box_by_hand():
    # Columns 32 to 95, of which the first 32 are lung. The triangle of 64 columns loses an eighth
    # at the box's edge: of 28 parts 4 reach into the other half.
    found = ModelInput(Box(0.0, 0.25, 1.0, 0.75), left_half()).lungs_on((1, 2))
    np.testing.assert_allclose(found, [[24 / 28, 4 / 28]], atol=1e-6)


def test_without_lungs_every_place_is_as_good(nowhere):
    np.testing.assert_array_equal(
        ModelInput(Box(0.0, 0.25, 1.0, 0.75), nowhere).lungs_on((3, 2)), np.ones((3, 2))
    )


def test_the_names_are_those_of_the_recipes():
    assert FIELD_NAMES == ("lungs", "film")
