"""Painted opacities on a network that sees brightness, and on one that is blind."""

from dataclasses import replace

import keras
import numpy as np
import pytest
from keras import layers

from xraycore.anatomy.lung_field import LungField
from xraycore.attribution.metrics.lesion_insertion import InsertionScores, insert, probe
from xraycore.errors import Cancelled
from xraycore.imaging.box import Box
from xraycore.imaging.radiograph import Radiograph, RadiographInfo
from xraycore.models.architectures import HEAD
from xraycore.models.classifier import Classifier, Prediction
from xraycore.models.spec import ModelSpec

SIDE = 64


def classifier(slope):
    """Logits (0, slope * brightness of all cells of 8 x 8 pixels)."""
    grey = keras.Input((SIDE, SIDE, 1))
    features = layers.AveragePooling2D(8)(grey)
    pooled = layers.GlobalAveragePooling2D(name="pooled")(features)
    network = keras.Model(grey, [layers.Dense(2, name=HEAD)(pooled), features])
    network.get_layer(HEAD).set_weights([np.array([[0.0, slope]]), np.array([0.0, -0.18 * slope])])
    spec = ModelSpec("toy", "Toy", "none", lambda x: x, "unit", "features", "early", None)
    return Classifier(spec, network, ("Normal", "Opacity"), card={})


@pytest.fixture
def film():
    """Two lungs of grey 0.2, all else 0.1."""
    pixels = np.full((SIDE, SIDE), 0.1, np.float32)
    pixels[:, 4:28] = pixels[:, 36:60] = 0.2
    return Radiograph(pixels, RadiographInfo("film.png", "0" * 64, "PNG", SIDE, SIDE, 8))


def predicted(model, film, *, lungs=True):
    mask = np.zeros((128, 128), bool)
    if lungs:
        mask[:, 8:56] = mask[:, 72:120] = True
    grey = film.pixels[..., None]
    logits, features = model.forward(grey[None])
    field = LungField(mask, Box())
    return Prediction("toy", model.classes, logits[0], features[0], grey, Box(), field)


def test_what_a_network_that_sees_brightness_says(film):
    model = classifier(200.0)
    before = predicted(model, film)
    found = insert(model, film, "focal", (30, 15), 6, "Opacity", prediction=before)
    assert found.lesion[30, 15]
    assert not found.lesion[:, 30:].any()
    assert found.film.pixels[30, 15] > 0.3
    np.testing.assert_array_equal(film.pixels[30, 15], np.float32(0.2))
    # The lungs are half of the film.
    assert found.chance == pytest.approx(found.lesion.sum() / (48 * 64))
    brighter = found.film.pixels.mean() - film.pixels.mean()
    assert found.after.logits[1] - found.before.logits[1] == pytest.approx(200 * brighter, rel=1e-3)
    assert found.rise > 0.1
    assert found.hit == 1.0
    # Bilinear drawing spills heat of a cell to its neighbours, but no more than that.
    assert found.gain > 0.4


def test_heat_of_less_than_a_logit_is_heat_too(film):
    model = classifier(0.5)
    found = insert(model, film, "focal", (30, 15), 6, "Opacity", prediction=predicted(model, film))
    assert 0 < found.heatmap.values.max() < 0.01
    assert found.hit == 1.0
    assert found.gain > 0.4


def test_a_blind_network_does_not_move(film):
    model = classifier(0.0)
    found = insert(model, film, "focal", (30, 15), 6, "Opacity", prediction=predicted(model, film))
    assert (found.rise, found.hit, found.gain) == (0.0, 0.0, 0.0)


def test_the_reading_of_one_opacity(film):
    model = classifier(0.0)
    blind = insert(model, film, "focal", (30, 15), 6, "Opacity", prediction=predicted(model, film))
    blind = replace(blind, chance=0.07)
    assert blind.reading == (
        "The probability of Opacity stays at 50 %, and there is no heat at all; a random point in "
        "the lungs would lie in it 7 % of the time."
    )
    sure = replace(blind.after, logits=np.log([0.2, 0.8]))
    hot = replace(blind.heatmap, values=np.ones((1, 1)))
    moved = replace(blind, after=sure, heatmap=hot, hit=1.0)
    assert "rises from 50 % to 80 %, and the hottest point lies in the opacity" in moved.reading
    back = replace(moved, before=sure, after=blind.before, hit=0.0)
    assert "falls from 80 % to 50 %, and the hottest point lies outside the" in back.reading


