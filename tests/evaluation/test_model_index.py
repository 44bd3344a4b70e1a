import json

import numpy as np
import pytest

from tests.stored_models import VGG16, outcome, write_run, write_store
from xraycore.datasets.labels import CHEST4
from xraycore.evaluation.model_index import list_stored_models, read_timings
from xraycore.evaluation.prediction_files import read_predictions, write_predictions
from xraycore.metrics.calibration import Calibration


@pytest.fixture
def store(tmp_path, monkeypatch):
    write_store(tmp_path / "weights")
    monkeypatch.setenv("XRAYCORE_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.setenv("XRAYCORE_RUNS", str(tmp_path / "runs"))
    return tmp_path


def test_both_generations_of_files_are_read(store):
    old, new = list_stored_models()
    assert (old.name, old.calibrated, old.points()) == ("basic_cnn", False, {})
    assert (new.name, new.calibrated) == ("vgg16", True)
    assert new.points()["sensitivity_95"].threshold == 0.25049
    np.testing.assert_allclose(old.outcome().probabilities[0], [0.2, 0.64, 0.08, 0.08], atol=1e-6)
    np.testing.assert_allclose(new.outcome().probabilities[0], [0.1, 0.72, 0.09, 0.09], atol=1e-4)
    assert {record.split for record in old.outcome().records} == {"test"}
    assert np.isnan(old.outcome().sizes).all()
    assert new.history()[1] == {
        **{"epoch": 2.0, "stage": "full", "loss": 0.9, "val_loss": 1.0},
    }


def test_runs_join_unless_they_were_shipped(store):
    write_run(store / "runs" / "mine")
    write_run(store / "runs" / "shipped", history=(store / "weights/vgg16/history.csv").read_text())
    (store / "runs" / "notes").mkdir()
    run = list_stored_models()[2]
    assert len(list_stored_models()) == 3
    assert (run.name, run.title, run.shipped) == ("runs/mine", "Xception, run mine", False)
    assert not run.has_predictions
    assert len(run.history()) == 3

    before = run.fingerprint
    write_predictions(run.folder / "predictions.csv", [outcome("runs/mine", VGG16)])
    again = list_stored_models()[2]
    assert again.has_predictions
    assert again.fingerprint != before


def test_a_card_or_run_that_cannot_be_read_is_a_problem_of_its_own(store):
    (store / "weights" / "vgg16" / "card.json").write_text("{")
    write_run(store / "runs" / "mine")
    (store / "runs" / "mine" / "run.json").write_text("[]")
    good, card, run = list_stored_models()
    assert good.problem is None
    assert "card.json: expected JSON" in card.problem
    assert "expected a run's run.json" in run.problem


@pytest.mark.parametrize(
    "text", ["", "source,file\n", "a,b\n1,2\n", "source,file,group,label,Normal\nx,y,z,Normal,?\n"]
)
def test_broken_predictions_are_named(store, text):
    file = store / "weights" / "vgg16" / "predictions.csv"
    file.write_text(text)
    with pytest.raises(ValueError, match=r"vgg16/predictions\.csv: expected predictions"):
        read_predictions(file, "vgg16", Calibration())


def test_a_history_that_is_no_table_of_numbers_is_named(store):
    (store / "weights" / "vgg16" / "history.csv").write_text("epoch,loss\n1,low\n")
    with pytest.raises(ValueError, match=r"history\.csv: expected a row of numbers an epoch"):
        list_stored_models()[1].history()


def test_timings_are_those_of_the_benchmark(tmp_path):
    file = tmp_path / "benchmark.json"
    assert read_timings(file) == {}
    found = {"models": [{"model": "vgg16", "tasks": {"forward": {"seconds": 0.15}}}]}
    file.write_text(json.dumps(found))
    assert read_timings(file) == {"vgg16": 150.0}
    file.write_text("[]")
    assert read_timings(file) == {}


def test_what_is_stored_has_the_four_classes(store):
    assert all(entry.outcome().classes == CHEST4 for entry in list_stored_models())
