"""From a run to the store, to scores, to the results page: one small world, the real code."""

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.small_store import draw_sets, finished_run
from tools.results.__main__ import results as write_all_results
from tools.results.results import write_results
from tools.results.stored import read_stored
from xraycore.anatomy.crop import crop_inputs
from xraycore.datasets.labels import CHEST4, LABEL_SCHEMES
from xraycore.datasets.manifest import read_manifest
from xraycore.evaluation.prediction_files import read_predictions
from xraycore.imaging import read_radiograph
from xraycore.metrics.calibration import Calibration
from xraycore.models.architectures import HEAD
from xraycore.models.cards import read_card
from xraycore.models.classifier import load_model
from xraycore.retrieval.index_file import FILE as INDEX
from xraycore.retrieval.index_file import load_index
from xraycore.training.export import export_run, recalibrate


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A store with the basic CNN shipped into it; (folder, run, network, manifest, datasets)."""
    folder = tmp_path_factory.mktemp("world")
    datasets = draw_sets(folder)
    run, network, manifest = finished_run(folder / "run", datasets)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XRAYCORE_WEIGHTS", str(folder / "weights"))
        external = read_manifest(folder / "nih" / "labels.csv")
        export_run(run, manifest, external=[external], limits=["Untrained."], command="ship it")
        yield folder, run, network, manifest, datasets


def test_the_card_says_what_the_stored_predictions_say(world):
    card = read_card("basic_cnn")
    found = read_predictions(
        world[0] / "weights" / "basic_cnn" / "predictions.csv",
        "basic_cnn",
        Calibration.of_card(card),
    )
    test = found.only(lambda r: r.split == "test" and r.source == "chest_xray")
    assert len(test.records) == 18
    probability = LABEL_SCHEMES["pneumonia"].probabilities(test.probabilities, CHEST4)[:, 1]
    sick = np.array([r.label != "Normal" for r in test.records])
    scores = card["scores"]["pneumonia"]
    assert scores["accuracy"]["value"] == pytest.approx(
        ((probability >= 0.5) == sick).mean(), abs=1e-4
    )
    pairs = probability[sick][:, None] - probability[~sick]
    auc = ((pairs > 0) + 0.5 * (pairs == 0)).mean()
    assert scores["auc"]["value"] == pytest.approx(auc, abs=0.02)  # Logits are kept to 4 places.
    threshold = card["operating_points"]["sensitivity_98"]["threshold"]
    at = scores["at"]["sensitivity_98"]
    assert at["tp"] + at["fp"] == pytest.approx((probability >= threshold).sum(), abs=1)
    assert set(card["external"]) == {"nih"}
    assert card["external"]["nih"]["pneumonia"]["auc"]["n"] == 12
    assert {r.split for r in found.records} == {"val", "test", "external"}
    assert set(card["inside_lungs"]) == {"chest_xray", "covid_radiography", "nih"}
    assert set(card["probes"]["auc"]) == {"chest_xray", "covid_radiography"}


def test_an_index_of_the_films_that_it_learnt_from_comes_along(world):
    manifest, index = world[3], load_index("basic_cnn")
    assert len(index) == len(manifest.split("train")) + len(manifest.split("val"))
    assert (index.note["complete"], index.note["command"]) == (True, "ship it")


def test_the_calibration_is_the_best_on_validation_films(world):
    card = read_card("basic_cnn")
    found = read_predictions(
        world[0] / "weights" / "basic_cnn" / "predictions.csv", "basic_cnn", Calibration()
    ).only(lambda r: r.split == "val")
    best, bias = card["temperature"], np.array(card["bias"])

    def loss(temperature, added):
        said = Calibration(temperature, tuple(added)).probabilities(found.logits)
        prior = ((added**2).sum() + np.log(temperature) ** 2) / 2 / len(found.logits)
        return prior - np.log((said * found.allowed).sum(axis=1)).mean()

    assert np.abs(bias).max() > 0.01
    for other in (0.9, 1.1):
        assert loss(best, bias) <= loss(best * other, bias)
        assert loss(best, bias) <= loss(best, bias * other)


def test_scored_anew_the_weights_stay_and_the_figures_come_out_the_same(world, run_cli):
    folder, _, _, manifest, datasets = world
    store = folder / "weights" / "basic_cnn"
    before, card = (store / "basic_cnn.weights.h5").read_bytes(), read_card("basic_cnn")
    index = (store / INDEX).read_bytes()
    edited = {
        **card,
        "temperature": 9.0,
        "bias": [3, 0, 0, -3],
        "scores": {},
        "operating_points": {},
    }
    (store / "card.json").write_text(json.dumps(edited))
    code, out, _ = run_cli(
        "rescore", "basic_cnn", *datasets, "--external", folder / "nih" / "labels.csv", "--json"
    )
    assert code == 0
    found = json.loads(out)["card"]
    assert (store / "basic_cnn.weights.h5").read_bytes() == before
    assert (store / INDEX).read_bytes() == index
    assert found["training"].pop("rescored")["command"].startswith("python -m xraycore")
    assert found == card == {**read_card("basic_cnn"), "training": found["training"]}
    for asked, said in (
        (datasets[:1], "trained on other data or another split"),
        (datasets, "has figures of nih, which would be lost"),
    ):
        code, _, err = run_cli("rescore", "basic_cnn", *asked)
        assert (code, err.count("\n"), said in err) == (2, 1, True)


def test_another_lung_segmenter_is_warned_of_after_scoring_anew_too(world, monkeypatch):
    folder, _, _, manifest, _ = world
    file = folder / "weights" / "basic_cnn" / "card.json"
    kept = file.read_text()
    file.write_text(json.dumps({**json.loads(kept), "lungs_sha256": "of another"}))
    recalibrate("basic_cnn", manifest, external=[read_manifest(folder / "nih" / "labels.csv")])
    assert read_card("basic_cnn")["lungs_sha256"] == "of another"
    assert "another lung segmenter" in load_model("basic_cnn").warnings[0]
    file.write_text(kept)


def test_a_centred_head_changes_no_probability(world):
    folder, _, network, manifest, _ = world
    model = load_model("basic_cnn")
    kernel = network.get_layer(HEAD).get_weights()[0]
    assert np.abs(kernel.mean(axis=1)).max() > 1
    centred = kernel - kernel.mean(axis=1, keepdims=True)
    np.testing.assert_allclose(model.head[0], centred, rtol=2e-3, atol=1e-4)
    film = read_radiograph(manifest.split("test")[0].path)
    prediction = model.predict(film)
    part = crop_inputs([film], "lungs", model.size)[0]
    assert prediction.box == part.box
    logits = np.asarray(network(part.grey[None], training=False)[0])[0]
    expected = model.calibration.probabilities(logits)
    np.testing.assert_allclose(list(prediction.probabilities.values()), expected, atol=5e-3)


def test_what_is_refused(world):
    _, run, _, manifest, datasets = world
    other = read_manifest(datasets[0])
    with pytest.raises(ValueError, match="trained on other data or another split"):
        export_run(run, other)


def test_results_are_drawn_from_the_store(world, tmp_path):
    stored = read_stored()
    measured = tmp_path / "measured"
    measured.mkdir()
    row = {"val_auc": 0.9321, "val_accuracy": 0.8, "val_inside": 0.7, "auc_nih": 0.6}
    (measured / "ablation.json").write_text(
        json.dumps({"text": "A short training.", "rows": [{"name": "whole film", "last": row}]})
    )
    row = {"val_auc": 0.91, "hit_val": 0.888, "heat_val": 0.777, "hit_nih": 0.666}
    (measured / "ablation-lesions.json").write_text(
        json.dumps({"text": "A short tuning.", "rows": [{"name": "as before", "last": row}]})
    )
    write_results(stored, measured, tmp_path / "results.md")
    text = (tmp_path / "results.md").read_text()
    assert "A short tuning. Validation films" in text
    assert "| as before | 0.910 | – | – | – | – | 0.888 | 0.777 | 0.666 | – | – | – |" in text
    accuracy = read_card("basic_cnn")["scores"]["pneumonia"]["accuracy"]["value"]
    assert f"| Basic CNN | {accuracy:.3f} [" in text
    assert "| whole film | 0.932 | 0.800 | 0.600 | – | 0.700 |" in text
    assert "not trained yet" in text
    assert "nan" not in text


def test_the_results_command_draws_the_picture_too(world, tmp_path, capsys):
    write_all_results(tmp_path / "docs")
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "Basic CNN" in printed.err
    assert (tmp_path / "docs" / "images" / "results.png").read_bytes().startswith(b"\x89PNG")


def test_evaluate_judges_the_test_split_of_data_that_was_trained_on(world, run_cli):
    code, out, _ = run_cli("evaluate", *world[4], "--view", "pneumonia", "--json")
    document = json.loads(out)
    assert code == 0
    assert document["films"] == len(world[3].split("test"))
    model = document["models"]["basic_cnn"]
    assert set(model["scores"]["accuracy"]) == {"value", "low", "high", "n"}
    assert set(model["operating_points"]) == {
        *("default", "best_f1", "sensitivity_95", "sensitivity_98"),
    }


def test_evaluate_judges_all_films_of_other_data(world, run_cli):
    code, out, err = run_cli("evaluate", world[0] / "nih" / "labels.csv", "--view", "pneumonia")
    assert code == 0
    assert "12 films, Normal 6, Pneumonia 6" in out
    assert "evidence in the lungs" in out
    assert "95 % intervals" in err


def test_evaluate_warns_of_films_that_were_trained_on(world, run_cli, caplog):
    code, out, _ = run_cli("evaluate", world[4][0], "--split", "train", "--json")
    assert code == 0
    assert json.loads(out)["films"] == len(
        [r for r in world[3].split("train") if r.source == "chest_xray"]
    )
    assert "only its test split tells how good" in caplog.text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--split", "half"), "split must be one of auto, train, val, test, all"),
        (("--view", "five"), "view must be one of chest4, pneumonia, covid3"),
        (("--model", "alexnet"), "model must be one of"),
    ],
)
def test_evaluate_says_what_is_wrong_in_one_line(world, run_cli, arguments, said):
    code, out, err = run_cli("evaluate", world[4][0], *arguments)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert said in err


def test_predict_gives_a_line_for_every_film_good_or_bad(world, run_cli, tmp_path):
    film = next(iter(world[3].split("test"))).path
    (tmp_path / "notes.txt").write_text("no film")
    code, out, _ = run_cli("predict", film, tmp_path, "--json")
    lines = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    bad, good = sorted(lines, key=lambda line: line["error"] is None)
    assert bad["error"].startswith("notes.txt: expected")
    assert good["model"] == "basic_cnn"
    assert sum(good["probabilities"].values()) == pytest.approx(1, abs=1e-5)
    assert good["label"] == max(good["probabilities"], key=good["probabilities"].get)


def test_explain_writes_overlay_map_and_provenance(world, run_cli, tmp_path):
    film = next(iter(world[3].split("test"))).path
    code, _, _ = run_cli("explain", film, "--target", "covid", "--out", tmp_path / "maps")
    assert code == 0
    base = tmp_path / "maps" / f"{film.stem}.basic_cnn.grad_cam"
    facts = json.loads(base.with_name(base.name + ".json").read_text())
    assert facts["target"] == "COVID-19"
    assert facts["weights_sha256"] == read_card("basic_cnn")["weights"]["sha256"]
    assert np.load(base.with_name(base.name + ".npy")).shape == (14, 14)
    assert base.with_name(base.name + ".png").read_bytes().startswith(b"\x89PNG")


def test_explain_overwrites_no_film_of_another(world, run_cli, tmp_path):
    films = [record.path for record in world[3].split("test")[:3]]
    paths = [tmp_path / name for name in ("x/a.png", "y/a.png", "z/a-2.png")]
    for film, path in zip(films, paths, strict=True):
        path.parent.mkdir()
        shutil.copy(film, path)
    code, out, _ = run_cli("explain", *paths, "--out", tmp_path / "maps", "--json")
    assert code == 0
    overlays = [Path(json.loads(line)["overlay"]) for line in out.splitlines()]
    assert [one.name.split(".")[0] for one in overlays] == ["a", "a-2", "a-2-2"]
    for film, overlay in zip(films, overlays, strict=True):
        facts = json.loads(overlay.with_suffix(".json").read_text())
        assert facts["file_sha256"] == hashlib.sha256(film.read_bytes()).hexdigest()


def test_randomise_measures_what_the_registry_reads(world, run_cli):
    film = world[3].split("test")[0].path
    code, out, err = run_cli(
        "randomise", film, *("--method", "grad_cam", "--method", "eigen_cam"), "--json"
    )
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert found["films"] == 1
    row = found["rows"]["basic_cnn"]["grad_cam"]
    assert 0 <= row["all"] <= 1
    assert row["passes"] == (max(row["half"], row["all"]) < found["limit"])


def test_what_is_measured_joins_what_was(world, run_cli, tmp_path):
    film, file = world[3].split("test")[0].path, tmp_path / "randomisation.json"
    old = {
        "basic_cnn": {"rise": {"half": 0.9, "all": 0.9, "passes": False}},
        "vgg16": {"grad_cam": {"half": 0.1, "all": 0.1, "passes": True}},
    }
    mine = read_card("basic_cnn")["weights"]["sha256"]
    measured = {"films": 1, "seed": 0, "limit": 0.5, "weights": {"vgg16": "ab"}, "rows": old}
    measured["films_sha256"] = [hashlib.sha256(film.read_bytes()).hexdigest()]
    asked = ("randomise", film, "--method", "grad_cam", "--out", file)
    for before, left in ((mine, {"rise", "grad_cam"}), ("of others", {"grad_cam"})):
        measured["weights"]["basic_cnn"] = before
        file.write_text(json.dumps(measured))
        assert run_cli(*asked)[0] == 0
        found = json.loads(file.read_text())
        assert found["rows"]["vgg16"] == old["vgg16"]
        assert set(found["rows"]["basic_cnn"]) == left
        assert found["weights"] == {"basic_cnn": mine, "vgg16": "ab"}
    code, _, err = run_cli(*asked, "--seed", "1")
    assert (code, err.count("\n")) == (2, 1)
    assert "expected what was measured with" in err


def test_randomise_needs_a_film(world, run_cli, tmp_path):
    (tmp_path / "note.txt").write_text("none")
    code, _, err = run_cli("randomise", tmp_path / "note.txt")
    assert code == 2
    assert "note.txt" in err
