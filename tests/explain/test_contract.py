"""What every method promises on every network, the registries multiplied."""

import numpy as np
import pytest

import xraycore as xc
from xraycore.explain.methods import METHODS
from xraycore.models.spec import MODELS


@pytest.fixture(scope="module", params=MODELS)
def predicted(request, random_classifier, film):
    """Each network with its prediction, run once for all methods."""
    model = random_classifier(request.param)
    return model, model.predict(film)


@pytest.mark.parametrize("method", METHODS)
def test_contract(predicted, film, method):
    model, prediction = predicted
    cells = prediction.features.shape[:2]
    hottest = []
    for target in model.classes:
        heat = xc.explain(model, prediction, method, target)
        assert (heat.target, heat.method, heat.model) == (target, method, model.spec.name)
        assert heat.values.shape == cells
        assert heat.values.dtype == np.float32
        assert np.isfinite(heat.values).all()
        assert heat.values.min() >= 0
        on_film = heat.on(film)
        assert on_film.shape == film.pixels.shape
        assert on_film.dtype == np.float32
        assert 0 <= on_film.min() <= on_film.max() <= 1
        hottest.append(heat.values.max())
    # Random weights favour some class somewhere, or nothing was explained at all.
    assert max(hottest) > 0


def test_prediction(predicted, film):
    model, prediction = predicted
    assert prediction.features.dtype == prediction.logits.dtype == np.float32
    assert list(prediction.probabilities) == list(model.classes)
    assert sum(prediction.probabilities.values()) == pytest.approx(1)
    assert prediction.probabilities[prediction.label] == max(prediction.probabilities.values())
    assert prediction.warnings == film.warnings
    kernel, bias = model.head
    pooled = prediction.features.mean(axis=(0, 1))
    np.testing.assert_allclose(pooled @ kernel + bias, prediction.logits, rtol=1e-4, atol=1e-5)


def test_a_list_of_films_gives_what_each_film_gives(predicted, film):
    model, alone = predicted
    dark = xc.Radiograph(film.pixels * 0.5, film.info)
    together = model.predict([dark, film])
    np.testing.assert_allclose(together[1].logits, alone.logits, rtol=1e-3, atol=1e-5)
    assert not np.array_equal(together[0].logits, together[1].logits)
