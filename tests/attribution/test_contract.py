"""What every method promises on every network, the registries multiplied."""

from time import perf_counter

import keras
import numpy as np
import pytest
import tensorflow as tf
from threadpoolctl import threadpool_limits

import xraycore as xc
from tests.attribution.quick import QUICK
from xraycore.attribution.registry import ANALYTIC, METHODS
from xraycore.errors import Cancelled
from xraycore.models.classifier import BATCH
from xraycore.models.registry import MODELS

SLOW = [name for name in METHODS if name not in ANALYTIC]
OF_THE_FEATURES = (*ANALYTIC, "score_cam")
OF_THE_PIXELS = (
    "rise",
    "saliency",
    "smooth_grad",
    "integrated_gradients",
    "clearing",
    "against_normal_views",
)


# A quick run asks the two networks without branches only.
EACH = [
    pytest.param(name, marks=() if name in ("basic_cnn", "vgg16") else pytest.mark.slow)
    for name in MODELS
]


@pytest.fixture(scope="module", params=EACH)
def predicted(request, random_classifier, film):
    """Each network with its prediction, run once for all methods.

    Of small inputs: sixteen methods on five networks, and no promise depends on the size.
    """
    model = random_classifier(request.param, size=96)
    return model, model.predict(film)


def cells_of(method, model, prediction):
    if method in OF_THE_FEATURES:
        return prediction.features.shape[:2]
    if method in OF_THE_PIXELS:
        return prediction.grey.shape[:2]
    if method == "fused":
        return model.network.get_layer(model.spec.early_layer).output.shape[1:3]
    return (QUICK["occlusion"]["grid"],) * 2


@pytest.mark.parametrize("method", METHODS)
def test_contract(predicted, film, method):
    model, prediction = predicted
    settings = QUICK.get(method, {})
    # The slow ones for two of the four classes: what differs between classes is not the network.
    targets = model.classes if method in ANALYTIC else model.classes[:2]
    heats = []
    for target in targets:
        heat = xc.explain(model, prediction, method, target, **settings)
        assert (heat.target, heat.method, heat.model) == (target, method, model.spec.name)
        assert heat.values.shape == cells_of(method, model, prediction)
        assert heat.values.dtype == np.float32
        assert np.isfinite(heat.values).all()
        assert heat.values.min() >= 0
        on_film = heat.on(film)
        assert on_film.shape == film.pixels.shape
        assert on_film.dtype == np.float32
        assert 0 <= on_film.min() <= on_film.max() <= 1
        heats.append(heat.values)
    # Random weights favour some class somewhere, or nothing was explained at all.
    assert max(heat.max() for heat in heats) > 0
    same = [np.allclose(heats[0], heat, rtol=1e-3, atol=0) for heat in heats[1:]]
    assert all(same) if method == "eigen_cam" else not all(same)
    again = xc.explain(model, prediction, method, targets[-1], **settings).values
    np.testing.assert_allclose(again, heats[-1], rtol=1e-3, atol=1e-5 * heats[-1].max())


def test_prediction(predicted, film):
    model, prediction = predicted
    assert prediction.features.dtype == prediction.logits.dtype == np.float32
    assert list(prediction.probabilities) == list(model.classes)
    assert sum(prediction.probabilities.values()) == pytest.approx(1)
    assert prediction.probabilities[prediction.label] == max(prediction.probabilities.values())
    # The film's own, then what finding its lungs told.
    assert prediction.warnings == (*film.warnings, *prediction.lungs.warnings)
    kernel, bias = model.head
    pooled = prediction.features.mean(axis=(0, 1))
    np.testing.assert_allclose(pooled @ kernel + bias, prediction.logits, rtol=1e-4, atol=1e-5)


def test_a_prediction_holds_what_the_network_saw(predicted):
    model, prediction = predicted
    assert prediction.grey.shape == model.network.input_shape[1:]
    again = model.predict_input(prediction, prediction.grey)
    np.testing.assert_allclose(again.logits, prediction.logits, rtol=1e-3, atol=1e-5)
    darker = model.predict_input(prediction, 0.5 * prediction.grey)
    assert not np.allclose(darker.logits, prediction.logits)
    assert not np.allclose(darker.features, prediction.features)
    np.testing.assert_array_equal(darker.grey, 0.5 * prediction.grey)
    assert (darker.box, darker.lungs) == (prediction.box, prediction.lungs)


