"""The analytic methods against numbers worked out by hand and the papers' definitions."""

import numpy as np
import pytest

from xraycore.attribution.registry import ANALYTIC, METHODS, get_method, list_methods
from xraycore.metrics.calibration import softmax

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
# Pooled features 1 and 2, logits -4, 8 and 0. The share of the first logit that a channel makes up:
# 4 * 1 / 4 and -4 * 2 / 4; of the second: -8 * 1 / 8 and 8 * 2 / 8.
ABLATION = [
    [[1, 0], [0, 0]],
    [[0, 0], [6, 7]],
    [[0, 0], [0, 0]],
]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("grad_cam", GRAD),
        ("ablation_cam", ABLATION),
        ("hires_cam", GRAD),
        ("layer_cam", LAYER),
        ("grad_cam_plus_plus", PLUS_PLUS),
    ],
)
def test_by_hand(name, expected):
    maps = ANALYTIC[name](FEATURES, KERNEL)
    assert maps.dtype == np.float32
    np.testing.assert_allclose(maps, np.moveaxis(np.array(expected, float), 0, -1), rtol=1e-6)


def test_every_analytic_method_is_worked_out_by_hand():
    here = {"grad_cam", "hires_cam", "layer_cam", "grad_cam_plus_plus", "ablation_cam"}
    others = {"eigen_cam", "recipro_cam", "against_normal", "against_kinds"}
    assert set(ANALYTIC) == here | others
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
    maps = ANALYTIC["grad_cam"]
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
    maps = ANALYTIC["grad_cam_plus_plus"](features, kernel)
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
    heat = ANALYTIC["grad_cam_plus_plus"](features, kernel)[..., 0]
    # alpha 1 / (2 + 4 * 1) and 1 / (2 + 4 * 1/4), each times 4 / 4.
    np.testing.assert_allclose(heat, [[1 / 6 + 1 / 3, 1 / 6], [1 / 6, 1 / 6]], rtol=1e-6)


def test_grad_cam_plus_plus_of_a_channel_against_the_class_is_no_division():
    """Its alpha would be 1 / (2 - 2); only channels that speak for the class have one."""
    features = np.full((2, 2, 2), 2.0, np.float32)
    kernel = np.array([[-1.0], [3.0]], np.float32)
    heat = ANALYTIC["grad_cam_plus_plus"](features, kernel)[..., 0]
    np.testing.assert_allclose(heat, np.full((2, 2), 3 / (2 + 6) * 2 / 4), rtol=1e-6)


def test_hires_cam_is_grad_cam(arrays):
    np.testing.assert_array_equal(ANALYTIC["hires_cam"](*arrays), ANALYTIC["grad_cam"](*arrays))


def test_layer_cam_is_nowhere_below_grad_cam(arrays):
    layer, grad = ANALYTIC["layer_cam"](*arrays), ANALYTIC["grad_cam"](*arrays)
    assert (layer >= grad - 1e-6).all()
    assert (layer > grad + 0.01).any()


def test_ablation_cam_divides_by_the_logit_with_its_bias():
    """A bias of 8 doubles the second logit, one of -16 makes it as negative; both halve or keep."""
    plain = ANALYTIC["ablation_cam"](FEATURES, KERNEL)[..., 1]
    for bias, factor in ((8.0, 0.5), (-16.0, 1.0), (-24.0, 0.5)):
        heat = ANALYTIC["ablation_cam"](FEATURES, KERNEL, np.full(3, bias))[..., 1]
        np.testing.assert_allclose(heat, factor * plain, rtol=1e-6)
    nearly_nothing = ANALYTIC["ablation_cam"](FEATURES, KERNEL, np.full(3, -8.0))[..., 1]
    np.testing.assert_allclose(nearly_nothing, 8 / 1e-3 * plain, rtol=1e-6)


def test_ablation_cam_is_what_zeroing_each_channel_costs(arrays):
    features, kernel = arrays
    bias = np.array([3.0, 9.0, 3.0, 5.0])

    def logits_of(maps):
        return maps.mean(axis=(0, 1)) @ kernel + bias

    whole, heat = logits_of(features), np.zeros((*features.shape[:2], 4))
    for channel in range(features.shape[-1]):
        without = features.copy()
        without[..., channel] = 0
        heat += features[..., channel, None] * (whole - logits_of(without)) / whole
    assert (whole > 1).all()
    found = ANALYTIC["ablation_cam"](features, kernel, bias)
    np.testing.assert_allclose(found, np.maximum(heat, 0), rtol=1e-4, atol=1e-5)


