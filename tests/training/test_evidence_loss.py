"""What the loss takes for evidence outside lungs and lesions, by hand on one linear head."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.training.support.linear_head import FEATURES, learner, loss_of, truth
from xraycore.models.architectures import HEAD
from xraycore.training.config import Stage, TrainingConfig
from xraycore.training.learner import compile_for


@pytest.mark.parametrize(
    ("lungs", "inside"),
    [
        ([[1, 0], [0, 0]], 4 / 5),
        ([[0, 1], [1, 0]], 0.0),
        ([[0, 0], [0, 1]], 1 / 5),
        ([[0.5, 1], [1, 1]], 3 / 5),
        ([[1, 1], [1, 1]], 1.0),
    ],
)
def test_evidence_outside_the_lungs_by_hand(lungs, inside):
    model = learner(lung_loss_weight=2.0)
    found = loss_of(model, truth([[1, 0]], [lungs]), [[0.8, 0.2]], FEATURES)
    assert found == pytest.approx(-np.log(0.8) + 2.0 * (1 - inside), abs=1e-5)


def test_evidence_is_that_of_the_label_not_of_the_prediction():
    # For the second class it is relu(2 b - 2 a): 0, 2, 0, 0.
    model = learner(lung_loss_weight=1.0)
    found = loss_of(model, truth([[0, 1]], [[[0, 1], [0, 0]]]), [[0.8, 0.2]], FEATURES)
    assert found == pytest.approx(-np.log(0.2), abs=1e-5)
    found = loss_of(model, truth([[0, 1]], [[[1, 0], [1, 1]]]), [[0.8, 0.2]], FEATURES)
    assert found == pytest.approx(-np.log(0.2) + 1.0, abs=1e-5)


def test_evidence_of_a_set_is_that_of_each_of_its_classes_against_the_others():
    # Class 0 against 2: relu(4 a - a - b) is 8, 1, 4, 2.5; 1 against 2: relu(b - a) is 0, 1, 0, 0.
    model = learner([[4.0, 0.0, 1.0], [0.0, 2.0, 1.0]], lung_loss_weight=1.0)
    lungs = [[[1, 1], [0, 0]]]
    found = loss_of(model, truth([[1, 1, 0]], lungs), [[0.5, 0.3, 0.2]], FEATURES)
    assert found == pytest.approx(-np.log(0.8) + (1 - 10 / 16.5), abs=1e-5)


def test_a_drawn_lesion_comes_before_the_lungs():
    # Evidence 4, 0, 0, 1: of it 1 / 5 on the lesion, which is half a cell on the next film.
    model = learner(lung_loss_weight=1.0, lesion_loss_weight=3.0)
    lungs, lesion, half = [[1, 0], [0, 0]], [[0, 0], [0, 1]], [[0, 0], [0, 0.5]]
    for lesions, inside in ((lesion, 1 / 5), (half, 1 / 10)):
        found = loss_of(model, truth([[1, 0]], [lungs], lesions=[lesions]), [[0.8, 0.2]], FEATURES)
        assert found == pytest.approx(-np.log(0.8) + 3.0 * (1 - inside), abs=1e-5)
    # Without a weight of its own it is like any other film.
    y = truth([[1, 0]], [lungs], lesions=[lesion])
    found = loss_of(learner(lung_loss_weight=1.0), y, [[0.8, 0.2]], FEATURES)
    assert found == pytest.approx(-np.log(0.8) + 1 / 5, abs=1e-5)
    # Of two films, one with a lesion, each has its own weight.
    both = truth([[1, 0]] * 2, [lungs] * 2, lesions=[lesion, np.zeros((2, 2))])
    found = loss_of(model, both, [[0.8, 0.2]] * 2, FEATURES * 2)
    expected = -np.log(0.8) + (3.0 * 4 / 5 + 1.0 * 1 / 5) / 2
    assert found == pytest.approx(expected, abs=1e-5)


# Class 0 is Normal. Less it, class 1 is 0, 1, 2, 1 of the one channel and class 2 is 3, 0, -1, 1.
OF_THREE = [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]

THREE = [[[[1.0, 4.0, 1.0], [1.0, 0.0, 0.0]], [[4.0, 1.0, 2.0], [2.0, 2.0, 1.0]]]]


@pytest.mark.parametrize(
    ("against", "label", "shares"),
    [
        ("normal", [0, 1, 0], [0, 1 / 4, 2 / 4, 1 / 4]),
        ("normal", [0, 0, 1], [3 / 4, 0, 0, 1 / 4]),
        # Each for itself: 0 + 3, 1 + 0, 2 + 0, 1 + 1.
        ("normal", [0, 1, 1], [3 / 8, 1 / 8, 2 / 8, 2 / 8]),
        # Class 1 against the mean of 0 and 2: relu(1 - 2.5), 1 - 0, 4 - 1.5, 2 - 1.5.
        ("others", [0, 1, 0], [0, 1 / 4, 2.5 / 4, 0.5 / 4]),
        # Normal against the mean of both others: 1 - 2.5, 0 - 0.5, 2 - 2.5, 1 - 2.
        ("normal", [1, 0, 0], None),
        ("others", [1, 0, 0], None),
    ],
)
def test_evidence_against_normal_by_hand(against, label, shares):
    model = learner(OF_THREE, normal=0, against=against, lesion_loss_weight=1.0)
    for cell in range(4):
        lesion = np.zeros(4)
        lesion[cell] = 1
        y = truth([label], lesions=[lesion.reshape(2, 2)])
        found = loss_of(model, y, [[0.2, 0.3, 0.5]], THREE)
        likelihood = np.dot(label, [0.2, 0.3, 0.5])
        # Where there is no evidence, none is misplaced.
        misplaced = 0.0 if shares is None else 1 - shares[cell]
        assert found == pytest.approx(-np.log(likelihood) + misplaced, abs=1e-5)


def test_where_normal_is_not_known_evidence_is_against_the_others():
    y = truth([[0, 1, 0]], lesions=[[[0, 1], [0, 0]]])
    found = loss_of(learner(OF_THREE, lesion_loss_weight=1.0), y, [[0.2, 0.3, 0.5]], THREE)
    assert found == pytest.approx(-np.log(0.3) + 3 / 4, abs=1e-5)


def test_normal_films_pay_for_evidence_of_disease():
    # The mean of 1 and 2 less Normal is 1.5, 0.5, 0.5, 1: a mean of 3.5 / 4.
    model = learner(OF_THREE, normal=0, normal_loss_weight=2.0)
    for label, cost in (([1, 0, 0], 2 * 3.5 / 4), ([0, 1, 0], 0), ([1, 1, 0], 0)):
        likelihood = np.dot(label, [0.2, 0.3, 0.5])
        found = loss_of(model, truth([label]), [[0.2, 0.3, 0.5]], THREE)
        assert found == pytest.approx(-np.log(likelihood) + cost, abs=1e-5)
    # What speaks for Normal costs nothing.
    quiet = np.zeros((1, 2, 2, 3)) + [0.0, 0.0, 5.0]
    found = loss_of(model, truth([[1, 0, 0]]), [[0.2, 0.3, 0.5]], quiet)
    assert found == pytest.approx(-np.log(0.2), abs=1e-5)


def test_the_loss_falls_as_evidence_moves_inside():
    model = learner(lung_loss_weight=1.0)
    y = truth([[1, 0]], [[[1, 0], [0, 0]]])
    moved = [
        loss_of(model, y, [[0.8, 0.2]], [[[[share, 0.0], [1.0 - share, 0.0]], [[0, 0], [0, 0]]]])
        for share in (0.0, 0.25, 0.5, 1.0)
    ]
    np.testing.assert_allclose(moved, -np.log(0.8) + np.array([1.0, 0.75, 0.5, 0.0]), atol=1e-5)


def test_a_step_moves_evidence_into_the_lungs():
    """The gradient reaches the map: down where evidence is outside, up where it is inside."""
    features = tf.Variable([[[[1.0, 0.0], [1.0, 0.0]], [[0.0, 0.0], [0.0, 0.0]]]])
    y = truth([[1, 0]], [[[1, 0], [1, 0]]])
    model = learner(lung_loss_weight=1.0)
    with tf.GradientTape() as tape:
        loss = model.compute_loss(None, y, [tf.zeros((1, 2)), features])
    slope = tape.gradient(loss, features).numpy()[0]
    # Inside I, outside O with I + O = 4: d(1 - I / (I + O)) is -O / 16 and I / 16, times dE/da = 2.
    np.testing.assert_allclose(slope[0, :, 0], [-0.25, 0.25], atol=1e-5)
    np.testing.assert_allclose(slope[0, :, 1], [0.25, -0.25], atol=1e-5)


def test_a_film_without_evidence_is_no_nan():
    features = tf.Variable(np.zeros((1, 2, 2, 2), np.float32))
    logits = tf.Variable([[2.0, 0.0]])
    model = learner(lung_loss_weight=1.0)
    for lungs in (np.zeros((1, 2, 2)), np.ones((1, 2, 2))):
        with tf.GradientTape() as tape:
            loss = model.compute_loss(None, truth([[1, 0]], lungs), [logits, features])
        # What is nowhere is not outside either.
        assert float(loss) == pytest.approx(np.log(1 + np.exp(-2)), abs=1e-6)
        for slope in tape.gradient(loss, [logits, features]):
            assert np.isfinite(slope.numpy()).all()


def test_a_label_that_allows_every_class_is_no_nan():
    model = learner(lung_loss_weight=1.0)
    found = loss_of(model, truth([[1, 1]], [[[1, 0], [0, 0]]]), [[0.8, 0.2]], FEATURES)
    assert np.isfinite(found)


def test_weights_weigh_the_whole_loss_of_a_film():
    model = learner(lung_loss_weight=1.0)
    y = truth([[1, 0], [1, 0]], [[[1, 0], [0, 0]], [[0, 0], [0, 0]]])
    found = loss_of(
        model, y, [[0.8, 0.2], [0.5, 0.5]], FEATURES * 2, np.array([1.5, 0.5], np.float32)
    )
    expected = (1.5 * (-np.log(0.8) + 0.2) + 0.5 * (np.log(2) + 1.0)) / 2
    assert found == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(("evidence", "ends_inside"), [(0.0, False), (5.0, True)])
def test_training_moves_the_evidence(evidence, ends_inside):
    """With the real optimizer, through a convolution that can only tell bright from dark."""
    keras.utils.set_random_seed(0)
    grey = keras.Input((2, 2, 1))
    features = keras.layers.Conv2D(4, 1, activation="relu")(grey)
    pooled = keras.layers.GlobalAveragePooling2D()(features)
    network = keras.Model(grey, [keras.layers.Dense(2, name=HEAD)(pooled), features])
    recipe = TrainingConfig((Stage("all", 1, 32, 1e-3),), lung_loss_weight=evidence)
    model = compile_for(network, recipe, 0.03)
    # The lung is the dimmest of four pixels, so the label alone is learnt on the others.
    film = np.array([[0.3, 1.0], [1.0, 1.0]], np.float32)[None, ..., None]
    inside = []
    for _ in range(60):
        model.reset_metrics()
        logs = model.train_on_batch(
            film, truth([[1, 0]], [[[1, 0], [0, 0]]]), np.ones(1, np.float32), return_dict=True
        )
        inside.append(float(logs["inside"]))
    # At first every channel is proportional to the grey: 0.3 of 3.3.
    assert inside[0] == pytest.approx(1 / 11, abs=1e-4)
    assert (inside[-1] > 0.9) == ends_inside
    assert float(logs["accuracy"]) == 1.0
    # There still is evidence in the lung.
    kernel = np.asarray(model.head.kernel)
    assert np.asarray(network(film)[1])[0, 0, 0] @ (kernel[:, 0] - kernel[:, 1]) > 0.1
