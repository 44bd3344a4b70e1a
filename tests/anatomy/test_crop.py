"""What a classifier is shown of a film, and where the lungs lie on its grid."""

from dataclasses import replace

import numpy as np
import pytest

from xraycore.anatomy import crop
from xraycore.anatomy.crop import FIELDS_OF_VIEW, WHOLE_FILM, ModelInput, crop_inputs
from xraycore.anatomy.lung_field import NO_LUNGS, LungField
from xraycore.imaging.box import Box
from xraycore.imaging.resample import resize

SIDE = 128
NO_GREY = np.zeros((1, 1, 1), np.float32)


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
    first, second = crop_inputs([film, film], "lungs", 8)
    assert first.box == Box(0.0, 0.0, 1.0, 0.6)
    assert first.warnings == film.warnings
    assert first.lungs is fields[0]
    # Without lungs the whole film is seen, and the reader is told.
    assert second.box == Box()
    assert second.warnings == (*film.warnings, NO_LUNGS, WHOLE_FILM)


def test_the_film_view_is_the_whole_film(fields, film):
    parts = crop_inputs([film, film], "film", 8)
    assert [part.box for part in parts] == [Box(), Box()]
    # What is said of the film itself is said in any view.
    assert [part.warnings for part in parts] == [film.warnings, (*film.warnings, NO_LUNGS)]
    assert [part.lungs for part in parts] == fields


def test_lungs_on_a_grid_of_the_whole_film_by_hand():
    found = ModelInput(NO_GREY, Box(), left_half()).lungs_on((2, 4))
    # Cells of 32 columns under a triangle 64 wide: an eighth of it lies beyond half its reach.
    np.testing.assert_allclose(found, [[1, 7 / 8, 1 / 8, 0]] * 2, atol=1e-6)
    assert found.dtype == np.float32


def test_lungs_on_a_grid_of_a_box_by_hand():
    # Columns 32 to 95, of which the first 32 are lung. The triangle of 64 columns loses an eighth
    # at the box's edge: of 28 parts 4 reach into the other half.
    found = ModelInput(NO_GREY, Box(0.0, 0.25, 1.0, 0.75), left_half()).lungs_on((1, 2))
    np.testing.assert_allclose(found, [[24 / 28, 4 / 28]], atol=1e-6)


def test_without_lungs_every_place_is_as_good(nowhere):
    np.testing.assert_array_equal(
        ModelInput(NO_GREY, Box(0.0, 0.25, 1.0, 0.75), nowhere).lungs_on((3, 2)), np.ones((3, 2))
    )


def test_the_names_are_those_of_the_recipes():
    assert FIELDS_OF_VIEW == ("lungs", "film")


def test_the_input_is_the_box_squashed_to_a_square(fields, film):
    (seen,) = crop_inputs([film], "lungs", 8, [left_half()])
    columns = round(0.6 * film.pixels.shape[1])
    np.testing.assert_array_equal(seen.grey[..., 0], resize(film.pixels[:, :columns], (8, 8)))
    with pytest.raises(ValueError, match="read-only"):
        seen.grey[:] = 0


def test_lungs_that_are_known_are_not_looked_for(film, nowhere, monkeypatch):
    monkeypatch.setattr(crop, "segment_lungs", None)
    (seen,) = crop_inputs([film], "lungs", 8, [nowhere])
    assert seen.lungs is nowhere


def test_what_is_said_of_the_film_itself_comes_first(nowhere, film):
    warned = replace(film, warnings=("Small.",))
    (seen,) = crop_inputs([warned], "lungs", 8, [nowhere])
    assert seen.warnings == ("Small.", NO_LUNGS, WHOLE_FILM)
