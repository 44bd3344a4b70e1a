"""The loss of a class and of a set of classes, metrics and averaged weights, by hand."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.training.support.linear_head import FEATURES, learner, loss_of, truth
from xraycore.training.learner import averaged, compile_for


def test_a_set_of_two_classes_by_hand():
    model = learner([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    # Either of the last two: 0.3 + 0.2.
    assert loss_of(model, truth([[0, 1, 1]]), [[0.5, 0.3, 0.2]]) == pytest.approx(-np.log(0.5))
    # One class as usual, and the mean of both films.
    both = loss_of(model, truth([[0, 1, 1], [0, 0, 1]]), [[0.5, 0.3, 0.2]] * 2)
    assert both == pytest.approx(-(np.log(0.5) + np.log(0.2)) / 2)
    # A label that allows every class asks for nothing.
    assert loss_of(model, truth([[1, 1, 1]]), [[0.5, 0.3, 0.2]]) == pytest.approx(0.0, abs=1e-6)


def test_smoothing_of_a_set_by_hand():
    model = learner([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]], label_smoothing=0.1)
    expected = -0.9 * np.log(0.5) - 0.1 * np.log([0.5, 0.3, 0.2]).mean()
    assert loss_of(model, truth([[0, 1, 1]]), [[0.5, 0.3, 0.2]]) == pytest.approx(expected)


def test_one_class_is_label_smoothed_cross_entropy():
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.ones(4), size=16)
    targets = np.eye(4, dtype=np.float32)[rng.integers(0, 4, 16)]
    weights = rng.uniform(0.2, 3.0, 16).astype(np.float32)
    reference = keras.losses.CategoricalCrossentropy(label_smoothing=0.05)
    model = learner(np.zeros((2, 4)), label_smoothing=0.05)
    for given in (None, weights):
        found = loss_of(model, truth(targets), probabilities, weights=given)
        assert found == pytest.approx(float(reference(targets, probabilities, given)), rel=1e-5)


def test_the_gradient_of_a_set_by_hand():
    """p less p conditioned on the set; finite although what is not allowed weighs minus 1e9."""
    logits = tf.Variable(np.log([[0.5, 0.3, 0.2]]), dtype=tf.float32)
    model = learner([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    with tf.GradientTape() as tape:
        loss = model.compute_loss(None, truth([[0, 1, 1]]), [logits, tf.zeros((1, 2, 2, 2))])
    np.testing.assert_allclose(
        tape.gradient(loss, logits), [[0.5, 0.3 - 0.6, 0.2 - 0.4]], atol=1e-6
    )


def test_distillation_by_hand():
    model = learner(distillation=0.25, label_smoothing=0.1)
    smoothed = -0.9 * np.log(0.8) - 0.1 * np.log([0.8, 0.2]).mean()
    taught = -(0.6 * np.log(0.8) + 0.4 * np.log(0.2))
    taught_film = truth([[1, 0]], teacher=[[0.6, 0.4]])
    found = loss_of(model, taught_film, [[0.8, 0.2]])
    assert found == pytest.approx(0.75 * smoothed + 0.25 * taught)
    # Without a teacher the label's share is the whole loss.
    assert loss_of(model, truth([[1, 0]]), [[0.8, 0.2]]) == pytest.approx(smoothed)


def test_spectral_decoupling_by_hand():
    model = learner(decoupling=0.1)
    logits = np.log([0.8, 0.2]) + 3.0
    found = loss_of(model, truth([[1, 0]]), [[0.8, 0.2]])
    assert found == pytest.approx(-np.log(0.8) + 0.1 * (logits**2).sum() / 2, abs=1e-5)


def test_metrics_by_hand():
    model = learner(np.array([[1.0, -1.0, 0.0], [0.0, 2.0, 0.0]]))
    # The second film is predicted to be of a class that its set allows, the third is not.
    y = truth([[1, 0, 0], [0, 1, 1], [0, 1, 1]], [[[1, 0], [0, 0]]] * 3)
    logits = tf.constant([[2.0, 0.0, 0.0], [0.0, 0.0, 2.0], [2.0, 0.0, 0.0]])
    found = model.compute_metrics(None, y, [logits, tf.constant(FEATURES * 3)])
    assert float(found["accuracy"]) == pytest.approx(2 / 3)
    # Class 0 against the mean of the others: 1.5 a - b is 3.5, 0, 1, 1; 1 against 0: 2 b - 2 a is
    # 0, 2, 0, 0 and none of it inside; 2 against 0 is -a, no evidence.
    assert float(found["inside"]) == pytest.approx((3.5 / 5.5) / 3, abs=1e-5)


def test_averaged_weights_by_hand():
    linear = learner(ema_momentum=0.25)
    model = compile_for(linear, linear.recipe, 0.1)
    film = np.array(FEATURES, np.float32)
    steps = []
    for label in ([1, 0], [0, 1], [1, 0]):
        model.train_on_batch(film, truth([label]), np.ones(1, np.float32))
        steps.append(model.get_weights())
    with averaged(model):
        inside = model.get_weights()
    # From the first step's weights on, a quarter of the old mean and three of the new weights.
    for first, second, third, found in zip(*steps, inside, strict=True):
        expected = 0.25 * (0.25 * first + 0.75 * second) + 0.75 * third
        np.testing.assert_allclose(found, expected, rtol=1e-5)
        assert not np.allclose(found, third, rtol=1e-3)
    for third, now in zip(steps[-1], model.get_weights(), strict=True):
        np.testing.assert_array_equal(third, now)


def test_fit_leaves_the_weights_and_their_average_apart():
    """As they are after the same steps one by one: Keras would replace one by the other."""
    found = []
    for whole in (True, False):
        linear = learner(ema_momentum=0.9)
        model = compile_for(linear, linear.recipe, 0.1)
        batch = (np.array(FEATURES, np.float32), truth([[1, 0]]), np.ones(1, np.float32))
        for _ in range(2):
            if whole:
                model.fit(tf.data.Dataset.from_tensors(batch).repeat(3), shuffle=False, verbose=0)
            else:
                for _ in range(3):
                    model.train_on_batch(*batch)
        with averaged(model):
            mean = model.get_weights()
        found.append((model.get_weights(), mean))
    (weights, mean), (one_by_one, mean_of_them) = found
    for one, other in zip([*weights, *mean], [*one_by_one, *mean_of_them], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4)
    assert not np.allclose(weights[0], mean[0], rtol=1e-2)


def test_without_an_average_weights_stay_as_they_are():
    model = compile_for(learner(), learner().recipe, 0.1)
    before = model.get_weights()
    with averaged(model):
        for one, other in zip(before, model.get_weights(), strict=True):
            np.testing.assert_array_equal(one, other)
