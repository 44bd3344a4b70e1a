import math

import cv2
import numpy as np
import pytest

from xraycore.training.augmentation import Augmentation, preview, rescaled

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
def image():
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


def test_nothing_switched_on_changes_nothing(image):
    changed = Augmentation.parse("none")(image, np.random.default_rng(1))
    np.testing.assert_array_equal(changed, image.astype(np.float32) / 255.0)


def test_flip_mirrors_left_and_right(image):
    mirrored = image[:, ::-1] / np.float32(255)
    np.testing.assert_array_equal(only(flip=1.0)(image, Extreme()), mirrored)


def test_shift_repeats_the_border(image):
    changed = only(shift=0.25)(image, Extreme()) * 255
    np.testing.assert_allclose(changed[:24, :24], image[8:, 8:], atol=1e-3)
    np.testing.assert_allclose(changed[-1, -1], image[-1, -1], atol=1e-3)


def test_gamma_is_a_power(image):
    expected = (image / 255.0) ** 2
    np.testing.assert_allclose(only(gamma=math.log(2))(image, Extreme()), expected, atol=1e-6)


def test_contrast_stretches_about_the_mean(image):
    grey = image / 255.0
    expected = np.clip(grey.mean() + 1.5 * (grey - grey.mean()), 0, 1)
    np.testing.assert_allclose(only(contrast=0.5)(image, Extreme()), expected, atol=1e-5)


def test_a_grey_curve_keeps_black_white_and_order():
    greys = np.tile(np.linspace(0, 255, 52).round().astype(np.uint8), (52, 1))
    bent = only(curve=0.1)(greys, Extreme())[0]
    # At a quarter, a half and three quarters: 0.1 sin(pi g) + 0.05 sin(2 pi g) more.
    x = greys[0] / 255.0
    expected = x + 0.1 * np.sin(np.pi * x) + 0.05 * np.sin(2 * np.pi * x)
    np.testing.assert_allclose(bent, expected.clip(0, 1), atol=1e-6)
    for seed in range(20):
        drawn = only(curve=0.15)(greys, np.random.default_rng(seed))[0]
        assert (np.diff(drawn) > 0).all()
        assert drawn[0] == 0 and drawn[-1] == pytest.approx(1.0)
    with pytest.raises(ValueError, match=r"curve must lie in \[0, 0.15\]. Received: 0.2"):
        only(curve=0.2)


def test_sharpness_is_away_from_the_blurred_film(image):
    class Least(Extreme):
        def uniform(self, low, high, size=None):
            return low

    smooth = cv2.GaussianBlur(image.repeat(8, 0).repeat(8, 1), (0, 0), 4)
    grey = smooth.astype(np.float32) / 255.0
    blurred = cv2.GaussianBlur(grey, (0, 0), 0.01 * 256)
    full = only(sharpness=1.0)
    np.testing.assert_allclose(full(smooth, Least()), blurred, atol=1e-5)
    expected = np.clip(2 * grey - blurred, 0, 1)
    np.testing.assert_allclose(full(smooth, Extreme()), expected, atol=1e-5)


def test_noise_has_at_most_its_standard_deviation():
    flat = np.full((64, 64), 128, np.uint8)
    spreads = [only(noise=0.1)(flat, np.random.default_rng(seed)).std() for seed in range(20)]
    assert 0.05 < max(spreads) < 0.11


def test_same_seed_same_film_other_seed_another(image):
    augmentation = Augmentation(rotation=10, shift=0.1, gamma=0.3, contrast=0.3, noise=0.05)
    first, again, other = (augmentation(image, np.random.default_rng(seed)) for seed in (7, 7, 8))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).mean() > 0.01


def test_a_film_stays_in_range_and_the_original_unchanged(image):
    augmentation = Augmentation(0.2, 0.2, 0.5, 15, 0.1, 1.0, 1.0, 0.5)
    before = image.copy()
    for seed in range(30):
        changed = augmentation(image, np.random.default_rng(seed))
        assert changed.dtype == np.float32
        assert changed.shape == image.shape
        assert changed.min() >= 0.0
        assert changed.max() <= 1.0
    np.testing.assert_array_equal(image, before)


