import json
import os
import sys
from pathlib import Path

import pytest

from tests.jobs.test_process import wait_for
from xraycore.errors import ArgumentError
from xraycore.jobs import process
from xraycore.jobs.process import started_at
from xraycore.training.run import Run, State
from xraycore.training.runs import list_runs, plan_of, resume, run_status

STAGES = [{"name": "low", "epochs": 2}, {"name": "full", "epochs": 3}]


def write_run(folder, *, stage=0, rows=(), command=None, job=None, progress=None):
    """A run's files with that many finished stages, and that history."""
    run = Run(folder)
    run.start({"model": "vgg16", "recipe": {"stages": STAGES}, "command": command}, resume=False)
    state = State(stage=stage, total_epochs=len(rows), history=list(rows))
    run.commit(state)
    if job is not None:
        job = {"pid": 1, "started": "long ago", "began": "2026-01-01T10:00:00", **job}
        (folder / "job.json").write_text(json.dumps(job))
        (folder / "progress.json").write_text(json.dumps({"pid": job["pid"], **(progress or {})}))
    return folder


def row(epoch, stage, **scores):
    return {"epoch": epoch, "stage": stage, "loss": 1.0, **scores}


def test_how_a_run_stands(tmp_path):
    alive = {"pid": os.getpid(), "started": started_at(os.getpid())}
    write_run(tmp_path / "by-hand")
    write_run(tmp_path / "done", stage=2, job={})
    write_run(tmp_path / "halted", job={}, progress={"end": "stopped"})
    write_run(tmp_path / "broken", job={}, progress={"end": "failed", "error": "no memory"})
    write_run(tmp_path / "vanished", job={}, progress={"epoch": 2})
    write_run(tmp_path / "working", job=alive, progress={"epoch": 1, "done": 0.3})
    write_run(tmp_path / "ending", job=alive | {"stop_asked": True})
    (tmp_path / "no-run").mkdir()
    phases = {run.name: run.phase for run in list_runs(tmp_path)}
    assert phases == {
        "by-hand": "stopped",
        "done": "finished",
        "halted": "stopped",
        "broken": "failed",
        "vanished": "failed",
        "working": "running",
        "ending": "stopping",
    }
    assert set(list(phases)[:2]) == {"working", "ending"}
    assert run_status(tmp_path / "broken").status.error == "no memory"
    assert run_status(tmp_path / "working").done == 0.3
    assert run_status(tmp_path / "done").done == 1.0
    assert run_status(tmp_path / "done").epochs == 5


def test_the_kept_epoch_is_the_best_of_the_last_stage(tmp_path):
    rows = [row(1, "low", choice=0.9), row(2, "full", choice=0.7), row(3, "full", choice=0.6)]
    assert run_status(write_run(tmp_path / "run", rows=rows)).best["epoch"] == 2
    # Older histories have no choice: the lowest validation loss.
    rows = [row(1, "full", val_loss=0.5), row(2, "full", val_loss=0.4)]
    assert run_status(write_run(tmp_path / "old", rows=rows)).best["epoch"] == 2
    assert run_status(write_run(tmp_path / "fresh")).best == {}


def test_files_of_another_version_or_none_at_all_are_named(tmp_path):
    folder = write_run(tmp_path / "old")
    (folder / "state.json").write_text('{"best_loss": 1.0}')
    assert "written by another version of xraycore" in run_status(folder).problem
    (folder / "run.json").write_text("{half")
    assert "expected a run's folder with run.json" in run_status(folder).problem
    assert [run.phase for run in list_runs(tmp_path)] == ["failed"]


def test_odd_files_of_one_run_hide_no_other(tmp_path, monkeypatch):
    write_run(tmp_path / "good")
    half = write_run(tmp_path / "half")
    (half / "job.json").write_text('{"pid": 1}')
    nameless = write_run(tmp_path / "nameless")
    (nameless / "run.json").write_text('{"model": null, "recipe": {"stages": []}}')
    write_run(tmp_path / "no-loss", rows=[{"epoch": 1, "stage": "low"}])
    secret = write_run(tmp_path / "secret")
    real = Path.exists

    def guarded(path):
        if secret in path.parents:
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    # The tests may run as root, who may read all.
    monkeypatch.setattr(Path, "exists", guarded)
    found = {run.name: (run.phase, bool(run.problem)) for run in list_runs(tmp_path)}
    assert found == {
        "good": ("stopped", False),
        "half": ("failed", True),
        "nameless": ("failed", True),
        "no-loss": ("failed", True),
        "secret": ("failed", True),
    }


def test_resume_repeats_the_command_that_the_run_noted_down(tmp_path, monkeypatch):
    echo = (sys.executable, "-c", "import sys; sys.stdout.write(' '.join(sys.argv[1:]))")
    monkeypatch.setattr(process, "COMMAND", echo)
    command = "python -m xraycore train '/my films' --model vgg16 --out /tmp/other --resume"
    folder = write_run(tmp_path / "run", command=command)
    resume(run_status(folder))
    wait_for(folder, lambda now: not now.alive)
    words = f"train /my films --model vgg16 --end full --preset cpu --out {folder}"
    assert (folder / "output.txt").read_text() == f"{words} --resume"

    # One that failed before it began is begun.
    (folder / "run.json").unlink()
    resume(run_status(folder))
    wait_for(folder, lambda now: not now.alive)
    assert (folder / "output.txt").read_text() == words
    with pytest.raises(ArgumentError, match="does not say what it was started with"):
        resume(run_status(write_run(tmp_path / "unknown")))


def test_shipping_needs_the_data_sets_of_the_training(tmp_path):
    # As jobs were noted down that may have been started anywhere.
    words = ["train", "a", "/b", "--model", "vgg16", "--classes", "Normal; Sick = a | b"]
    folder = write_run(tmp_path / "run", stage=2, job={"arguments": words, "cwd": "/home/ann"})
    assert plan_of(run_status(folder)).ship_arguments(folder) == [
        *("ship", str(folder), "/home/ann/a", "/b", "--classes", "Normal; Sick = a | b")
    ]


@pytest.mark.parametrize("words", [["evaluate", "/a"], "train", [7], {"train": 1}, ["train", "-c"]])
def test_a_run_whose_folder_names_another_command_is_not_gone_on_with(tmp_path, words):
    run = run_status(write_run(tmp_path / "run", job={"arguments": words}))
    with pytest.raises(ArgumentError, match="does not say what it was started with"):
        resume(run)
