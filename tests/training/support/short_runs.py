"""Recipes of seconds, and what is asked of the runs that they make."""

from dataclasses import replace

import keras
import numpy as np

from xraycore.datasets.manifest import Manifest
from xraycore.models.architectures import build_network
from xraycore.models.registry import get_spec
from xraycore.training import callbacks
from xraycore.training.augmentation import Augmentation
from xraycore.training.config import TrainingConfig

SPEC = get_spec("basic_cnn")
STILL = 1e-30  # a rate at which no float32 weight moves


def recipe(*stages, **changes):
    options = {
        "batch_size": 4,
        "patience": 9,
        "freeze_batch_norm": False,
        "view": "film",
        "augmentation": Augmentation(shear=0.0, zoom=0.0),
        **changes,
    }
    return TrainingConfig(tuple(stages), **options)


def weights_in(file):
    network = build_network(SPEC, 2, size=32)
    network.load_weights(file)
    return network.get_weights()


def assert_same_weights(left, right):
    for one, other in zip(left, right, strict=True):
        np.testing.assert_array_equal(one, other)


def scripted_validation(monkeypatch, losses, aurocs=None):
    """Makes validation return these losses and external AUROCs; yields the weights judged."""
    weights = []
    losses, aurocs = iter(losses), iter(aurocs) if aurocs else None

    def scripted(learner, *_):
        weights.append(learner.get_weights())
        scores = {"val_loss": next(losses), "val_accuracy": 0.5, "val_auc": 0.5, "val_inside": 0.5}
        return scores, {"auc_abroad": next(aurocs)} if aurocs else {}

    monkeypatch.setattr(callbacks, "scores_of", scripted)
    return weights


def only(manifest, split, source, labels=None):
    """The films of one split as another source's, under other labels where told."""
    return Manifest(
        tuple(
            replace(r, split="", source=source, label=(labels or {}).get(r.label, r.label))
            for r in manifest.split(split)
        )
    )


def even_start(file, bias):
    """Starting weights that say the same of every film: logits are the bias."""
    keras.utils.set_random_seed(5)
    network = build_network(SPEC, 2, size=32)
    network.get_layer("logits").set_weights([np.zeros((192, 2)), np.array(bias)])
    network.save_weights(file)
    return str(file)
