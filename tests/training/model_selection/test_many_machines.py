"""Trials as tasks of two worker processes over TCP, one of which is killed in a training."""

import threading
import time

import psutil
import pytest

from tests.jobs.test_dask_engine import cluster
from xraycore.jobs.dask_engine import DaskEngine
from xraycore.training.model_selection.search import search
from xraycore.training.model_selection.tasks import files_for
from xraycore.training.plan import Plan
from xraycore.training.run import Run
from xraycore.training.runs import list_runs

pytestmark = pytest.mark.slow


def test_two_workers_train_one_of_which_is_killed(disc_folder, tmp_path):
    changes = {"epochs": 1, "view": "film", "lung_loss_weight": 0.0}
    plan = Plan((str(disc_folder),), "basic_cnn", "quick", changes=changes, precision="float32")
    runs, ended = tmp_path / "runs", []
    with cluster(tmp_path, 2) as (address, processes):

        def kill() -> None:
            """One worker, once both have begun."""
            deadline = time.monotonic() + 60
            while len(list(runs.glob("*/run.json"))) < 2 and time.monotonic() < deadline:
                time.sleep(0.02)
            ended.extend(runs.glob("*/state.json"))
            psutil.Process(processes[0].pid).kill()

        with DaskEngine(address, files_for(plan), timeout=60) as engine:
            engine.wait_for(2)
            killer = threading.Thread(target=kill)
            killer.start()
            found = search(
                *(plan, 2, runs, "disc", tmp_path / "disc.sqlite"), over=["balance"], engine=engine
            )
            killer.join()
    assert ended == []  # Neither had finished an epoch.
    assert sorted(row["run"] for row in found["trials"]) == ["disc-trial-1", "disc-trial-2"]
    assert {row["state"] for row in found["trials"]} == {"finished"}
    assert [len(Run(runs / row["run"]).state().history) for row in found["trials"]] == [1, 1]
    assert {run.phase for run in list_runs(runs)} == {"finished"}
