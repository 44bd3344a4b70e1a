"""Deletion and ROAD against quantus, a separate implementation, on a classifier that is known."""

import numpy as np
import pytest

from tests.attribution.linear import Linear
from xraycore.attribution.heatmap import Heatmap
from xraycore.attribution.metrics import faithfulness
from xraycore.attribution.metrics.faithfulness import ROAD_SHARES, measure_faithfulness
from xraycore.attribution.metrics.imputation import linear_imputation
from xraycore.imaging.box import Box

pytest.importorskip("quantus", reason="quantus is not installed: run make setup")

SHAPE = (10, 20)


class Wrapped:
    """A classifier as quantus calls one, of films (n, 1, h, w), and the other class's logit."""

    def __init__(self, model, other=0.0):
        self.model, self.other = model, other

    def shape_input(self, films, shape, **_):
        return films.reshape(-1, 1, *SHAPE)

    def predict(self, films):
        return self.model.forward(np.moveaxis(films, 1, -1))[0] + [0.0, self.other]


@pytest.fixture
def case():
    """A classifier, a film, whose darkest pixel is black, and a map without equal values."""
    random = np.random.default_rng(4)
    film = random.random(SHAPE).astype(np.float32)
    film[0, 0] = 0
    model = Linear(random.normal(size=SHAPE))
    return model, film, random.permutation(200).reshape(SHAPE).astype(np.float32)


def ours(case, **settings):
    model, film, values = case
    heat = Heatmap(values, "Pneumonia", "toy", "toy", Box())
    return measure_faithfulness(
        model, model.predict_input(film), heat, score="logit", **settings
    ).heatmap


def test_imputation(case):
    from quantus.functions.perturb_func import noisy_linear_imputation

    _, film, values = case
    for count in (1, 20, 120, 190):
        pixels = np.argsort(-values.ravel())[:count]
        expected = noisy_linear_imputation(film[None], pixels, noise=0.0)[0]
        np.testing.assert_allclose(linear_imputation(film, pixels), expected, atol=1e-5)


def test_deletion(case, monkeypatch):
    from quantus import PixelFlipping

    monkeypatch.setattr(faithfulness, "blurred", np.zeros_like)
    model, film, values = case
    flipping = PixelFlipping(features_in_step=20, perturb_baseline="black", disable_warnings=True)
    expected = flipping.evaluate_batch(
        Wrapped(model), film[None, None], np.array([0]), values[None, None]
    )
    found = ours(case, steps=10).deletion
    np.testing.assert_allclose(found.scores[1:], expected[0], rtol=1e-4, atol=1e-4)


def test_road(case, monkeypatch):
    """Quantus tells at which shares the class is still the predicted one.

    With the other class's logit between each two of our scores, that tells every score apart.
    """
    from quantus import ROAD

    monkeypatch.setattr(faithfulness, "ROAD_NOISE", 0.0)
    model, film, values = case
    found = ours(case)
    for curve, sign in ((found.most_first, 1), (found.least_first, -1)):
        scores = curve.scores[1:]
        edges = np.sort(scores)
        for other in (edges[1:] + edges[:-1]) / 2:
            road = ROAD(percentages=[100 * share for share in ROAD_SHARES[1:]], noise=0.0)
            road.a_size = film.size
            expected = road.evaluate_batch(
                Wrapped(model, other), film[None, None], np.array([0]), sign * values[None, None]
            )
            np.testing.assert_array_equal(scores > other, expected[0][0].astype(bool))
        assert np.diff(edges).min() > 1e-3
