"""Each fold is judged by who has not seen it, and no test film is read."""

import json

import pytest

from tests.eager import EAGER
from tests.training.conftest import PER_SPLIT
from xraycore.errors import ArgumentError, DatasetError
from xraycore.metrics.significance import fold_mean
from xraycore.training import batches, trainer
from xraycore.training.model_selection import cross_validation
from xraycore.training.model_selection.cross_validation import cross_validate
from xraycore.training.plan import Plan
from xraycore.training.runs import list_runs, plan_of

pytestmark = EAGER

CHANGES = {"epochs": 1, "view": "film", "lung_loss_weight": 0.0}


@pytest.fixture
def plan(disc_folder):
    return Plan((str(disc_folder),), "basic_cnn", "quick", changes=CHANGES)


def test_folds_are_trained_judged_and_summed_up(plan, tmp_path, monkeypatch):
    read = []

    def note(records, *options):
        read.append({record.path for record in records})
        return batches.load_images(records, *options)

    for module in (cross_validation, trainer):
        monkeypatch.setattr(module, "load_images", note)
    told = []
    found = cross_validate(plan, 2, tmp_path, "disc", report=told.append)
    tested = {record.path for record in plan.manifest().split("test")}
    assert tested and not tested & set().union(*read)
    # Train, val and the fold of each, in that order: nobody is judged by films of its training.
    for train, val, held in (read[:3], read[3:]):
        assert not train & val and not held & (train | val)
    assert not read[2] & read[5]
    assert len(read[2] | read[5]) == 2 * sum(PER_SPLIT.values()) - len(tested)

    one, two = found["folds"]
    assert (one["fold"], one["run"], one["epochs"]) == ("1/2", "disc-fold-1", 1)
    assert one["held_out"] != {name: one["chosen"].get(f"val_{name}") for name in one["held_out"]}
    ratio = sum(row["films"]["test"] / row["films"]["train"] for row in (one, two)) / 2
    by_hand = fold_mean([row["held_out"]["loss"] for row in (one, two)], ratio)
    assert found["scores"]["loss"] == pytest.approx(by_hand, abs=1e-4)
    assert 0 <= found["scores"]["auc"]["low"] <= found["scores"]["auc"]["high"] <= 1
    assert told[-1].done == 1.0
    json.dumps(found, allow_nan=False)

    # Runs like any other: the Train page lists them and knows how they go on.
    runs = {run.name: run for run in list_runs(tmp_path)}
    assert {name: run.phase for name, run in runs.items()} == {
        "disc-fold-1": "finished",
        "disc-fold-2": "finished",
    }
    again = plan_of(runs["disc-fold-2"])
    assert (again.fold, again.changes, again.datasets) == ("2/2", CHANGES, plan.datasets)
    with pytest.raises(ArgumentError, match="fold 2/2 was held out"):
        again.ship_arguments("disc-fold-2")
    # And once more costs the judging only.
    state = (tmp_path / "disc-fold-1" / "state.json").stat().st_mtime_ns
    assert cross_validate(plan, 2, tmp_path, "disc") == found
    assert (tmp_path / "disc-fold-1" / "state.json").stat().st_mtime_ns == state


def test_what_cannot_be_folded_is_said_before_anything_is_trained(plan, tmp_path):
    for folds, message in ((1, "2 to 50"), (51, "2 to 50")):
        with pytest.raises(ArgumentError, match=message):
            cross_validate(plan, folds, tmp_path, "disc")
    with pytest.raises(ArgumentError, match="name must be one of runs"):
        cross_validate(plan, 2, tmp_path, "../disc")
    with pytest.raises(DatasetError, match=r"of every class in fold .*/16; there is none of"):
        cross_validate(plan, 16, tmp_path, "disc")
    with pytest.raises(ArgumentError, match="makes its folds itself"):
        cross_validate(plan.parse([*plan.train_arguments("x"), "--fold", "1/2"]), 2, tmp_path, "d")
    assert not list(tmp_path.iterdir())
