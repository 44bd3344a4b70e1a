"""Measurements that join a file: what is done stays, whatever becomes of the rest."""

import json
import threading
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from filelock import FileLock

from xraycore.attribution import heatmap
from xraycore.attribution.heatmap import Heatmap
from xraycore.attribution.metrics import randomisation
from xraycore.attribution.metrics.randomisation import Cascade
from xraycore.attribution.metrics.similarity import Similarity
from xraycore.cli import localise as localising
from xraycore.cli import randomise as randomising
from xraycore.errors import ArgumentError
from xraycore.evaluation.measurement_file import MeasurementFile
from xraycore.imaging.box import Box

FACTS = {"films": 3}


def fail(*_):
    raise ArgumentError("broken.")


def network(name, predict=lambda _: None):
    """What the commands ask of a classifier."""
    card = {"weights": {"sha256": f"of {name}"}}
    spec = SimpleNamespace(name=name)
    return SimpleNamespace(spec=spec, card=card, predict=predict, view="film", size=8)


def write(file, image):
    file.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(file), image)


def test_two_processes_keep_each_others_rows(tmp_path):
    file = tmp_path / "new" / "found.json"
    first, second = MeasurementFile(file, FACTS), MeasurementFile(file, FACTS)
    first.add({"a": "1"}, {"a": {"x": {"hit": 1}}})
    second.add({"b": "2"}, {"b": {"x": {"hit": 2}}})
    first.add({"a": "1"}, {"a": {"y": {"hit": 3}}})
    assert json.loads(file.read_text()) == {
        "films": 3,
        "weights": {"a": "1", "b": "2"},
        "rows": {"a": {"x": {"hit": 1}, "y": {"hit": 3}}, "b": {"x": {"hit": 2}}},
    }


def test_whoever_adds_waits_for_the_other(tmp_path):
    file = tmp_path / "found.json"
    adding = threading.Thread(target=MeasurementFile(file, FACTS).add, args=({}, {"a": {}}))
    with FileLock(tmp_path / ".lock"):
        adding.start()
        adding.join(0.2)
        assert adding.is_alive()
        assert not file.exists()
    adding.join(10)
    assert json.loads(file.read_text())["rows"] == {"a": {}}


def test_what_was_measured_otherwise_is_told_by_what_differs(tmp_path):
    file = tmp_path / "found.json"
    early = MeasurementFile(file, {"films": 3, "hashes": ["a" * 64] * 30})
    MeasurementFile(file, {"films": 3, "hashes": ["b" * 64] * 30}).add({}, {"a": {}})
    with pytest.raises(ValueError, match="expected what was measured with") as refused:
        early.add({}, {"b": {}})
    said = str(refused.value)
    assert "a" * 64 in said
    assert "b" * 64 in said
    assert "films" not in said
    assert len(said) < 600
    assert json.loads(file.read_text())["rows"] == {"a": {}}


def cascade(*, hot):
    trained = Heatmap(np.full((2, 2), float(hot), np.float32), "Ill", "grad_cam", "toy", Box())
    return Cascade(("a", "b"), (trained,), (Similarity(0.9, 0.2, 0), Similarity(0.9, 0.1, 0)))


@pytest.fixture
def randomise(run_cli, tmp_path, monkeypatch):
    """`randomise(*networks)` of two films: of these `grad_cam` has a map, `eigen_cam` has none."""
    for i in range(2):
        write(tmp_path / "films" / f"{i}.png", np.full((40, 40), 100 + i, np.uint8))
    found = {"grad_cam": [cascade(hot=True)], "eigen_cam": [cascade(hot=False)]}
    monkeypatch.setattr(randomisation, "cascades", lambda *_, **__: found)
    file = tmp_path / "found.json"

    def run(*networks, films=tmp_path / "films"):
        monkeypatch.setattr(randomising, "load_models", lambda _: networks)
        code, _, said = run_cli("randomise", films, "--out", file)
        return code, said, json.loads(file.read_text())

    return run