def test_a_film_without_lungs_is_refused(film):
    model = classifier(1.0)
    nothing = predicted(model, film, lungs=False)
    with pytest.raises(ValueError, match="film.png: expected lungs to paint into"):
        insert(model, film, "focal", (30, 15), 6, "Opacity", prediction=nothing)


@pytest.fixture
def seeing(monkeypatch):
    model = classifier(200.0)
    monkeypatch.setattr(model, "predict", lambda film: predicted(model, film))
    return model


def test_a_probe_sums_up_and_repeats(seeing, film):
    shares = []
    films = [film, replace(film, pixels=film.pixels + np.float32(0.01))]
    scores = probe(
        seeing, films, "lobar", "Opacity", places=4, report=lambda now: shares.append(now.done)
    )
    assert (scores.kind, scores.target) == ("lobar", "Opacity")
    assert scores.hit_rate["n"] == scores.noticed["n"] == 8
    assert scores.hit_rate["value"] > scores.chance
    assert scores.rise["value"] > 0
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0, 1)
    assert probe(seeing, films, "lobar", "Opacity", places=4) == scores
    assert probe(seeing, films, "lobar", "Opacity", places=4, seed=1) != scores


def test_a_probe_can_be_stopped_and_needs_lungs(seeing, film, monkeypatch):
    def stop(progress):
        if progress.done > 0.5:
            raise Cancelled

    with pytest.raises(Cancelled):
        probe(seeing, [film], "focal", "Opacity", places=4, report=stop)
    monkeypatch.setattr(seeing, "predict", lambda one: predicted(seeing, one, lungs=False))
    with pytest.raises(ValueError, match="none were found"):
        probe(seeing, [film], "focal", "Opacity")


def test_the_reading_says_whether_heat_follows():
    def score(value, low):
        return {"value": value, "low": low, "high": 1.0, "n": 20}

    said = InsertionScores(
        "focal", "Opacity", score(0.6, 0.4), 0.1, score(0.2, 0.1), score(0.5, 0.4), score(0.9, 0.7)
    )
    assert said.reading == (
        "The probability of Opacity rises by a tenth or more for 90 % of the opacities, and the "
        "heat follows them: its hottest point lies in the opacity 60 % of the time, where a random "
        "point in the lungs would 10 %."
    )
    # Chance is 0.1: as much as that is no more than that.
    for low, follows in ((0.05, False), (0.1, False), (0.11, True)):
        reading = replace(said, hit_rate=score(0.2, low)).reading
        assert ("does not follow" not in reading) == follows


@pytest.mark.parametrize(("hit", "place"), [(0.5, "in"), (0.49, "outside")])
def test_half_of_the_hottest_points_are_enough_to_lie_in_the_opacity(film, hit, place):
    model = classifier(0.0)
    found = insert(model, film, "focal", (30, 15), 6, "Opacity", prediction=predicted(model, film))
    hot = replace(found.heatmap, values=np.ones((1, 1)))
    said = replace(found, heatmap=hot, hit=hit).reading
    assert f"the hottest point lies {place} the opacity" in said


@pytest.mark.parametrize(("slope", "noticed"), [(0.099, 0.0), (0.101, 1.0)])
def test_a_rise_of_a_tenth_is_noticed(film, monkeypatch, slope, noticed):
    """A network whose probability of an opacity rises by just that share with any opacity."""
    model = classifier(1.0)
    monkeypatch.setattr(model, "predict", lambda one: predicted(model, one))
    plain = predicted(model, film).grey

    def predict_input(prediction, grey):
        rise = slope if not np.array_equal(grey, plain) else 0.0
        odds = np.log((0.5 + rise) / (0.5 - rise))
        return replace(prediction, grey=grey, logits=np.array([0.0, odds], np.float32))

    before = predict_input(predicted(model, film), plain)
    monkeypatch.setattr(model, "predict", lambda one: before)
    monkeypatch.setattr(model, "predict_input", predict_input)
    scores = probe(model, [film], "focal", "Opacity", places=3)
    assert scores.rise["value"] == pytest.approx(slope, abs=1e-3)
    assert scores.noticed["value"] == noticed
    assert scores.noticed["n"] == 3


def test_heat_follows_only_where_its_interval_lies_above_chance():
    def score(low):
        return {"value": 0.6, "low": low, "high": 1.0, "n": 20}

    for low, words in ((0.1001, "the heat follows them"), (0.1, "the heat does not follow them")):
        said = InsertionScores(
            "focal", "Opacity", score(low), 0.1, score(0.1), score(0.4), score(0.7)
        )
        assert words in said.reading
