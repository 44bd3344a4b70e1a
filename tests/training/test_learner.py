"""The loss that networks are trained on, by hand, on a network of one linear head."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from xraycore.models.architectures import HEAD
from xraycore.training.config import Stage, TrainingConfig
from xraycore.training.learner import Learner, averaged, compile_for

# Two channels, two classes: the first class's evidence is relu(2 a - 2 b).
KERNEL = [[1.0, -1.0], [0.0, 2.0]]
# Channels a, b of a 2 x 2 map: relu(2 a - 2 b) is 4, 0, 0, 1.
FEATURES = [[[[3.0, 1.0], [1.0, 2.0]], [[2.0, 2.0], [1.0, 0.5]]]]


def learner(kernel=KERNEL, normal=None, **changes):
    """A learner whose features are its input, (n, 2, 2, channels)."""
    channels, classes = np.shape(kernel)
    features = keras.Input((2, 2, channels))
    pooled = keras.layers.GlobalAveragePooling2D()(features)
    logits = keras.layers.Dense(classes, name=HEAD)(pooled)
    network = keras.Model(features, [logits, features])
    network.get_layer(HEAD).set_weights([np.array(kernel), np.zeros(classes)])
    plain = {"label_smoothing": 0.0, "lung_loss_weight": 0.0, "lesion_loss_weight": 0.0, **changes}
    return Learner(network, TrainingConfig((Stage("all", 1, 32, 1e-3),), **plain), normal)


def truth(classes, lungs=None, teacher=None, lesions=None):
    """Truth of n films as batches tell it; lungs everywhere and no lesion unless said otherwise."""
    classes = np.array(classes, np.float32)
    if lungs is None:
        lungs = np.ones((len(classes), 2, 2))
    if lesions is None:
        lesions = np.zeros((len(classes), 2, 2))
    found = {
        "classes": classes,
        "lungs": np.array(lungs, np.float32),
        "lesions": np.array(lesions, np.float32),
    }
    return found if teacher is None else found | {"teacher": np.array(teacher, np.float32)}


def loss_of(model, y, probabilities, features=None, weights=None):
    """The loss of films with these probabilities; features without evidence unless told."""
    logits = np.log(np.array(probabilities, np.float32)) + 3.0
    if features is None:
        features = np.zeros((len(logits), 2, 2, len(KERNEL)), np.float32)
    predicted = [tf.constant(logits), tf.constant(features, tf.float32)]
    return float(model.compute_loss(None, y, predicted, weights))


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


def test_spectral_decoupling_by_hand():
    model = learner(decoupling=0.1)
    logits = np.log([0.8, 0.2]) + 3.0
    found = loss_of(model, truth([[1, 0]]), [[0.8, 0.2]])
    assert found == pytest.approx(-np.log(0.8) + 0.1 * (logits**2).sum() / 2, abs=1e-5)


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
