"""index, similar and retrieve, with the smallest shipped network and drawn films."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import xraycore as xc
from tests.small_store import draw_sets
from xraycore.config import SHIPPED
from xraycore.datasets.splits import read_splits
from xraycore.errors import ArgumentError, Cancelled
from xraycore.models.cards import read_card
from xraycore.retrieval import features
from xraycore.retrieval.feature_store import default_store
from xraycore.retrieval.features import gather_features
from xraycore.retrieval.index_file import FILE, load_index
from xraycore.utils.files import sha256


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Films under the names of public sets, and a store with the basic CNN and its index."""
    folder = tmp_path_factory.mktemp("alike")
    datasets = draw_sets(folder)
    for name in ("basic_cnn", "lungs"):
        shutil.copytree(SHIPPED / name, folder / "weights" / name)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XRAYCORE_WEIGHTS", str(folder / "weights"))
        patch.setenv("XRAYCORE_CACHE", str(folder / "cache"))
        yield folder, datasets


@pytest.fixture(scope="module")
def model(world):
    return xc.load_model("basic_cnn")


@pytest.fixture(scope="module")
def index(world, model):
    """What `xraycore index` said when it made the index."""
    from xraycore.cli.main import main

    folder, datasets = world
    with pytest.raises(SystemExit) as ended:
        main(["index", *map(str, datasets), "--partial"])
    assert ended.value.code == 0
    return load_index("basic_cnn")


def test_the_index_holds_training_and_validation_films(world, index):
    _, datasets = world
    manifest = read_splits(datasets)
    learnt = [r for r in manifest.records if r.split in ("train", "val")]
    assert len(index) == len(learnt)
    for record in manifest.records:
        place = index.place(sha256(record.path))
        assert (place is not None) == (record.split != "test")
        if place is not None:
            assert index.note["labels"][index.labels[place]] == record.label
            assert index.note["sources"][index.sources[place]] == record.source
    assert index.note["complete"] is False
    assert index.note["weights_sha256"] == read_card("basic_cnn")["weights"]["sha256"]
    names = (world[0] / "weights" / "basic_cnn" / FILE).read_bytes()
    assert not any(record.path.stem.encode() in names for record in manifest.records)


def test_other_films_than_it_learnt_from_are_refused(world, run_cli, tmp_path):
    folder, datasets = world
    code, _, err = run_cli("index", *datasets)
    assert (code, err.count("\n")) == (2, 1)
    assert "learnt from, split the same way" in err and "--partial" in err
    code, _, err = run_cli("index", folder / "nih" / "labels.csv", "--partial")
    assert code == 2 and "Received: nih" in err


def test_similar_from_python_is_what_the_features_say(world, model, index):
    _, datasets = world
    record = read_splits(datasets).split("test")[0]
    film = xc.read_radiograph(record.path)
    prediction = model.predict(film)
    found = xc.similar(model, prediction, 5, sha256=film.info.sha256)
    assert isinstance(found, xc.SimilarFilms)
    pooled = prediction.features.mean(axis=(0, 1))
    expected = np.sort(index.distances(pooled[None])[0])[:5]
    assert [one.distance for one in found.neighbours] == pytest.approx(expected, abs=1e-6)
    assert found.itself is None and not found.complete
    other = xc.Prediction(**{**vars(prediction), "weights_sha256": "0" * 64})
    with pytest.raises(ArgumentError, match="a prediction of basic_cnn with these weights"):
        xc.similar(model, other)


def test_a_film_that_it_learnt_from_is_told(world, model, index):
    record = read_splits(world[1]).split("train")[0]
    film = xc.read_radiograph(record.path)
    found = xc.similar(model, model.predict(film), sha256=film.info.sha256)
    assert found.itself.label == record.label
    assert found.itself.distance < 0.1  # What rounding to bytes takes.
    assert len(found.neighbours) == 20


