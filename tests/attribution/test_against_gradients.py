"""The closed forms against gradients: TensorFlow's, finite differences', and tf-keras-vis'."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from xraycore.attribution.registry import ANALYTIC
from xraycore.evaluation.benchmark import tf_keras_vis_gradcam
from xraycore.models.architectures import HEAD, build_network
from xraycore.models.classifier import Classifier
from xraycore.models.registry import get_spec

CLASSES = ("a", "b", "c")
SIZE = 64
TOLERANCE = 1e-3
# Those that are defined by gradients.
CAMS = ("grad_cam", "grad_cam_plus_plus", "hires_cam", "layer_cam")


@pytest.fixture(scope="module")
def small():
    """A basic CNN at 64 px, 4x4 cells, its head strong enough that alpha is not 1/2 everywhere."""
    keras.utils.set_random_seed(1)
    spec = get_spec("basic_cnn")
    classifier = Classifier(spec, build_network(spec, len(CLASSES), size=SIZE), CLASSES, card={})
    kernel = 20 * classifier.head[0]
    classifier.network.get_layer(HEAD).set_weights([kernel, np.array([0.3, -0.2, 0.1])])
    return Classifier(spec, classifier.network, CLASSES, card={})


@pytest.fixture(scope="module")
def grey():
    return np.random.default_rng(2).random((1, SIZE, SIZE, 1)).astype(np.float32)


@pytest.fixture(scope="module")
def maps(small, grey):
    """All four maps of all classes, by method."""
    _, features = small.forward(grey)
    return {name: ANALYTIC[name](features[0], *small.head) for name in CAMS}


def by_definition(features, gradients):
    """The four CAMs as their papers define them, from gradients (h, w, c) that may be anything."""
    pooled = gradients.mean(axis=(0, 1))
    second, third = gradients**2, gradients**3
    below = 2 * second + third * features.sum(axis=(0, 1))
    alpha = np.divide(second, below, out=np.zeros_like(second), where=below != 0)
    plus_plus = (alpha * np.maximum(gradients, 0)).mean(axis=(0, 1))
    sums = {
        "grad_cam": features @ pooled,
        "grad_cam_plus_plus": features @ plus_plus,
        "hires_cam": (features * gradients).sum(axis=-1),
        "layer_cam": (features * np.maximum(gradients, 0)).sum(axis=-1),
    }
    return {name: np.maximum(heat, 0) for name, heat in sums.items()}


def autodiff(classifier, grey, target):
    """Features (h, w, c), and the gradient of a logit there in the network's own graph."""
    with tf.GradientTape() as tape:
        tape.watch(inputs := tf.constant(grey))
        logits, features = classifier.network(inputs, training=False)
        score = logits[0, target]
    return features.numpy()[0], tape.gradient(score, features).numpy()[0]


def head_of(classifier):
    """The network's layers from the feature map on, which pool, drop nothing, and weigh."""
    layers = [classifier.network.get_layer(name) for name in ("pooled", "dropout", HEAD)]

    def head(features):
        for layer in layers:
            features = layer(features)
        return features

    return head


def finite_differences(classifier, features, target, step=0.5):
    """Central differences (h, w, c) of a logit; the head is linear, so any step is exact."""
    head = head_of(classifier)
    nudges = np.eye(features.size, dtype=np.float32).reshape(-1, *features.shape) * step
    up, down = head(features + nudges).numpy(), head(features - nudges).numpy()
    return ((up - down)[:, target] / (2 * step)).reshape(features.shape)


def assert_same_heat(ours, theirs):
    assert theirs.max() > 0
    np.testing.assert_allclose(ours / theirs.max(), theirs / theirs.max(), atol=TOLERANCE)


@pytest.mark.parametrize("target", range(len(CLASSES)))
@pytest.mark.parametrize("method", CAMS)
def test_autodiff(small, grey, maps, method, target):
    features, gradients = autodiff(small, grey, target)
    assert_same_heat(maps[method][..., target], by_definition(features, gradients)[method])


@pytest.mark.parametrize("target", range(len(CLASSES)))
def test_finite_differences(small, grey, maps, target):
    _, features = small.forward(grey)
    gradients = finite_differences(small, features[0], target)
    for method, heat in by_definition(features[0], gradients).items():
        assert_same_heat(maps[method][..., target], heat)


def normalised(heat):
    """As tf-keras-vis: the lowest cell 0, the highest 1."""
    return (heat - heat.min()) / (heat.max() - heat.min())


def tf_keras_vis_map(visualiser, small, grey, target):
    from tf_keras_vis.utils.scores import CategoricalScore

    heat = visualiser(
        CategoricalScore(target),
        grey,
        penultimate_layer=small.spec.feature_layer,
        seek_penultimate_conv_layer=False,
        expand_cam=False,
    )
    return np.asarray(heat)[0]


@pytest.mark.parametrize("target", range(len(CLASSES)))
def test_tf_keras_vis_grad_cam(small, grey, maps, target):
    theirs = tf_keras_vis_map(tf_keras_vis_gradcam(small), small, grey, target)
    ours = maps["grad_cam"][..., target]
    assert ours.max() > 0
    np.testing.assert_allclose(normalised(ours), theirs, atol=TOLERANCE)


@pytest.mark.parametrize("target", range(len(CLASSES)))
def test_tf_keras_vis_layer_cam(small, grey, maps, target):
    from tf_keras_vis.layercam import Layercam

    logits_only = tf_keras_vis_gradcam(small).model
    theirs = tf_keras_vis_map(Layercam(logits_only), small, grey, target)
    np.testing.assert_allclose(normalised(maps["layer_cam"][..., target]), theirs, atol=TOLERANCE)


@pytest.mark.parametrize("target", range(len(CLASSES)))
def test_tf_keras_vis_grad_cam_plus_plus_is_our_layer_cam(small, grey, maps, target):
    """It normalises alpha over the cells: with a constant gradient every alpha is 1 / cells."""
    from tf_keras_vis.gradcam_plus_plus import GradcamPlusPlus

    logits_only = tf_keras_vis_gradcam(small).model
    theirs = tf_keras_vis_map(GradcamPlusPlus(logits_only), small, grey, target)
    np.testing.assert_allclose(normalised(maps["layer_cam"][..., target]), theirs, atol=TOLERANCE)
    paper = normalised(maps["grad_cam_plus_plus"][..., target])
    assert np.abs(paper - theirs).max() > 10 * TOLERANCE
