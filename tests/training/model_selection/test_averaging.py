"""Runs of one start are averaged, others refused."""

import json

import numpy as np
import pytest

from tests.eager import EAGER
from tests.training.support.short_runs import SPEC, recipe, weights_in
from xraycore.errors import ArgumentError
from xraycore.models.architectures import build_network
from xraycore.training.config import Stage
from xraycore.training.export import store_weights
from xraycore.training.model_selection.averaging import average_runs
from xraycore.training.run import Run, State

pytestmark = EAGER

CONFIG = {
    **{"model": "basic_cnn", "end": "full", "classes": ["Normal", "Opacity"], "start": "a.h5"},
    **{"manifest_sha256": "1" * 64, "lungs_sha256": "2" * 64, "teachers": [], "seed": 0},
    "recipe": recipe(Stage("all", 1, 32, 1e-3)).to_json(),
}


def write_run(folder, value, finished=True, **changes):
    """A run of which every weight is one number."""
    run = Run(folder)
    run.start({**CONFIG, "command": f"train {value}", **changes}, resume=False)
    network = build_network(SPEC, 2, size=32)
    network.set_weights([np.full_like(one, value) for one in network.get_weights()])
    run.save_best(network)
    history = [{"epoch": 1, "stage": "all", "loss": value}]
    run.commit(State(stage=int(finished), total_epochs=1, history=history))
    return run


def test_the_mean_of_runs_is_a_run_that_says_what_it_is_the_mean_of(tmp_path):
    runs = [write_run(tmp_path / str(value), value) for value in (1.0, 2.0, 6.0)]
    found = average_runs(runs, tmp_path / "mean")
    for one in weights_in(found.best_weights):
        np.testing.assert_array_equal(one, 3.0)
    assert [one["command"] for one in found.config["averaged"]] == [
        *("train 1.0", "train 2.0", "train 6.0"),
    ]
    history = found.state().history
    assert [(row["epoch"], row["stage"], row["loss"]) for row in history] == [
        *((1, "all (1 of 3)", 1.0), (2, "all (2 of 3)", 2.0), (3, "all (3 of 3)", 6.0)),
    ]
    (tmp_path / "stored").mkdir()
    stored = store_weights(found, tmp_path / "stored")
    assert stored.classes == ("Normal", "Opacity")


def test_what_is_the_same_in_all_stays_to_the_last_bit(tmp_path):
    # A third of .1 three times over is not .1.
    runs = [write_run(tmp_path / name, 0.1) for name in "abc"]
    for one in weights_in(average_runs(runs, tmp_path / "mean").best_weights):
        np.testing.assert_array_equal(one, np.float32(0.1))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"start": "b.h5"}, "start"),
        ({"classes": ["Normal", "Pneumonia"]}, "classes"),
        ({"manifest_sha256": "3" * 64}, "manifest_sha256"),
        ({"recipe": recipe(Stage("all", 1, 64, 1e-3)).to_json()}, "64"),
        ({"finished": False}, "not finished"),
    ],
)
def test_runs_that_do_not_fit_together_are_refused(tmp_path, changes, told):
    runs = [write_run(tmp_path / "a", 1.0), write_run(tmp_path / "b", 2.0, **changes)]
    with pytest.raises(ArgumentError, match=told) as error:
        average_runs(runs, tmp_path / "mean")
    assert str(tmp_path / "b") in str(error.value)
    assert not (tmp_path / "mean").exists()


def test_one_run_is_no_mean_and_no_run_is_overwritten(tmp_path):
    one, other = (write_run(tmp_path / name, 1.0) for name in "ab")
    with pytest.raises(ArgumentError, match="two runs or more"):
        average_runs([one], tmp_path / "mean")
    with pytest.raises(ArgumentError, match="holds a run already"):
        average_runs([one, other], tmp_path / "a")
    assert "averaged" not in json.loads((tmp_path / "a" / "run.json").read_text())
