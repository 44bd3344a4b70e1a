"""Each network gets its own part of a film at its own size, whoever asked before it."""

from itertools import permutations

import numpy as np
import pytest

from xraycore.attribution.heatmap import explain
from xraycore.datasets.labels import CHEST4
from xraycore.datasets.synthetic.phantom import make_phantom
from xraycore.imaging.box import Box
from xraycore.imaging.radiograph import Radiograph, RadiographInfo
from xraycore.imaging.resample import resize
from xraycore.models.classifier import Classifier, predict_each


def radiograph(pixels, sha256="0" * 64):
    height, width = pixels.shape
    return Radiograph(pixels, RadiographInfo("film.png", sha256, "PNG", width, height, 8))


@pytest.fixture(scope="module")
def film():
    return radiograph(make_phantom(3, size=200).pixels)


@pytest.fixture(scope="module")
def networks(random_classifier):
    """Two fields of view by two sizes."""
    made = {}
    for size in (32, 48):
        plain = random_classifier("basic_cnn", size)
        for view in ("film", "lungs"):
            made[view, size] = Classifier(plain.spec, plain.network, CHEST4, {"view": view})
    return made


def expected(film, box, size):
    return resize(box.crop(film.pixels), (size, size))[..., None]


def check(prediction, film, view, size):
    whole = prediction.box == Box()
    assert whole == (view == "film")
    np.testing.assert_array_equal(prediction.grey, expected(film, prediction.box, size))


def test_the_same_film_through_networks_of_other_views_and_sizes(film, networks):
    for order in list(permutations(networks))[::5]:
        for view, size in order:
            check(networks[view, size].predict(film), film, view, size)


def test_several_networks_asked_together_are_as_asked_alone(film, networks):
    other = radiograph(make_phantom(4, size=160).pixels)
    for order in list(permutations(networks))[::9]:
        models = [networks[key] for key in order]
        for (view, size), model, found in zip(
            order, models, predict_each(models, [film, other]), strict=True
        ):
            assert [one.model for one in found] == [model.spec.name] * 2
            for one, xray in zip(found, (film, other), strict=True):
                check(one, xray, view, size)
                alone = model.predict(xray)
                np.testing.assert_allclose(one.logits, alone.logits, rtol=1e-4, atol=1e-6)
                np.testing.assert_array_equal(one.lungs.mask, alone.lungs.mask)


def test_films_of_one_name_and_one_hash_stay_apart(networks):
    """Two films that say the same of themselves: what counts is what they show."""
    one, other = (radiograph(make_phantom(seed, size=128).pixels) for seed in (5, 6))
    for key in (("lungs", 32), ("film", 32), ("lungs", 48)):
        first, second = networks[key].predict([one, other])
        check(first, one, *key)
        check(second, other, *key)
        assert not np.array_equal(first.grey, second.grey)


def test_a_network_input_cannot_be_written_to(film, networks):
    grey = networks["lungs", 32].predict(film).grey
    with pytest.raises(ValueError, match="read-only"):
        grey[0] = 1


def test_more_films_than_a_batch_keep_their_order(networks):
    films = [radiograph(make_phantom(seed, size=64).pixels) for seed in range(11)]
    found = networks["film", 32].predict(films)
    assert len(found) == 11
    for one, xray in zip(found, films, strict=True):
        check(one, xray, "film", 32)
    assert networks["film", 32].predict([]) == []


def test_a_film_seen_again_keeps_its_place_and_changes_what_is_seen(film, networks):
    model = networks["lungs", 32]
    before = model.predict(film)
    black = model.predict_input(before, np.zeros_like(before.grey))
    assert (black.box, black.lungs) == (before.box, before.lungs)
    assert not black.grey.any()
    logits, features = model.forward(np.zeros((1, 32, 32, 1), np.float32))
    np.testing.assert_allclose(black.logits, logits[0], rtol=1e-5)
    np.testing.assert_allclose(black.features, features[0], rtol=1e-5)
    assert not np.allclose(black.logits, before.logits)
    assert explain(model, black).box == before.box