def test_a_list_of_films_gives_what_each_film_gives(predicted, film):
    model, alone = predicted
    dark = xc.Radiograph(film.pixels * 0.5, film.info)
    together = model.predict([dark, film])
    np.testing.assert_allclose(together[1].logits, alone.logits, rtol=1e-3, atol=1e-5)
    assert not np.array_equal(together[0].logits, together[1].logits)


@pytest.mark.parametrize("method", ANALYTIC)
def test_analytic_methods_take_five_milliseconds_at_most(method):
    """Of VGG16's features; the fastest of many rounds, as other programs share the machine.

    On one thread: where another program has the second core, two threads of OpenBLAS wait for a
    tick of the scheduler at every product, 16 ms in all.
    """
    random = np.random.default_rng(0)
    features = np.maximum(random.normal(size=(14, 14, 512)), 0).astype(np.float32)
    kernel, bias = random.normal(size=(512, 4)).astype(np.float32), np.zeros(4, np.float32)
    seconds = []
    with threadpool_limits(1):
        for _ in range(30):
            start = perf_counter()
            ANALYTIC[method](features, kernel, bias)
            seconds.append(perf_counter() - start)
    assert min(seconds) < 0.005


@pytest.fixture
def counted(random_classifier, film, monkeypatch):
    """A small network, its prediction, and how many films each later forward call took."""
    model = random_classifier("basic_cnn")
    prediction, forward, passes = model.predict(film), model.forward, []
    monkeypatch.setattr(model, "forward", lambda grey: passes.append(len(grey)) or forward(grey))
    return model, prediction, passes


def test_score_cam_takes_seventy_forward_passes_at_most(counted):
    model, prediction, passes = counted
    xc.explain(model, prediction, "score_cam")
    assert sum(passes) == 64
    assert max(passes) == BATCH


@pytest.mark.parametrize("method", SLOW)
def test_slow_methods_show_progress(counted, method):
    model, prediction, passes = counted
    shares = []
    many = {name: 2 * BATCH for name in QUICK.get(method, {}) if name != "grid"}
    xc.explain(model, prediction, method, report=lambda now: shares.append(now.done), **many)
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0, 1)
    if METHODS[method].needs == "forward":
        assert len(shares) == len(passes) + 1
    if many:
        assert shares == [0, 0.5, 1]


@pytest.mark.parametrize("method", SLOW)
def test_slow_methods_stop_within_a_batch(counted, method):
    model, prediction, passes = counted
    reported = []

    def stop_at_the_second(progress):
        reported.append(progress)
        if len(reported) == 2:
            raise Cancelled

    with pytest.raises(Cancelled):
        xc.explain(model, prediction, method, report=stop_at_the_second)
    assert len(reported) == 2
    assert passes == ([BATCH] if METHODS[method].needs == "forward" else [])


def test_the_registry_says_what_each_method_needs():
    for name, method in METHODS.items():
        assert method.name == name
        assert (method.needs == "features") == (name in ANALYTIC)
        assert (method.passes == 0) == (name in ANALYTIC)
        assert method.title and method.paper and method.summary and method.cost


@pytest.mark.parametrize("method", METHODS)
def test_the_registry_says_how_many_passes_a_map_takes(counted, method, monkeypatch):
    model, prediction, passes = counted
    call, gradient = keras.Model.__call__, tf.GradientTape.gradient

    def counted_call(self, films, *args, **kwargs):
        # Traced once, for `forward`, which counts by itself.
        if tf.executing_eagerly():
            passes.append(keras.tree.flatten(films)[0].shape[0])
        return call(self, films, *args, **kwargs)

    def counted_gradient(self, target, sources, *args, **kwargs):
        passes.append(keras.tree.flatten(sources)[0].shape[0])
        return gradient(self, target, sources, *args, **kwargs)

    monkeypatch.setattr(keras.Model, "__call__", counted_call)
    monkeypatch.setattr(tf.GradientTape, "gradient", counted_gradient)
    xc.explain(model, prediction, method)
    assert sum(passes) == METHODS[method].passes


def test_the_cost_is_said_in_words():
    costs = {name: method.cost for name, method in METHODS.items()}
    assert costs["grad_cam"] == "none beyond the prediction"
    assert costs["saliency"] == "one forward and one backward pass"
    assert costs["against_normal_views"] == "8 forward passes"
    assert costs["clearing"] == "8 forward and backward passes"
    quick = {name for name, method in METHODS.items() if method.quick}
    assert quick == {*ANALYTIC, "saliency", "fused"}
