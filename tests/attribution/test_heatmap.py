"""A heatmap's place on the film and its scale; and what `explain` does and leaves alone."""

import dataclasses
from types import SimpleNamespace

import keras
import numpy as np
import pytest

import xraycore as xc
from tests.attribution.quick import QUICK
from xraycore.attribution.heatmap import target_of
from xraycore.attribution.registry import ANALYTIC, METHODS
from xraycore.datasets.labels import CHEST4
from xraycore.imaging.box import Box
from xraycore.imaging.radiograph import Radiograph
from xraycore.models.architectures import build_network
from xraycore.models.classifier import Classifier
from xraycore.models.registry import get_spec

VALUES = np.array([[0, 4], [8, 0]], np.float32)
# Between the centres of the two cells lie four pixels at -1/4 (held), 1/4, 3/4 and 5/4 (held).
SPREAD = np.array(
    [
        [0, 1.0, 3.0, 4],
        [2, 2.25, 2.75, 3],
        [6, 4.75, 2.25, 1],
        [8, 6.0, 2.0, 0],
    ]
)


def film_of(shape, film):
    return Radiograph(np.zeros(shape, np.float32), film.info)


def heatmap(box=Box(), scale=None):  # noqa: B008  (a Box is frozen)
    return xc.Heatmap(VALUES, "Normal", "grad_cam", "vgg16", box, scale)


def test_on_the_whole_film(film):
    heat = heatmap().on(film_of((4, 4), film))
    assert heat.dtype == np.float32
    np.testing.assert_allclose(heat, SPREAD / 8)


def test_on_an_inner_box_is_zero_outside(film):
    """Rows 2 to 6 of 8 and columns 6 to 10 of 16."""
    heat = heatmap(Box(top=0.25, left=0.375, bottom=0.75, right=0.625)).on(film_of((8, 16), film))
    expected = np.zeros((8, 16))
    expected[2:6, 6:10] = SPREAD / 8
    np.testing.assert_allclose(heat, expected)


def test_scale_keeps_a_cold_film_cold_and_a_hot_one_in_range(film):
    square = film_of((4, 4), film)
    np.testing.assert_allclose(heatmap(scale=16.0).on(square), SPREAD / 16)
    hot = heatmap(scale=4.0).on(square)
    # Cells at 0, 1, 2 -> 1 and 0: clipped before they are spread.
    np.testing.assert_allclose(hot[0], [0, 0.25, 0.75, 1])
    np.testing.assert_allclose(hot[3], [1, 0.75, 0.25, 0])


def test_stretched_shows_shape_without_strength(film):
    cold = heatmap(scale=16.0)
    np.testing.assert_allclose(cold.stretched().on(film_of((4, 4), film)), SPREAD / 8)
    assert cold.scale == 16.0 and cold.stretched().target == cold.target


def test_heat_as_high_as_the_threshold_is_significant(film):
    values = np.float32([[0.25, 0.5], [0.75, 1.0]])
    heat = dataclasses.replace(heatmap(), values=values, threshold=0.5)
    np.testing.assert_allclose(heat.on((2, 2)), [[0, 0.5], [0.75, 1]])


def test_a_map_without_heat_stays_black(film):
    nothing = xc.Heatmap(np.zeros((2, 2), np.float32), "Normal", "grad_cam", "vgg16", Box())
    assert nothing.on(film).shape == film.pixels.shape
    assert not nothing.on(film).any()


@pytest.fixture(scope="module")
def model(random_classifier):
    return random_classifier("basic_cnn")


def test_explains_the_predicted_class_unless_told(model, film):
    prediction = model.predict(film)
    heat = xc.explain(model, film)
    assert (heat.target, heat.method, heat.model) == (prediction.label, "grad_cam", "basic_cnn")
    assert heat.box == prediction.box
    np.testing.assert_array_equal(
        heat.values, xc.explain(model, film, target=prediction.label).values
    )


def test_explains_a_class_that_is_not_predicted(model, film):
    prediction = model.predict(film)
    others = [name for name in model.classes if name != prediction.label]
    for name in others:
        heat = xc.explain(model, prediction, "layer_cam", name)
        expected = ANALYTIC["layer_cam"](prediction.features, *model.head)
        assert heat.target == name
        np.testing.assert_array_equal(heat.values, expected[..., model.classes.index(name)])


def test_explains_a_list_of_films_and_predictions(model, film):
    mirrored = Radiograph(film.pixels[:, ::-1], film.info)
    heats = xc.explain(model, [film, model.predict(mirrored)], "layer_cam", "COVID-19")
    alone = [xc.explain(model, one, "layer_cam", "COVID-19") for one in (film, mirrored)]
    assert [heat.target for heat in heats] == ["COVID-19", "COVID-19"]
    for heat, expected in zip(heats, alone, strict=True):
        np.testing.assert_allclose(heat.values, expected.values, rtol=1e-5)
    assert not np.allclose(heats[0].values, heats[1].values)
    assert xc.explain(model, []) == []


