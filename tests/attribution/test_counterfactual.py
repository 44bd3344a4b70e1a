"""The map of what opacities add, on a network whose answer is known."""

import keras
import numpy as np
import pytest
from keras import layers

from xraycore.anatomy.lung_field import LungField
from xraycore.attribution.counterfactual import cleared, clearing, excess_brightness
from xraycore.attribution.metrics.lesion_removal import clear
from xraycore.imaging.box import Box
from xraycore.models.architectures import HEAD
from xraycore.models.classifier import Classifier, Prediction
from xraycore.models.spec import ModelSpec

SIDE = 128
CLASSES = ("Normal", "Bacterial pneumonia", "COVID-19")
OPACITY = np.s_[44:60, 30:46]


@pytest.fixture(scope="module")
def lungs():
    mask = np.zeros((SIDE, SIDE), bool)
    mask[20:108, 20:56] = mask[20:108, 72:108] = True
    return mask


@pytest.fixture(scope="module")
def film(lungs):
    """Bright chest, dark lungs, one opacity in the left one; ribs a pixel thick."""
    film = np.where(lungs, 0.2, 0.7).astype(np.float32)
    film[OPACITY] = 0.5
    film[20:108:11] += 0.1
    return film


def test_clearing_takes_the_opacity_and_leaves_ribs_and_chest(film, lungs):
    clear = cleared(film, lungs.astype(np.float32))
    assert clear.dtype == np.float32
    assert (clear <= film).all()
    # From 0.3 above the clear lung to a third of that, though it fades in and out.
    middle = np.s_[49:55, 35:41]
    assert film[middle].mean() - film[80:86, 35:41].mean() > 0.25
    assert abs(clear[middle].mean() - clear[80:86, 35:41].mean()) < 0.1
    # Clear lung, far from opacity and edges, loses next to nothing, and a rib stands out as before.
    assert np.abs(clear - film)[80:98, 34:42].max() < 0.03
    assert clear[86, 38] - clear[83, 38] == pytest.approx(0.1, abs=0.02)
    # Outside the lungs nothing changes but at their very edge.
    np.testing.assert_allclose(clear[:, :14], film[:, :14], atol=1e-3)


def test_without_lungs_nothing_is_cleared(film):
    none = np.zeros((SIDE, SIDE), np.float32)
    np.testing.assert_array_equal(cleared(film, none), film)
    assert not excess_brightness(film, none).any()


def test_excess_brightness_is_hottest_where_the_lungs_are_brightest(film, lungs):
    inner = lungs.copy()
    inner[:, :26] = inner[:, 50:78] = inner[:, 102:] = inner[:26] = inner[102:] = False
    found = excess_brightness(film, inner)
    row, column = np.unravel_index(found.argmax(), found.shape)
    assert 44 <= row < 60 and 30 <= column < 46


def model_with(weights, classes=CLASSES):
    """Logits: the film's mean times each of the weights."""
    grey = keras.Input((SIDE, SIDE, 1))
    features = layers.AveragePooling2D(32)(grey)
    pooled = layers.GlobalAveragePooling2D()(features)
    network = keras.Model(grey, [layers.Dense(len(classes), name=HEAD)(pooled), features])
    network.get_layer(HEAD).set_weights([np.array([weights], float), np.zeros(len(classes))])
    spec = ModelSpec("tiny", "Tiny", "none", lambda x: x, "unit", "features", "early", None)
    return Classifier(spec, network, classes, card={})


def prediction_of(model, film, lungs):
    logits, features = model.forward(film[None, ..., None])
    field = LungField(lungs, Box())
    return Prediction("tiny", model.classes, logits[0], features[0], film[..., None], Box(), field)


def test_the_heat_adds_up_to_what_clearing_takes_from_the_log_odds(film, lungs):
    """A network that adds up grey: each pixel counts by how much darker it is when cleared."""
    model = model_with([1.0, 8.0, 20.0])
    prediction = prediction_of(model, film, lungs)
    gone = film - cleared(film, lungs.astype(np.float32))
    # Against Normal: (20 - 1) and (8 - 1) times the mean of what is gone.
    for target, slope in ((2, 19.0), (1, 7.0)):
        heat = clearing(model, prediction, target)
        assert heat.dtype == np.float32 and heat.shape == (SIDE, SIDE)
        assert heat.sum() == pytest.approx(slope * gone.mean(), rel=0.02)
        row, column = np.unravel_index(heat[26:102, 26:50].argmax(), (76, 24))
        assert 44 <= row + 26 < 60 and 30 <= column + 26 < 46
    # What brightness speaks for is not Normal.
    assert clearing(model, prediction, 0).max() == pytest.approx(0, abs=1e-7)


def test_without_a_normal_class_it_is_the_odds_against_all_others(film, lungs):
    model = model_with([3.0, 1.0], ("A", "B"))
    prediction = prediction_of(model, film, lungs)
    gone = film - cleared(film, lungs.astype(np.float32))
    assert clearing(model, prediction, 0).sum() == pytest.approx(2 * gone.mean(), rel=0.02)
    assert not clearing(model, prediction, 1).any()


def test_without_lungs_there_is_no_heat(film):
    model = model_with([1.0, 8.0, 20.0])
    prediction = prediction_of(model, film, np.zeros((SIDE, SIDE), bool))
    assert not clearing(model, prediction, 2).any()


def model_that_changes(film, lungs, *, others):
    """Its logit of bacterial pneumonia, the mean grey, passes 0 between the film and the clear one.

    The other two, Normal and COVID-19, are as given.
    """
    gone = float((film - cleared(film, lungs.astype(np.float32))).mean())
    between = float(film.mean()) - gone / 2
    model = model_with([0.0, 100.0 / gone, 0.0])
    model.network.get_layer(HEAD).set_weights(
        [
            np.array([[0.0, 100.0 / gone, 0.0]]),
            np.array([others[0], -100.0 / gone * between, others[1]]),
        ]
    )
    return model, gone


def test_an_answer_that_rests_on_opacities_turns_to_normal(film, lungs):
    model, gone = model_that_changes(film, lungs, others=(0.0, -9.0))
    found = clear(model, prediction_of(model, film, lungs))
    assert (found.before.label, found.after.label) == ("Bacterial pneumonia", "Normal")
    assert found.reading == (
        "With clear lungs the answer is Normal with over 99 %, before it was Bacterial pneumonia "
        "with 100 %. It rested on what was taken away."
    )
    assert found.taken.mean() == pytest.approx(gone, rel=1e-3)
    assert found.taken.min() >= 0


def test_an_answer_that_turns_to_another_disease_is_still_not_normal(film, lungs):
    model, _ = model_that_changes(film, lungs, others=(-9.0, 0.0))
    assert clear(model, prediction_of(model, film, lungs)).reading == (
        "With clear lungs the answer is COVID-19 with over 99 %, before it was Bacterial pneumonia "
        "with 100 %. It is still not Normal: that rests on more than soft opacities."
    )


def test_an_answer_that_rests_on_something_else_stays(film, lungs):
    model = model_with([0.0, 0.0, 9.0])
    found = clear(model, prediction_of(model, film, lungs))
    assert found.reading.startswith("With clear lungs the answer stays COVID-19: ")
    assert found.reading.endswith(" It rests on more than soft opacities.")
    with pytest.raises(ValueError, match="there are none to clear"):
        clear(model, prediction_of(model, film, np.zeros_like(lungs)))