# For half of four pixels, whose centre is (1.5, 1.5) on the whole and (0.5, 0.5) on the half.
@pytest.mark.parametrize(
    ("augmentation", "expected"),
    [
        (only(), [[1, 0, 0], [0, 1, 0]]),
        (only(flip=1.0), [[-1, 0, 1], [0, 1, 0]]),
        (only(zoom=0.25), [[0.8, 0, 0.1], [0, 0.8, 0.1]]),
        (only(shear=0.5), [[1, 0.5, -0.25], [0, 1, 0]]),
        (only(rotation=90.0), [[0, -1, 1], [1, 0, 0]]),
        # A quarter of the side: one pixel of four, half a pixel of two.
        (only(shift=0.25), [[1, 0, 0.5], [0, 1, 0.5]]),
    ],
)
def test_rescaled_by_hand(augmentation, expected):
    matrix = augmentation.affine(Extreme(), 4)
    np.testing.assert_allclose(rescaled(matrix, 0.5), expected, atol=1e-12)
    np.testing.assert_allclose(rescaled(matrix, 1.0), matrix, atol=1e-12)
    # What is drawn for a film of two pixels is the same.
    np.testing.assert_allclose(augmentation.affine(Extreme(), 2), expected, atol=1e-12)


def centroid(picture):
    """Row and column of the centre of what is bright, in shares of the side."""
    places = (np.arange(len(picture)) + 0.5) / len(picture)
    rows, columns = picture.sum(axis=1), picture.sum(axis=0)
    return np.array([rows @ places, columns @ places]) / picture.sum()


def square(side):
    """Black with a bright square: rows 20/56 to 32/56 and columns 28/56 to 40/56 of the side."""
    drawn = np.zeros((side, side), np.uint8)
    unit = side // 56
    drawn[20 * unit : 32 * unit, 28 * unit : 40 * unit] = 255
    return drawn


def test_a_mask_moves_exactly_as_its_film_does():
    """Film and mask have other sides: half a pixel of the mask would be 0.009 of the side."""
    augmentation = Augmentation(shear=0.2, zoom=0.2, flip=0.5, rotation=20, shift=0.1)
    moved = []
    for seed in range(20):
        film, mask = augmentation.with_mask(square(224), square(56), np.random.default_rng(seed))
        assert film.shape == (224, 224)
        assert mask.shape == (56, 56)
        assert mask.dtype == np.float32
        np.testing.assert_allclose(centroid(film), centroid(mask), atol=0.001)
        assert film.mean() == pytest.approx(mask.mean(), rel=0.02)
        moved.append(np.abs(centroid(film) - [26 / 56, 34 / 56]).max())
    assert max(moved) > 0.1


def test_tones_leave_the_mask_alone(image):
    augmentation = only(gamma=0.5, contrast=0.5)
    _, mask = augmentation.with_mask(image, square(56), np.random.default_rng(0))
    np.testing.assert_array_equal(mask, square(56) / np.float32(255))


def test_a_mask_changes_nothing_of_the_film(image):
    augmentation = Augmentation(rotation=10, shift=0.1, gamma=0.3, contrast=0.3, noise=0.05)
    alone = augmentation(image, np.random.default_rng(3))
    for mask in (square(56), square(112)):
        beside, _ = augmentation.with_mask(image, mask, np.random.default_rng(3))
        np.testing.assert_array_equal(beside, alone)


def test_parse_keeps_the_defaults_of_what_is_not_named():
    assert Augmentation.parse("zoom=0.1, gamma=0.3") == Augmentation(zoom=0.1, gamma=0.3)
    assert Augmentation.parse("none") == Augmentation(**NONE, noise=0.0)


@pytest.mark.parametrize("text", ["zoon=0.1", "zoom", "zoom=much", "zoom=-0.1", "flip=2", "none,"])
def test_parse_says_what_it_received(text):
    with pytest.raises(ValueError, match="Received"):
        Augmentation.parse(text)


def test_views_follow_from_their_seeds(film):
    seen, (first, second) = preview(film, Augmentation(), [4, 5], view="film", size=64)
    assert seen.shape == first.shape == (64, 64)
    assert seen.dtype == first.dtype == np.uint8
    assert not np.array_equal(first, second)
    _, (again,) = preview(film, Augmentation(), [5], view="film", size=64)
    np.testing.assert_array_equal(second, again)


def test_without_changes_it_is_the_film(film):
    seen, (same,) = preview(film, Augmentation.parse("none"), [0], view="film", size=64)
    np.testing.assert_array_equal(seen, same)


def test_the_lungs_view_is_their_box(film, monkeypatch):
    from xraycore.anatomy import lung_field as lungs

    mask = np.zeros((128, 128))
    mask[32:96, 24:56] = mask[32:96, 72:104] = 1
    field = lungs.lung_field(mask)
    monkeypatch.setattr(
        "xraycore.training.augmentation.segment_lungs", lambda films: [field for _ in films]
    )
    whole, _ = preview(film, Augmentation(), [], view="film", size=64)
    part, _ = preview(film, Augmentation(), [], size=64)
    assert field.found
    assert not np.array_equal(whole, part)
