"""The heatmap maths against numbers worked out by hand and against the papers' definitions."""

import numpy as np
import pytest

from xraycore.explain.methods import METHODS, get_method, list_methods

# Two channels on four cells, and three classes: one for channel 0 and against 1, one the other way
# round and twice as strong, one that ignores both.
FEATURES = np.array([[[1, 0], [2, 1]], [[0, 3], [1, 4]]], np.float32)
KERNEL = np.array([[4, -8, 0], [-4, 8, 0]], np.float32)

# A W / 4, cell by cell: channel 0 less channel 1, its opposite twice, nothing.
GRAD = [
    [[1, 1], [0, 0]],
    [[0, 0], [6, 6]],
    [[0, 0], [0, 0]],
]
# Only the positive weight: channel 0 once, channel 1 twice, nothing.
LAYER = [
    [[1, 2], [0, 1]],
    [[0, 2], [6, 8]],
    [[0, 0], [0, 0]],
]
# The same with alpha = 1 / (2 + W mean A): 1 / (2 + 4 * 1) and 1 / (2 + 8 * 2).
PLUS_PLUS = [
    [[1 / 6, 2 / 6], [0, 1 / 6]],
    [[0, 2 / 18], [6 / 18, 8 / 18]],
    [[0, 0], [0, 0]],
]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("grad_cam", GRAD),
        ("hires_cam", GRAD),
        ("layer_cam", LAYER),
        ("grad_cam_plus_plus", PLUS_PLUS),
    ],
)
def test_by_hand(name, expected):
    maps = get_method(name).maps(FEATURES, KERNEL)
    assert maps.dtype == np.float32
    np.testing.assert_allclose(maps, np.moveaxis(np.array(expected, float), 0, -1), rtol=1e-6)


def test_every_method_is_worked_out_by_hand():
    assert set(METHODS) == {"grad_cam", "hires_cam", "layer_cam", "grad_cam_plus_plus"}
    assert list_methods() == [method.name for method in METHODS.values()]


@pytest.fixture
def arrays():
    """Features (5, 3, 7) as after a ReLU, none of height, width, channels, classes alike."""
    random = np.random.default_rng(3)
    features = np.maximum(random.normal(0.5, 1.0, (5, 3, 7)), 0).astype(np.float32)
    return features, random.normal(0.0, 2.0, (7, 4)).astype(np.float32)


def test_grad_cam_before_its_relu_sums_to_the_logit_less_its_bias(arrays):
    features, kernel = arrays
    logits = features.mean(axis=(0, 1)) @ kernel
    maps = METHODS["grad_cam"].maps
    # What the ReLU cuts off is the map of the opposite weights.
    cut_off = maps(features, -kernel)
    assert (cut_off.sum(axis=(0, 1)) > 0.1).any()
    signed = maps(features, kernel) - cut_off
    np.testing.assert_allclose(signed.sum(axis=(0, 1)), logits, atol=1e-5)


def paper_grad_cam_plus_plus(features, kernel, target):
    """Equations 10, 19 of the paper, per cell, for the score Y = exp(S) of its section 3.3.

    Of Y the derivatives with respect to A are exp(S) g, exp(S) g^2 and exp(S) g^3, as S is linear.
    """
    height, width, channels = features.shape
    score = np.exp(features.mean(axis=(0, 1)) @ kernel[:, target])
    heat = np.zeros((height, width))
    for channel in range(channels):
        activation = features[..., channel]
        gradient = np.full((height, width), kernel[channel, target] / (height * width))
        first, second, third = score * gradient, score * gradient**2, score * gradient**3
        weight = 0.0
        for i in range(height):
            for j in range(width):
                alpha = second[i, j] / (2 * second[i, j] + (activation * third[i, j]).sum())
                weight += alpha * max(first[i, j], 0.0)
        heat += weight * activation
    return np.maximum(heat, 0.0) / score


def test_grad_cam_plus_plus_is_the_papers_formula(arrays):
    features, kernel = (array.astype(np.float64) for array in arrays)
    maps = METHODS["grad_cam_plus_plus"].maps(features, kernel)
    cells = features.shape[0] * features.shape[1]
    for target in range(kernel.shape[1]):
        expected = paper_grad_cam_plus_plus(features, kernel, target) / cells
        assert expected.max() > 0.01
        np.testing.assert_allclose(maps[..., target], expected, rtol=1e-5)


def test_grad_cam_plus_plus_discounts_what_fires_everywhere():
    """Two channels of equal weight and peak; only the second is alone in its cell."""
    features = np.zeros((2, 2, 2), np.float32)
    features[..., 0] = 1.0
    features[0, 0, 1] = 1.0
    kernel = np.full((2, 1), 4.0, np.float32)
    heat = METHODS["grad_cam_plus_plus"].maps(features, kernel)[..., 0]
    # alpha 1 / (2 + 4 * 1) and 1 / (2 + 4 * 1/4), each times 4 / 4.
    np.testing.assert_allclose(heat, [[1 / 6 + 1 / 3, 1 / 6], [1 / 6, 1 / 6]], rtol=1e-6)


def test_hires_cam_is_grad_cam(arrays):
    np.testing.assert_array_equal(
        METHODS["hires_cam"].maps(*arrays), METHODS["grad_cam"].maps(*arrays)
    )


def test_layer_cam_is_nowhere_below_grad_cam(arrays):
    layer, grad = METHODS["layer_cam"].maps(*arrays), METHODS["grad_cam"].maps(*arrays)
    assert (layer >= grad - 1e-6).all()
    assert (layer > grad + 0.01).any()


def test_unknown_method_is_refused_with_the_list():
    with pytest.raises(ValueError, match="grad_cam, grad_cam_plus_plus.*Received: 'gradcam'"):
        get_method("gradcam")
