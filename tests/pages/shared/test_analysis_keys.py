"""What is kept of a film is asked for by all that decides it, value by value."""

from itertools import product
from types import SimpleNamespace

import numpy as np
import pytest

from pages.shared import analysis, inference
from pages.shared.analysis import Analysis
from xraycore.anatomy.lung_field import segment_lungs
from xraycore.attribution.heatmap import explain
from xraycore.datasets.synthetic.phantom import make_phantom
from xraycore.imaging import Radiograph
from xraycore.imaging.box import Box
from xraycore.imaging.radiograph import RadiographInfo
from xraycore.imaging.resample import resize

# Networks of two sizes and two fields of view; two of them differ in name alone.
NETWORKS = {
    "whole-small": ("film", 32),
    "whole-large": ("film", 48),
    "lungs-small": ("lungs", 32),
    "lungs-large": ("lungs", 48),
    "lungs-twin": ("lungs", 32),
}


@pytest.fixture
def cards(monkeypatch):
    """The hashes of the networks' cards; what networks say is what they were asked."""
    hashes = {name: f"card of {name}" for name in NETWORKS}

    def network(name):
        view, size = NETWORKS[name]
        return SimpleNamespace(name=name, view=view, size=size, card_sha256=hashes[name])

    def run(what, *given):
        if what is segment_lungs:
            return segment_lungs(*given)
        if what is explain:
            return ("map", *given[1:], given[0].card_sha256)
        model, seen = given
        return (model.name, model.card_sha256, seen.grey)

    monkeypatch.setattr(analysis, "Network", SimpleNamespace(of=network))
    monkeypatch.setattr(inference, "run", run)
    return hashes


@pytest.fixture
def film():
    pixels = make_phantom(3, size=160).pixels
    info = RadiographInfo("film", "0" * 64, "PNG", 160, 160, 8)
    found = Analysis(lambda: Radiograph(pixels, info))
    yield found
    found.close()


@pytest.mark.parametrize("turned", [False, True])
def test_each_network_sees_its_own_part_at_its_own_size(cards, film, turned):
    pixels = film.radiograph().pixels
    for _ in range(2):
        for name in sorted(NETWORKS, reverse=turned):
            view, size = NETWORKS[name]
            said, _, grey = film.prediction(name)
            assert said == name
            box = film.lungs().box if view == "lungs" else Box()
            np.testing.assert_array_equal(grey[..., 0], resize(box.crop(pixels), (size, size)))


def test_a_card_that_changed_is_another_network(cards, film):
    before = film.prediction("lungs-small")
    assert film.prediction("lungs-small") is before
    cards["lungs-small"] = "calibrated anew"
    assert film.prediction("lungs-small")[1] == "calibrated anew"
    assert film.heatmap("lungs-small", "grad_cam", "Normal")[-1] == "calibrated anew"


def test_each_map_is_of_its_network_method_and_class(cards, film):
    asked = list(product(("whole-small", "lungs-small", "lungs-twin"), ("a", "b"), ("X", "Y")))
    for _ in range(2):
        for name, method, target in asked:
            kind, prediction, by, of, card = film.heatmap(name, method, target)
            assert (kind, by, of, card) == ("map", method, target, cards[name])
            assert prediction is film.prediction(name)
    maps = [film.heatmap(*one) for one in asked]
    assert len({id(one) for one in maps}) == len(asked)