def test_the_command_gives_a_line_a_film(world, index, run_cli):
    folder, datasets = world
    film = read_splits(datasets).split("test")[0].path
    (folder / "broken.png").write_bytes(b"no film")
    code, out, _ = run_cli("similar", film, folder / "broken.png", "-k", 3, "--json")
    assert code == 0
    lines = {Path(line["path"]).name: line for line in map(json.loads, out.splitlines())}
    assert lines["broken.png"]["similar"] is None and "broken.png" in lines["broken.png"]["error"]
    told = lines[film.name]
    assert (told["model"], len(told["similar"]), told["error"]) == ("basic_cnn", 3, None)
    assert told["similar"][0].keys() == {"sha256", "label", "source", "split", "distance"}
    assert sum(told["labels"].values()) == 3
    code, out, _ = run_cli("similar", film, "-k", 3)
    assert code == 0 and told["reading"][:40] in " ".join(out.split())


def test_without_an_index_it_says_how_to_make_one(world, run_cli, monkeypatch, tmp_path):
    store = tmp_path / "weights"
    for name in ("basic_cnn", "lungs"):
        shutil.copytree(SHIPPED / name, store / name, ignore=shutil.ignore_patterns(FILE))
    monkeypatch.setenv("XRAYCORE_WEIGHTS", str(store))
    code, _, err = run_cli("similar", world[0] / "nih" / "images" / "0.png")
    assert (code, err.count("\n")) == (2, 1) and "xraycore index DATASET" in err


def test_what_was_found_is_not_looked_for_again(world, model, index, monkeypatch):
    records = read_splits(world[1]).split("train")
    before = gather_features([model], records)["basic_cnn"]

    def fail(*_):
        raise AssertionError("a film was read again")

    monkeypatch.setattr(features, "read_radiograph", fail)
    with default_store() as store:
        again = gather_features([model], records, store)["basic_cnn"]
    assert again.records == before.records and again.hashes == before.hashes
    np.testing.assert_allclose(again.pooled, before.pooled, rtol=2e-3, atol=1e-4)
    np.testing.assert_allclose(again.logits, before.logits, atol=1e-4)
    assert again.heatmaps.sum(axis=(1, 2)) == pytest.approx(1)
    predicted = model.predict(xc.read_radiograph(records[0].path))
    np.testing.assert_allclose(before.logits[0], predicted.logits, atol=1e-4)


def test_a_run_that_was_stopped_goes_on(world, model, monkeypatch, tmp_path):
    monkeypatch.setenv("XRAYCORE_CACHE", str(tmp_path))
    records = read_splits(world[1]).split("train")[:20]

    def stop(progress):
        if progress.done > 0.4:
            raise Cancelled

    with pytest.raises(Cancelled), default_store() as store:
        gather_features([model], records, store, stop)
    asked, read, told = [], features.read_radiograph, []
    monkeypatch.setattr(features, "read_radiograph", lambda p: asked.append(p) or read(p))
    with default_store() as store:
        gather_features([model], records, store, told.append)
    assert len(asked) == 12  # Of twenty films eight were kept.
    # A tenth for the files, then batches of eight.
    assert [round(one.done, 2) for one in told] == [0, 0.7, 1]


def test_retrieval_is_measured_at_home_and_elsewhere(world, run_cli, tmp_path):
    folder, datasets = world
    out = tmp_path / "retrieval.json"
    external = ("--external", folder / "nih" / "labels.csv")
    code, said, _ = run_cli("retrieve", *datasets, *external, "--out", out, "--json")
    assert code == 0
    document = json.loads(out.read_text())
    assert document == json.loads(said)
    assert document["films"]["external"] == 12 and document["all_films"] is True
    sets = document["models"]["basic_cnn"]
    # Of so few films ten of a kind are found in few places; in other sources there are.
    for where in ("home", "elsewhere"):
        scores = sets[where]["across, opacity"]["all"]
        assert 0 <= scores["precision"]["low"] <= scores["precision"]["value"] <= 1
    assert document["imagenet"] == {} and document["beyond_imagenet"] == {"basic_cnn": {}}
    code, _, err = run_cli("retrieve", *datasets, "--pretrained", tmp_path)
    assert code == 2 and "imagenet_notop" in err
