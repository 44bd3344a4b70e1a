"""A network of one linear head, whose loss can be worked out by hand."""

import keras
import numpy as np
import tensorflow as tf

from xraycore.models.architectures import HEAD
from xraycore.training.config import Stage, TrainingConfig
from xraycore.training.learner import Learner

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
