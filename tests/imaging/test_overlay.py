"""What is shown of film and heat, with numbers worked out by hand."""

import cv2
import numpy as np
import pytest

from xraycore.attribution.heatmap import Heatmap
from xraycore.imaging.box import Box
from xraycore.imaging.overlay import (
    COLOR_MAPS,
    colorize,
    contour_lines,
    heatmap_layer,
    overlay,
    to_uint8,
)
from xraycore.imaging.radiograph import Radiograph
from xraycore.imaging.resample import fit_within


class Hot:
    """Anything with `.on`, as a heatmap is."""

    def __init__(self, value):
        self.value = value

    def on(self, shape):
        return np.full(shape, self.value, np.float32)


def luminance(rgb):
    """CIE lightness L* of sRGB colours (..., 3), which perceptually uniform maps raise evenly."""
    floats = np.asarray(rgb, np.float32)[None] / 255
    return cv2.cvtColor(floats, cv2.COLOR_RGB2LAB)[0, :, 0]


def test_to_uint8_rounds_and_clips():
    values = np.array([-0.1, 0.0, 0.5 / 255 - 1e-4, 0.5 / 255 + 1e-4, 0.2, 1.0, 1.7])
    assert to_uint8(values).tolist() == [0, 0, 0, 1, 51, 255, 255]


def test_colorize_gives_red_green_blue():
    """Inferno's ends as its authors publish them: almost black, and pale yellow."""
    found = colorize(np.array([[0.0, 1.0]]))
    assert found.shape == (1, 2, 3)
    assert found.dtype == np.uint8
    np.testing.assert_allclose(found[0].astype(int), [[0, 0, 4], [252, 255, 164]], atol=1)


@pytest.mark.parametrize("name", COLOR_MAPS)
def test_hotter_is_lighter_in_every_colour_map(name):
    colours = colorize(np.linspace(0, 1, 256, dtype=np.float32)[None], name)[0]
    lightness = luminance(colours)
    # Colours are rounded to 8 bits: between neighbours that can hide or undo a step of lightness.
    assert np.diff(lightness).min() > -0.25
    assert np.diff(lightness[::8]).min() > 1
    assert lightness[-1] - lightness[0] > 60


def test_no_heat_shows_the_plain_film_exactly(film):
    plain = np.repeat(to_uint8(film.pixels)[..., None], 3, axis=-1)
    for name in COLOR_MAPS:
        shown = overlay(film, Hot(0.0), opacity=1.0, color_map=name)
        assert shown.dtype == np.uint8
        np.testing.assert_array_equal(shown, plain)


def test_no_opacity_shows_the_plain_film_exactly(film):
    plain = np.repeat(to_uint8(film.pixels)[..., None], 3, axis=-1)
    np.testing.assert_array_equal(overlay(film, Hot(1.0), opacity=0.0), plain)


@pytest.mark.parametrize("name", COLOR_MAPS)
def test_full_heat_at_full_opacity_shows_the_pure_colour(film, name):
    shown = overlay(film, Hot(1.0), opacity=1.0, color_map=name)
    np.testing.assert_array_equal(shown, colorize(np.ones(film.pixels.shape), name))


def test_heat_covers_in_proportion(film):
    """At half heat and opacity 0.4 a fifth of colour over four fifths of film."""
    grey = Radiograph(np.full((2, 3), 0.4, np.float32), film.info)
    colour = colorize(np.array([[0.5]]), "viridis")[0, 0].astype(float)
    shown = overlay(grey, Hot(0.5), opacity=0.4, color_map="viridis")
    expected = np.rint(0.8 * 102 + 0.2 * colour)
    np.testing.assert_array_equal(shown, np.broadcast_to(expected, (2, 3, 3)))


def test_heat_may_be_an_array_on_the_films_grid(film):
    heat = np.random.default_rng(1).random(film.pixels.shape).astype(np.float32)
    shown = overlay(film, heat)
    assert shown.shape == (90, 60, 3)
    assert (shown[heat > 0.5] != to_uint8(film.pixels)[heat > 0.5][:, None]).any()


def test_heat_out_of_range_is_clipped(film):
    np.testing.assert_array_equal(overlay(film, Hot(3.0)), overlay(film, Hot(1.0)))
    np.testing.assert_array_equal(overlay(film, Hot(-3.0)), overlay(film, Hot(0.0)))


def test_a_contour_is_a_line_around_what_is_hotter(film):
    heat = np.zeros(film.pixels.shape, np.float32)
    heat[20:40, 10:30] = 0.8
    drawn = overlay(film, heat, contour=0.5)
    plain = np.repeat(to_uint8(film.pixels)[..., None], 3, axis=2)
    changed = np.argwhere((drawn != plain).any(axis=2))
    assert [*changed.min(axis=0), *changed.max(axis=0)] == [20, 10, 39, 29]
    assert (drawn[20, 10:30] == (255, 180, 84)).all()
    np.testing.assert_array_equal(drawn[22:38, 12:28], plain[22:38, 12:28])
    np.testing.assert_array_equal(overlay(film, heat, contour=0.9), plain)


def test_bad_input_is_refused(film):
    with pytest.raises(ValueError, match=r"opacity must lie in \[0, 1\]. Received: 1.5"):
        overlay(film, Hot(1.0), opacity=1.5)
    with pytest.raises(ValueError, match="one of inferno, magma.*Received: 'jet'"):
        overlay(film, Hot(1.0), color_map="jet")
    with pytest.raises(ValueError, match=r"film's shape \(90, 60\). Received: \(60, 90\)"):
        overlay(film, np.zeros((60, 90), np.float32))


def test_film_and_heat_are_left_as_they_were(film):
    pixels, heat = film.pixels.copy(), np.full(film.pixels.shape, 2.0, np.float32)
    overlay(film, heat)
    np.testing.assert_array_equal(film.pixels, pixels)
    assert (heat == 2).all()


def test_a_reduced_overlay_is_that_of_the_reduced_film(film):
    heat = Heatmap(np.array([[0, 4], [8, 0]], np.float32), "Normal", "grad_cam", "vgg16", Box())
    small = Radiograph(fit_within(film.pixels, 45), film.info)
    assert small.pixels.shape == (45, 30)
    found = overlay(film, heat, longest=45)
    np.testing.assert_array_equal(found, overlay(small, heat))
    # A film that is small enough is not enlarged.
    np.testing.assert_array_equal(overlay(film, heat, longest=500), overlay(film, heat))


def test_the_layer_covers_by_heat_and_its_lines_run_through_outermost_pixels():
    values = np.zeros((8, 10), np.float32)
    values[2:6, 3:9] = 0.8
    layer = heatmap_layer(values)
    np.testing.assert_array_equal(layer[..., 3], to_uint8(values))
    np.testing.assert_array_equal(layer[..., :3], colorize(values))
    (line,) = contour_lines(values, 0.5)
    assert line.min(axis=0).tolist() == pytest.approx([3.5 / 10, 2.5 / 8])
    assert line.max(axis=0).tolist() == pytest.approx([8.5 / 10, 5.5 / 8])
    assert contour_lines(values, 0.8) == []