def test_recipro_cam_by_hand():
    """Logits (A, 0) of one channel on two cells, at 0 and ln 3: probabilities 1/2 and 3/4."""
    features = np.array([[[0.0], [np.log(3)]]], np.float32)
    kernel = np.array([[2.0, 0.0]], np.float32)
    maps = ANALYTIC["recipro_cam"](features, kernel)
    np.testing.assert_allclose(maps[..., 0], [[0, 0.25]], atol=1e-6)
    np.testing.assert_allclose(maps[..., 1], [[0.25, 0]], atol=1e-6)
    # With a bias of ln 3 they are 3/4 and 9/10.
    maps = ANALYTIC["recipro_cam"](features, kernel, np.array([np.log(3), 0]))
    np.testing.assert_allclose(maps[..., 0], [[0, 0.15]], atol=1e-6)


def test_recipro_cam_is_the_answer_to_one_cell_at_a_time(arrays):
    features, kernel = arrays
    bias = np.array([1.0, -1.0, 0.0, 0.5])
    answers = np.empty((5, 3, 4))
    for i in range(5):
        for j in range(3):
            only = np.zeros_like(features)
            only[i, j] = features[i, j]
            answers[i, j] = softmax(only.mean(axis=(0, 1)) @ kernel + bias)
    found = ANALYTIC["recipro_cam"](features, kernel, bias)
    np.testing.assert_allclose(found, answers - answers.min(axis=(0, 1)), atol=1e-6)


def test_recipro_cam_is_to_first_order_a_contrast_of_grad_cams(arrays):
    features, kernel = arrays[0], 0.01 * arrays[1]
    bias = np.array([1.0, -1.0, 0.0, 0.5])
    signed = features @ kernel / 15
    prior = softmax(bias)
    expected = prior * (signed - (signed @ prior)[..., None])
    found = ANALYTIC["recipro_cam"](features, kernel, bias)
    scale = np.ptp(expected)
    np.testing.assert_allclose(
        found / scale, (expected - expected.min(axis=(0, 1))) / scale, atol=0.01
    )


def test_eigen_cam_by_hand():
    """Two channels that never fire together, lengths 5 and sqrt 5: the longer one is the map."""
    features = np.array([[[3, 0], [4, 0]], [[0, 1], [0, 2]]], np.float32)
    maps = ANALYTIC["eigen_cam"](features, np.ones((2, 3), np.float32))
    for target in range(3):
        np.testing.assert_allclose(maps[..., target], [[3, 4], [0, 0]], atol=1e-3)


def test_eigen_cam_is_the_first_singular_vector_and_points_to_activation(arrays):
    features, kernel = arrays
    left, strengths, right = np.linalg.svd(features.reshape(-1, 7), full_matrices=False)
    expected = np.abs(left[:, 0] * strengths[0]).reshape(5, 3)
    found = ANALYTIC["eigen_cam"](features, kernel)[..., 0]
    np.testing.assert_allclose(found, expected, rtol=1e-3)
    assert np.corrcoef(found.ravel(), features.sum(axis=-1).ravel())[0, 1] > 0.5
    assert not ANALYTIC["eigen_cam"](np.zeros_like(features), kernel).any()


def test_unknown_method_is_refused_with_the_list():
    with pytest.raises(ValueError, match="grad_cam, grad_cam_plus_plus.*Received: 'gradcam'"):
        get_method("gradcam")


def test_against_normal_is_the_gradient_of_the_log_odds_by_hand():
    features = np.array([[[4.0, 0.0], [0.0, 8.0]]], np.float32)  # Means 2 and 4.
    kernel = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.5]], np.float32)
    # Logits 4, 2, 2: both diseases are as likely, so their mean gradient is (0.5, 0.25) and that
    # less Normal's (0.5, -0.75). Over two cells.
    maps = ANALYTIC["against_normal"](features, kernel, np.zeros(3))
    np.testing.assert_allclose(maps[0, :, 1], [1.0, 0.0])
    np.testing.assert_array_equal(maps[..., 2], maps[..., 1])
    np.testing.assert_allclose(maps[0, :, 0], [0.0, 3.0])
    # Between the kinds: (1, -0.5) for the first, (-1, 0.5) for the second.
    kinds = ANALYTIC["against_kinds"](features, kernel, np.zeros(3))
    np.testing.assert_allclose(kinds[0, :, 1], [2.0, 0.0])
    np.testing.assert_allclose(kinds[0, :, 2], [0.0, 2.0])
    np.testing.assert_array_equal(kinds[..., 0], maps[..., 0])


def test_against_normal_without_normal_and_without_rivals():
    features = np.array([[[2.0, 0.0]]], np.float32)
    kernel = np.array([[1.0, 0.0], [0.0, 1.0]], np.float32)
    for name in ("against_normal", "against_kinds"):
        for normal in (0, None):
            maps = ANALYTIC[name](features, kernel, np.zeros(2), normal)
            np.testing.assert_allclose(maps[0, 0], [2.0, 0.0])
        # The only class that there is stands against nothing.
        assert ANALYTIC[name](features, kernel[:, :1], 0.0, 0)[0, 0, 0] == 2.0
