import math

import numpy as np
import pytest

from xraycore.training.augmentation import Augmentation

NONE = dict.fromkeys(("shear", "zoom", "flip", "rotation", "shift", "gamma", "contrast"), 0.0)


class Extreme:
    """A random generator that always draws the upper limit."""

    def uniform(self, low, high, size=None):
        return high if size is None else np.full(size, high)

    def random(self):
        return 0.0


def only(**changes):
    return Augmentation(**{**NONE, **changes})


@pytest.fixture
def film():
    return np.random.default_rng(0).integers(0, 256, (32, 32), dtype=np.uint8)


# For 5x5 pixels, whose centre is (2, 2); columns x, y, 1 -> source x, source y.
@pytest.mark.parametrize(
    ("augmentation", "expected"),
    [
        (only(), [[1, 0, 0], [0, 1, 0]]),
        (only(flip=1.0), [[-1, 0, 4], [0, 1, 0]]),
        (only(zoom=0.25), [[0.8, 0, 0.4], [0, 0.8, 0.4]]),
        (only(shear=0.5), [[1, 0.5, -1], [0, 1, 0]]),
        (only(rotation=90.0), [[0, -1, 4], [1, 0, 0]]),
        (only(shift=0.2), [[1, 0, 1], [0, 1, 1]]),
        (only(flip=1.0, zoom=0.25), [[-0.8, 0, 3.6], [0, 0.8, 0.4]]),
    ],
)
def test_affine_by_hand(augmentation, expected):
    np.testing.assert_allclose(augmentation.affine(Extreme(), 5), expected, atol=1e-12)


def test_nothing_switched_on_changes_nothing(film):
    changed = Augmentation.parse("none")(film, np.random.default_rng(1))
    np.testing.assert_array_equal(changed, film.astype(np.float32) / 255.0)


def test_flip_mirrors_left_and_right(film):
    np.testing.assert_array_equal(only(flip=1.0)(film, Extreme()), film[:, ::-1] / np.float32(255))


def test_shift_repeats_the_border(film):
    changed = only(shift=0.25)(film, Extreme()) * 255
    np.testing.assert_allclose(changed[:24, :24], film[8:, 8:], atol=1e-3)
    np.testing.assert_allclose(changed[-1, -1], film[-1, -1], atol=1e-3)


def test_gamma_is_a_power(film):
    expected = (film / 255.0) ** 2
    np.testing.assert_allclose(only(gamma=math.log(2))(film, Extreme()), expected, atol=1e-6)


def test_contrast_stretches_about_the_mean(film):
    grey = film / 255.0
    expected = np.clip(grey.mean() + 1.5 * (grey - grey.mean()), 0, 1)
    np.testing.assert_allclose(only(contrast=0.5)(film, Extreme()), expected, atol=1e-5)


def test_noise_has_at_most_its_standard_deviation():
    flat = np.full((64, 64), 128, np.uint8)
    spreads = [only(noise=0.1)(flat, np.random.default_rng(seed)).std() for seed in range(20)]
    assert 0.05 < max(spreads) < 0.11


def test_same_seed_same_film_other_seed_another(film):
    augmentation = Augmentation(rotation=10, shift=0.1, gamma=0.3, contrast=0.3, noise=0.05)
    first, again, other = (augmentation(film, np.random.default_rng(seed)) for seed in (7, 7, 8))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).mean() > 0.01


def test_a_film_stays_in_range_and_the_original_unchanged(film):
    augmentation = Augmentation(0.2, 0.2, 0.5, 15, 0.1, 1.0, 1.0, 0.5)
    before = film.copy()
    for seed in range(30):
        changed = augmentation(film, np.random.default_rng(seed))
        assert changed.dtype == np.float32
        assert changed.shape == film.shape
        assert changed.min() >= 0.0
        assert changed.max() <= 1.0
    np.testing.assert_array_equal(film, before)


def test_parse_keeps_the_defaults_of_what_is_not_named():
    assert Augmentation.parse("zoom=0.1, gamma=0.3") == Augmentation(zoom=0.1, gamma=0.3)
    assert Augmentation.parse("none") == Augmentation(**NONE, noise=0.0)


@pytest.mark.parametrize("text", ["zoon=0.1", "zoom", "zoom=much", "zoom=-0.1", "flip=2", "none,"])
def test_parse_says_what_it_received(text):
    with pytest.raises(ValueError, match="Received"):
        Augmentation.parse(text)