def test_randomise_keeps_the_models_that_are_done(randomise):
    code, err, found = randomise(network("vgg16"), network("xception", fail))
    assert (code, err) == (2, "broken.\n")
    assert found["weights"] == {"vgg16": "of vgg16"}
    assert found["rows"]["vgg16"]["grad_cam"] == {"half": 0.2, "all": 0.1, "passes": True}


def test_a_method_without_heat_on_any_film_is_left_out(randomise, caplog):
    code, _, found = randomise(network("vgg16"))
    assert code == 0
    assert set(found["rows"]["vgg16"]) == {"grad_cam"}
    assert "eigen_cam of vgg16 is left out: expected the cascade of at least one" in caplog.text


def test_randomise_tells_films_from_others_of_the_same_number(randomise, tmp_path):
    assert len(randomise(network("vgg16"))[2]["films_sha256"]) == 2
    write(tmp_path / "others" / "0.png", np.full((40, 40), 7, np.uint8))
    write(tmp_path / "others" / "1.png", np.full((40, 40), 8, np.uint8))
    code, err, _ = randomise(network("vgg16"), films=tmp_path / "others")
    assert (code, "films_sha256" in err) == (2, True)


@pytest.fixture
def localise(run_cli, tmp_path, monkeypatch):
    """`localise(*networks, **options)` of three films with masks and lungs in `tmp_path`."""
    mask, lungs = np.zeros((2, 64, 64), np.uint8)
    mask[16:32, 8:24] = lungs[8:56, 4:60] = 255
    for i in range(3):
        film = np.add.outer(np.arange(64), np.arange(64)).astype(np.uint8) + i
        for folder, image in (("images", film), ("masks", mask), ("lungs", lungs)):
            write(tmp_path / folder / f"{i}.png", image)
    heat = Heatmap(np.eye(4, dtype=np.float32), "COVID-19", "grad_cam", "toy", Box())
    monkeypatch.setattr(heatmap, "explain", lambda *_: heat)
    # The folders' names do not change with the test's own.
    monkeypatch.chdir(tmp_path)

    def run(*networks, **options):
        monkeypatch.setattr(localising, "load_models", lambda _: networks)
        asked = {"images": "images", "masks": "masks", "lungs": "lungs", **options}
        words = [part for key, value in asked.items() if value for part in (f"--{key}", value)]
        code, _, said = run_cli("localise", *words, "--method", "grad_cam", "--out", "found.json")
        return code, said

    return run


def test_localise_keeps_the_models_that_are_done(localise, tmp_path):
    code, err = localise(network("vgg16"), network("xception", fail))
    assert (code, err) == (2, "broken.\n")
    found = json.loads((tmp_path / "found.json").read_text())
    assert list(found) == ["images", "masks", "lungs", "films", "target", "weights", "rows"]
    assert found["weights"] == {"vgg16": "of vgg16"}
    assert list(found["rows"]) == ["baseline", "vgg16"]
    assert set(found["rows"]["vgg16"]) == {"grad_cam"}


def test_localise_joins_only_the_same_masks_and_lungs(localise, tmp_path):
    lungs = SimpleNamespace(mask=np.ones((64, 64), bool))
    one = network("vgg16", lambda _: SimpleNamespace(lungs=lungs))
    assert localise(one, lungs=None)[0] == 0
    assert json.loads((tmp_path / "found.json").read_text())["lungs"] is None
    code, err = localise(one)
    assert (code, "'lungs': 'lungs'" in err) == (2, True)
    (tmp_path / "masks").rename(tmp_path / "others")
    code, err = localise(one, lungs=None, masks="others")
    assert (code, "'masks': 'others'" in err) == (2, True)


@pytest.mark.parametrize("folder", ["images", "masks", "lungs"])
def test_an_unreadable_film_is_named_before_any_network_runs(localise, tmp_path, folder):
    (tmp_path / folder / "2.png").write_bytes(b"no film")
    asked = []
    code, err = localise(network("vgg16", asked.append))
    assert (code, asked) == (2, [])
    assert err.startswith("2.png: expected")
