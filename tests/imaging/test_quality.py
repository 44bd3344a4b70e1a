"""Warnings that travel with a radiograph."""

import io

import numpy as np
import pytest
from PIL import Image

from xraycore.imaging import read_radiograph
from xraycore.imaging.film_warnings import warning_codes
from xraycore.imaging.quality import colour_warning, count_coloured, quality_warnings


@pytest.fixture
def film(ramp):
    return ramp.astype(np.float32) / 255


def only(warnings, *parts):
    assert len(warnings) == 1
    for part in parts:
        assert part in warnings[0]


def test_a_film_of_all_greys_draws_no_warning(film):
    assert quality_warnings(film) == []


def test_small(film):
    assert quality_warnings(film[:128, :128]) == []
    only(quality_warnings(film[:127]), "very small", "192 x 127")


def test_aspect():
    square = np.tile(np.linspace(0, 1, 400, dtype=np.float32), (200, 1))
    assert quality_warnings(square) == []
    only(quality_warnings(square[:160]), "2.5 times as wide")
    only(quality_warnings(square[:160].T), "2.5 times as high")


def test_almost_blank(film):
    only(quality_warnings(0.4 + 0.1 * film), "almost blank")
    assert quality_warnings(0.4 + 0.2 * film) == []
    only(quality_warnings(np.zeros((200, 200), np.float32)), "almost blank", "within 0 %")


def test_large_black_and_white_shares_are_named(film):
    grey = 0.2 + 0.6 * film
    for value, share, word in ((0, 0.5, "50 % of the image is pure black"), (1, 0.2, "20 %")):
        clipped = grey.copy()
        clipped[: int(share * len(clipped))] = value
        only(quality_warnings(clipped), word)
        clipped = grey.copy()
        clipped[: int(share / 3 * len(clipped))] = value
        assert quality_warnings(clipped) == []


def test_chroma_noise_is_no_colour(ramp):
    noise = np.random.default_rng(0).integers(-5, 6, (*ramp.shape, 3))
    noisy = np.clip(ramp[..., None] + noise, 0, 255).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(noisy).save(file, "JPEG", quality=60)
    assert read_radiograph(file.getvalue()).warnings == ()


@pytest.mark.parametrize(("dtype", "full"), [(np.uint8, 255), (np.uint16, 4095)])
def test_colour_is_measured(dtype, full):
    image = np.full((100, 100, 3), full, dtype)
    bits = int(full).bit_length()
    assert count_coloured(image, bits) == 0
    image[:1, :10, 0] = 0  # 0.1 %: a few pixels of a coloured arrow
    assert colour_warning(count_coloured(image, bits), 100 * 100) == []
    image[:50, :, 0] = 0
    only(colour_warning(count_coloured(image, bits), 100 * 100), "50 %", "coloured")


@pytest.mark.realdata
@pytest.mark.parametrize("folder", ["chest_xray/train/NORMAL", "covid_radiography/COVID"])
def test_real_films_rarely_draw_a_warning(real_data, folder):
    paths = sorted((real_data / folder).iterdir())[::4]
    codes = [set(warning_codes(read_radiograph(path).warnings)) for path in paths]
    assert len(paths) > 300
    assert sum(bool(found - {"burned-in"}) for found in codes) <= 0.01 * len(paths)
    # Some have text: SUPINO, DAY 6.
    assert sum("burned-in" in found for found in codes) <= 0.02 * len(paths)
