"""Score-CAM, occlusion and RISE on a classifier whose answer to any film is known."""

import numpy as np
import pytest

from tests.attribution.linear import Linear
from xraycore.attribution import perturbation
from xraycore.attribution.perturbation import occlusion, random_mask, rise, score_cam


def test_occlusion_by_hand():
    """Four patches, all next to each other, so that each is hidden by the film's mean, 1/4."""
    model = Linear(np.ones((4, 4)))
    film = np.zeros((4, 4))
    film[:2, :2] = 1
    # Of the four ones 4 * 3/4 is lost; hiding the others adds.
    prediction = model.predict_input(film)
    np.testing.assert_allclose(occlusion(model, prediction, 0, grid=2), [[3, 0], [0, 0]])
    np.testing.assert_allclose(occlusion(model, prediction, 1, grid=2), np.zeros((2, 2)))


def test_occlusion_hides_with_the_mean_of_the_neighbourhood():
    model = Linear(-np.ones((4, 4)))
    film = np.zeros((4, 4))
    film[0, 0] = 1
    heat = occlusion(model, model.predict_input(film), 0, grid=4)
    expected = np.zeros((4, 4))
    # The corner lies in 2 x 3 patches around its neighbours along the edge, in 3 x 3 of the other.
    expected[0, 1] = expected[1, 0] = 1 / 6
    expected[1, 1] = 1 / 9
    np.testing.assert_allclose(heat, expected, atol=1e-6)


def test_occlusion_takes_a_pass_a_patch_and_covers_a_side_it_does_not_divide():
    model = Linear(np.ones((10, 10)))
    prediction = model.predict_input(np.arange(100).reshape(10, 10))
    model.passes = 0
    heat = occlusion(model, prediction, 0, grid=3)
    assert (heat.shape, model.passes) == ((3, 3), 9)
    # Patches of 3, 4 and 3 pixels: the last's nine of mean 88, in a neighbourhood of mean 66.
    assert heat[2, 2] == pytest.approx(9 * (88 - 66))


MASKS = [[[1, 0], [1, 0]], [[0, 1], [0, 1]], [[1, 1], [1, 1]]]


def test_rise_by_hand(monkeypatch):
    """Left half, right half, all: logits 6, 0, 6. Where the left is seen their mean is 6, where the
    right is seen 3, altogether 4."""
    drawn = iter(np.array(MASKS, np.float32))
    monkeypatch.setattr(perturbation, "random_mask", lambda *_: next(drawn))
    model = Linear([[3, 0], [3, 0]])
    heat = rise(model, model.predict_input(np.ones((2, 2))), 0, masks=3)
    np.testing.assert_allclose(heat, [[2, 0], [2, 0]])


def test_rise_finds_the_pixel_that_counts():
    weights = np.zeros((28, 28))
    weights[5, 20] = 1
    model = Linear(weights)
    prediction = model.predict_input(np.ones((28, 28)))
    heat = rise(model, prediction, 0, masks=400, seed=3)
    row, column = np.unravel_index(heat.argmax(), heat.shape)
    assert abs(row - 5) <= 4 and abs(column - 20) <= 4
    np.testing.assert_array_equal(heat, rise(model, prediction, 0, masks=400, seed=3))
    assert not np.array_equal(heat, rise(model, prediction, 0, masks=400, seed=4))


def test_random_masks_show_half_of_a_film():
    random = np.random.default_rng(0)
    masks = np.stack([random_mask((30, 20), 7, random) for _ in range(400)])
    assert masks.shape == (400, 30, 20)
    assert (masks.min(), masks.max()) == (0, 1)
    assert masks.mean() == pytest.approx(0.5, abs=0.02)
    # Everywhere alike, the border too.
    assert np.abs(masks.mean(axis=0) - 0.5).max() < 0.15


# Of the three channels the last is the same everywhere; weights times means are 1/2 and 1/10.
FEATURES = np.array([[[2, 0, 5], [0, 0, 5]], [[0, 0, 5], [0, 4, 5]]], np.float32)
KERNEL = [[1, 0], [0.1, 0], [9, 0]]


def test_score_cam_by_hand():
    """The first mask shows the pixel that counts, logit ln 3; the second another one, logit 0."""
    model = Linear([[np.log(3), 0], [0, 0]], KERNEL)
    prediction = model.predict_input(np.ones((2, 2)), FEATURES)
    model.passes = 0
    heat = score_cam(model, prediction, 0)
    np.testing.assert_allclose(heat, [[0.75 * 2, 0], [0, 0.25 * 4]], rtol=1e-6)
    assert model.passes == 2


def test_score_cam_takes_the_channels_that_add_most():
    model = Linear(np.ones((2, 2)), KERNEL)
    heat = score_cam(model, model.predict_input(np.ones((2, 2)), FEATURES), 0, maps=1)
    np.testing.assert_allclose(heat, [[2, 0], [0, 0]])


def test_score_cam_of_features_without_contrast_is_cold():
    model = Linear(np.ones((2, 2)), KERNEL)
    heat = score_cam(model, model.predict_input(np.ones((2, 2)), np.ones((2, 2, 3), np.float32)), 0)
    np.testing.assert_array_equal(heat, np.zeros((2, 2), np.float32))


def test_rise_on_a_film_of_several_greys_by_hand():
    """The film shines through its masks: logits are sums of weight, mask and grey."""
    weights, film = np.array([[1.0, -2.0], [4.0, 0.5]]), np.array([[0.2, 0.4], [0.5, 1.0]])
    model = Linear(weights)
    heat = rise(model, model.predict_input(film), 0, masks=20, cells=1, seed=6)
    random = np.random.default_rng(6)
    drawn = np.stack([random_mask((2, 2), 1, random) for _ in range(20)])
    logits = (drawn * film * weights).sum(axis=(1, 2))
    assert np.ptp(logits) > 0.5
    shown = np.maximum(drawn.sum(axis=0), 1e-9)
    expected = np.tensordot(logits, drawn, 1) / shown - logits.mean()
    np.testing.assert_allclose(heat, np.maximum(expected, 0), rtol=1e-4, atol=1e-6)


def test_score_cam_on_a_film_of_several_greys_by_hand():
    """Each mask, its highest cell 1 and its lowest 0, dims the film: logits 2 and 0.75."""
    model = Linear([[4.0, 0], [0, 3.0]], KERNEL)
    film = np.array([[0.5, 0.9], [0.9, 0.25]])
    heat = score_cam(model, model.predict_input(film, FEATURES), 0)
    share = np.exp(2.0) / (np.exp(2.0) + np.exp(0.75))
    np.testing.assert_allclose(heat, [[share * 2, 0], [0, (1 - share) * 4]], rtol=1e-6)
