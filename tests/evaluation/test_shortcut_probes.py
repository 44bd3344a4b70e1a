from pathlib import Path

import numpy as np
import pytest

from xraycore.anatomy.crop import ModelInput
from xraycore.anatomy.lung_field import LungField
from xraycore.datasets.labels import CHEST4, NORMAL
from xraycore.datasets.manifest import Record
from xraycore.evaluation import shortcut_probes
from xraycore.imaging.box import Box
from xraycore.imaging.radiograph import Radiograph, RadiographInfo
from xraycore.metrics.calibration import softmax


class Told:
    """A classifier that calls a film sick by the brightness of one of its halves."""

    view, classes, size = "lungs", CHEST4, 8

    def __init__(self, half):
        self.half = half

    def forward(self, grey):
        bright = grey[:, :, self.half, 0].mean(axis=(1, 2))
        logits = np.stack([-bright, bright, 0 * bright, 0 * bright], axis=1)
        return logits, np.tile(bright[:, None, None, None], (1, 2, 2, 3))

    def probabilities_of(self, logits):
        return softmax(logits)


LEFT, RIGHT = slice(0, 4), slice(4, 8)


@pytest.fixture
def films(monkeypatch):
    """Forty films of two sources, sick ones bright on the left, which is all lung."""
    rng = np.random.default_rng(0)
    pixels = {}
    records = []
    for i in range(40):
        sick = i % 2 == 1
        film = rng.random((8, 8)).astype(np.float32) * 0.2
        film[:, LEFT] += 0.5 * sick
        name = f"{i}.png"
        pixels[name] = film
        label = "Bacterial pneumonia" if sick else NORMAL
        records.append(Record(Path(name), label, "test", f"p{i}", "one"))
    mask = np.zeros((128, 128), bool)
    mask[:, :60] = True  # With the rim of 4 columns the left half.

    def read(path):
        info = RadiographInfo(path.name, "0" * 64, "PNG", 8, 8, 8)
        return Radiograph(pixels[path.name], info)

    monkeypatch.setattr(shortcut_probes, "read_radiograph", read)
    monkeypatch.setattr(
        shortcut_probes,
        "crop_inputs",
        lambda xs, view, size: [
            ModelInput(x.pixels[..., None], Box(), LungField(mask, Box())) for x in xs
        ],
    )
    return records


def test_a_network_that_looks_at_the_lungs_is_blind_without_them(films):
    found = shortcut_probes.probe(Told(LEFT), films)["auc"]["one"]
    assert found["whole"]["value"] == 1.0
    assert found["lungs_blacked_out"]["value"] == 0.5
    assert found["outside_blacked_out"]["value"] == 1.0


def test_a_network_that_looks_elsewhere_does_not_mind(films):
    found = shortcut_probes.probe(Told(RIGHT), films)["auc"]["one"]
    assert found["lungs_blacked_out"] == found["whole"]
    assert found["outside_blacked_out"]["value"] == 0.5


def test_films_without_lungs_are_left_out(films, monkeypatch):
    nothing = LungField(np.zeros((128, 128), bool), Box(), ("none",))
    whole = np.ones((128, 128), bool)
    monkeypatch.setattr(
        shortcut_probes,
        "crop_inputs",
        lambda xs, view, size: [
            ModelInput(
                x.pixels[..., None],
                Box(),
                LungField(whole, Box()) if x.info.name != "3.png" else nothing,
            )
            for x in xs
        ],
    )
    assert shortcut_probes.probe(Told(LEFT), films)["auc"]["one"]["whole"]["n"] == 39


def test_a_source_of_one_kind_of_film_has_no_auc(films):
    normals = [record for record in films if record.label == NORMAL]
    assert shortcut_probes.probe(Told(LEFT), normals)["auc"] == {}


def sourced(count, shift, seed=0):
    """`count` normal films of each of two sources, whose features differ by `shift`."""
    rng = np.random.default_rng(seed)
    records = [
        Record(Path(f"{s}{i}.png"), NORMAL, "test", f"{s}{i}", s)
        for s in "ab"
        for i in range(count)
    ]
    features = rng.normal(size=(2 * count, 5))
    features[count:, 2] += shift
    return records, features


def test_features_that_know_their_source_are_found_out():
    told = shortcut_probes.source_probe(*sourced(100, 6.0))[NORMAL]
    assert told["sources"] == ["a", "b"]
    assert told["films"] == 200
    assert told["auroc"] > 0.99


def test_features_that_do_not_know_their_source_score_as_chance():
    assert abs(shortcut_probes.source_probe(*sourced(200, 0.0))[NORMAL]["auroc"] - 0.5) < 0.1


def test_a_source_with_few_films_is_not_asked_for():
    assert shortcut_probes.source_probe(*sourced(39, 6.0)) == {}


def test_of_each_source_and_label_only_so_many_films_are_altered(monkeypatch):
    def record(source, label, number):
        return Record(Path(f"{source}-{number}.png"), label, "test", f"p{number}", source)

    records = [record("one", label, n) for n in range(200) for label in (NORMAL, "COVID-19")]
    records += [record("two", NORMAL, n) for n in range(20)]
    seen = []
    monkeypatch.setattr(
        shortcut_probes, "_run", lambda _, films, __: seen.extend(films) or ([], np.empty(0), {})
    )
    shortcut_probes.probe(Told(LEFT), records)
    counts = {
        (r.source, r.label): sum(o.label == r.label and o.source == r.source for o in seen)
        for r in seen
    }
    assert counts == {("one", NORMAL): 150, ("one", "COVID-19"): 150, ("two", NORMAL): 20}
    # Not the first ones, which are one hospital's or one month's, and in the order they came in.
    assert {r.path for r in seen} != {r.path for r in records[:300]} | {
        r.path for r in records[-20:]
    }
    assert seen == [record for record in records if record in seen]
