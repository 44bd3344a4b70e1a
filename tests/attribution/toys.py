"""Heatmap methods whose maps are known, for tests of what maps are put through."""

import numpy as np

from xraycore.attribution.registry import Method


def toy(name, heat):
    return Method(name, name, "none", "none", 0, "features", heat)


# The film itself, whatever the network has learnt.
FILM = toy("film", lambda model, prediction, target, report: prediction.grey[..., 0])


def _pinned(model, prediction, target, report):
    random = np.random.default_rng(0)
    return random.random(prediction.grey.shape[:2]).astype(np.float32)


# Bound to the picture's frame, whatever the film shows.
PINNED = toy("pinned", _pinned)