def test_a_list_shares_its_progress(model, film):
    shares = []
    xc.explain(model, [film, film], "saliency", report=lambda now: shares.append(now.done))
    assert shares == [0, 0.5, 0.5, 1]


def test_a_setting_of_another_method_is_refused(model, film):
    with pytest.raises(TypeError, match="masks"):
        xc.explain(model, film, "score_cam", masks=3)


def test_a_prediction_is_explained_without_another_forward_pass(model, film, monkeypatch):
    passes = []
    forward = model.forward
    monkeypatch.setattr(model, "forward", lambda grey: passes.append(len(grey)) or forward(grey))
    prediction = model.predict(film)
    assert passes == [1]
    for method in ANALYTIC:
        for target in model.classes:
            xc.explain(model, prediction, method, target)
    assert passes == [1]
    xc.explain(model, film)
    assert passes == [1, 1]


def test_scale_is_the_cards_for_the_method(model, film, monkeypatch):
    monkeypatch.setattr(model, "card", {"heat_scale": {"grad_cam": 3.5}})
    prediction = model.predict(film)
    assert xc.explain(model, prediction, "grad_cam").scale == 3.5
    assert xc.explain(model, prediction, "layer_cam").scale is None


def test_unknown_method_class_and_foreign_prediction_are_refused(model, film):
    with pytest.raises(ValueError, match="must be one of against_normal.*Received: 'guided'"):
        xc.explain(model, film, "guided")
    with pytest.raises(ValueError, match="target must be one of Normal.*Received: 'Fracture'"):
        xc.explain(model, film, target="Fracture")
    foreign = dataclasses.replace(model.predict(film), model="xception")
    with pytest.raises(ValueError, match="a prediction of basic_cnn. Received one of xception"):
        xc.explain(model, foreign)


def state_of(network):
    """All that could be changed in a network: layers, what trains, weights, wiring."""
    return (
        [(layer.name, type(layer), layer.trainable) for layer in network.layers],
        [tensor.name for tensor in network.outputs],
        [array.tobytes() for array in network.get_weights()],
        getattr(network.get_layer("logits"), "activation", None),
    )


@pytest.mark.parametrize("method", METHODS)
def test_the_model_is_never_changed(film, method):
    """Each method gets a fresh one, on which no other test can have left its mark."""
    keras.utils.set_random_seed(0)
    spec = get_spec("basic_cnn")
    model = Classifier(spec, build_network(spec, len(CHEST4), size=64), CHEST4, card={})
    grey = np.random.default_rng(5).random((2, 64, 64, 1)).astype(np.float32)
    state, before = state_of(model.network), model.network(grey, training=False)
    head = [array.copy() for array in model.head]
    for target in model.classes:
        xc.explain(model, film, method, target, **QUICK.get(method, {}))
    after = model.network(grey, training=False)
    assert state_of(model.network) == state
    for old, new in zip(before, after, strict=True):
        np.testing.assert_array_equal(np.asarray(old), np.asarray(new))
    for old, new in zip(head, model.head, strict=True):
        np.testing.assert_array_equal(old, new)


def test_what_is_not_significant_is_not_coloured():
    values = np.array([[1.0, 3.0]], np.float32)
    plain = xc.Heatmap(values, "COVID-19", "against_normal", "vgg16", Box(), 4.0)
    cut = dataclasses.replace(plain, threshold=2.0)
    np.testing.assert_allclose(plain.on((1, 2)), [[0.25, 0.75]])
    np.testing.assert_allclose(cut.on((1, 2)), [[0.0, 0.75]])
    assert (plain.significant, cut.significant) == (True, True)
    assert not dataclasses.replace(cut, threshold=3.0).significant
    np.testing.assert_allclose(cut.stretched().on((1, 2)), [[1 / 3, 1.0]])
    # Even where full heat is below it.
    assert not dataclasses.replace(cut, scale=1.0, threshold=3.5).on((1, 2)).any()


def test_a_map_against_other_classes_is_never_of_normal_unless_asked():
    calm = SimpleNamespace(label="Normal", probabilities={"Normal": 0.8, "A": 0.05, "B": 0.15})
    assert target_of(calm, "grad_cam") == "Normal"
    assert target_of(calm, "against_normal") == target_of(calm, "against_kinds") == "B"
    assert target_of(SimpleNamespace(probabilities={"Normal": 1.0}), "against_normal") == "Normal"
