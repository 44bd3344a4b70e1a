"""Gradient methods on networks whose gradient is known, and completeness on a real one."""

import keras
import numpy as np
import pytest
from keras import layers

from xraycore.attribution.gradients import (
    attributions,
    fused,
    integrated_gradients,
    redistributed,
    saliency,
    smooth_grad,
)
from xraycore.imaging.box import Box
from xraycore.models.architectures import HEAD, build_network
from xraycore.models.classifier import Classifier, Prediction
from xraycore.models.registry import get_spec
from xraycore.models.spec import ModelSpec

SIDE = 4
# What each pixel counts for the first class; half as much against the second.
WEIGHTS = np.arange(16.0).reshape(SIDE, SIDE) - 5.0
HALF = np.array([[1.0, -0.5]])


def classifier(features_of, head, early="early"):
    """Grey (4, 4) -> features_of(grey) -> pooled -> two logits by that kernel."""
    grey = keras.Input((SIDE, SIDE, 1))
    features = features_of(grey)
    pooled = layers.GlobalAveragePooling2D(name="pooled")(features)
    network = keras.Model(grey, [layers.Dense(2, name=HEAD)(pooled), features])
    network.get_layer(HEAD).set_weights([head, np.zeros(2)])
    spec = ModelSpec("tiny", "Tiny", "none", lambda x: x, "unit", "features", early, None)
    return Classifier(spec, network, ("a", "b"), card={})


def weighing():
    """logits (sum of WEIGHTS * film, minus half of it)."""
    convolution = layers.Conv2D(1, SIDE, use_bias=False)
    model = classifier(convolution, HALF)
    convolution.set_weights([WEIGHTS[..., None, None]])
    return model


def squaring():
    """logits (sum of film ** 2, minus half of it)."""
    return classifier(lambda grey: layers.Multiply()([grey, grey]), 16 * HALF)


def prediction_of(model, film):
    grey = np.asarray(film, np.float32)[..., None]
    logits, features = model.forward(grey[None])
    return Prediction("tiny", model.classes, logits[0], features[0], grey, Box(), None)


@pytest.fixture(scope="module")
def film():
    return np.random.default_rng(0).random((SIDE, SIDE)).astype(np.float32)


def test_saliency_by_hand(film):
    model = weighing()
    prediction = prediction_of(model, film)
    np.testing.assert_allclose(saliency(model, prediction, 0), np.abs(WEIGHTS), rtol=1e-5)
    np.testing.assert_allclose(saliency(model, prediction, 1), np.abs(WEIGHTS) / 2, rtol=1e-5)


def test_smooth_grad_averages_before_it_takes_the_absolute_value(film):
    """Of the sum of squares the gradient is 2 x, at a noisy copy 2 (x + noise)."""
    model = squaring()
    random = np.random.default_rng(7)
    drawn = [random.standard_normal((n, SIDE, SIDE, 1), np.float32) for n in (8, 2)]
    mean = 0.5 * np.ptp(film) * np.concatenate(drawn)[..., 0].mean(axis=0)
    expected = np.abs(2 * (film + mean))
    assert (film + mean).min() < 0
    heat = smooth_grad(model, prediction_of(model, film), 0, samples=10, noise=0.5, seed=7)
    np.testing.assert_allclose(heat, expected, rtol=1e-4, atol=1e-5)


def test_smooth_grad_without_noise_is_saliency(film):
    model = squaring()
    prediction = prediction_of(model, film)
    heat = smooth_grad(model, prediction, 1, samples=3, noise=0)
    np.testing.assert_allclose(heat, film, rtol=1e-5)
    np.testing.assert_allclose(heat, saliency(model, prediction, 1), rtol=1e-5)


def test_integrated_gradients_by_hand(film):
    linear, square = weighing(), squaring()
    found = attributions(linear, film[..., None], 0, steps=3)
    np.testing.assert_allclose(found, WEIGHTS * film, rtol=1e-5)
    heat = integrated_gradients(linear, prediction_of(linear, film), 1, steps=3)
    np.testing.assert_allclose(heat, np.maximum(-WEIGHTS * film / 2, 0), rtol=1e-5)
    # The gradient 2 a x at the middles of equal steps averages to x, times x.
    np.testing.assert_allclose(attributions(square, film[..., None], 0), film**2, rtol=1e-4)


def test_integrated_gradients_are_complete():
    """They sum to what the film adds to the logit of a black one, to 5 %."""
    keras.utils.set_random_seed(1)
    spec = get_spec("basic_cnn")
    network = build_network(spec, 3, size=64)
    network.get_layer(HEAD).set_weights([20 * network.get_layer(HEAD).get_weights()[0], np.ones(3)])
    model = Classifier(spec, network, ("a", "b", "c"), card={})
    grey = np.random.default_rng(2).random((64, 64, 1)).astype(np.float32)
    logits, _ = model.forward(np.stack([grey, np.zeros_like(grey)]))
    for target in range(3):
        added = logits[0, target] - logits[1, target]
        assert abs(added) > 0.1
        found = attributions(model, grey, target)
        assert found.sum() == pytest.approx(added, rel=0.05)
        assert np.abs(found).sum() > 1.5 * abs(added)


def test_heat_is_moved_within_cells_by_hand():
    """Detail whose mean in both coarse cells is 1: the map, enlarged, times the detail."""
    coarse = np.array([[1, 2]], np.float32)
    detail = np.array([[2, 0, 1, 1], [2, 0, 0, 2]], np.float32)
    # Enlarged: 1, 5/4, 7/4, 2 in both rows.
    expected = [[2, 0, 1.75, 2], [2, 0, 0, 4]]
    np.testing.assert_allclose(redistributed(coarse, detail), expected)
    # How strong the detail is does not matter, and where there is none the coarse map stays.
    np.testing.assert_allclose(redistributed(coarse, 7 * detail), expected)
    np.testing.assert_allclose(redistributed(coarse, 0 * detail), [[1, 1.25, 1.75, 2]] * 2)


def test_fused_by_hand():
    """Film -> ReLU -> means of 2 x 2: the logit is the film's mean, its early gradient 1 / 16."""

    def features_of(grey):
        return layers.AveragePooling2D(2)(layers.ReLU(name="early")(grey))

    model = classifier(features_of, HALF)
    film = np.tile([[1.0, 0.0], [0.5, 0.5]], (2, 2))
    prediction = prediction_of(model, film)
    # Grad-CAM: the means, all 1/2, divided by the 4 cells; times the film divided by its mean.
    np.testing.assert_allclose(fused(model, prediction, 0), film / 4, rtol=1e-5)
    np.testing.assert_array_equal(fused(model, prediction, 1), np.zeros((SIDE, SIDE)))


def test_fused_ignores_what_speaks_against_the_class():
    """Two channels, the film's and its opposite's; the second counts against the first class."""
    early = layers.Concatenate(name="early")

    def features_of(grey):
        opposite = layers.Rescaling(-1.0, offset=1.0)(grey)
        return layers.AveragePooling2D(2)(early([grey, opposite]))

    model = classifier(features_of, np.array([[4.0, -4.0], [-1.0, 1.0]]))
    film = np.tile([[1.0, 0.0], [1.0, 0.0]], (2, 2))
    prediction = prediction_of(model, film)
    # Grad-CAM (4 * 1/2 - 1 * 1/2) / 4 in each cell, all of it where the film is bright.
    np.testing.assert_allclose(fused(model, prediction, 0), 2 * 0.375 * film, rtol=1e-5)
