import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.jobs.test_process import wait_for
from xraycore.errors import ArgumentError, JobError
from xraycore.jobs import process
from xraycore.jobs.process import started_at
from xraycore.jobs.records import note_stop, read_record, write_record
from xraycore.training.run import Run, State
from xraycore.training.runs import list_runs, plan_of, resume, run_status

STAGES = [{"name": "low", "epochs": 2, "size": 96}, {"name": "full", "epochs": 3, "size": 128}]
CLASSES = ["Normal", "Opacity"]


def write_run(folder, *, stage=0, rows=(), command=None, job=None, progress=None):
    """A run's files with that many finished stages, and that history."""
    run = Run(folder)
    config = {"model": "vgg16", "classes": CLASSES, "recipe": {"stages": STAGES}}
    run.start({**config, "command": command}, resume=False)
    state = State(stage=stage, total_epochs=len(rows), history=list(rows))
    run.commit(state)
    if job is not None:
        job = {"pid": 1, "began": "2026-01-01T10:00:00", **job}
        if "started" in job:
            write_record(folder, job["pid"], job["started"], [])
        else:
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
    note_stop(tmp_path / "ending", read_record(write_run(tmp_path / "ending", job=alive)))
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
    assert "state.json: best_loss: Extra inputs are not permitted" in run_status(folder).problem
    (folder / "run.json").write_text("{half")
    assert "run.json: expected JSON" in run_status(folder).problem
    assert [run.phase for run in list_runs(tmp_path)] == ["failed"]


def test_odd_files_of_one_run_hide_no_other(tmp_path, monkeypatch):
    write_run(tmp_path / "good")
    half = write_run(tmp_path / "half")
    (half / "job.json").write_text('{"pid": 1}')
    nameless = write_run(tmp_path / "nameless")
    (nameless / "run.json").write_text('{"model": null, "recipe": {"stages": []}}')
    write_run(tmp_path / "no-loss", rows=[{"epoch": 1, "stage": "low"}])
    secret = write_run(tmp_path / "secret")
    real = os.open

    def guarded(path, *more, **named):
        if secret in Path(path).parents:
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, *more, **named)

    # The tests may run as root, who may read all.
    monkeypatch.setattr(os, "open", guarded)
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


def test_a_folder_cannot_have_another_process_ended(tmp_path):
    victim = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    folder = write_run(tmp_path / "run")
    job = {"pid": victim.pid, "started": started_at(victim.pid), "began": "2026-01-01T10:00:00"}
    (folder / "job.json").write_text(json.dumps(job))
    assert not run_status(folder).status.alive
    process.stop(folder)
    process.stop(folder, at_once=True)
    assert victim.poll() is None
    victim.communicate(b"\n")
    assert victim.returncode == 0


def test_a_link_in_a_folder_is_not_written_over(tmp_path):
    (tmp_path / "mine").write_text("kept")
    command = "python -m xraycore train /films --model vgg16"
    for name in ("output.txt", "log.txt", "state.part", "best.weights.h5", "shipping"):
        folder = write_run(tmp_path / name.replace(".", "-"), command=command)
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to(tmp_path / "mine")
        with pytest.raises(JobError, match=f"{name}: expected a plain file or folder"):
            resume(run_status(folder))
        with pytest.raises(JobError, match="a link to another place"):
            Run(folder).start(Run(folder).config, resume=True)
    assert (tmp_path / "mine").read_text() == "kept"


HOSTILE = [
    ("run.json", b"[" * 100_000),
    ("run.json", b'{"model": "vgg16"}'),
    ("run.json", {"model": 3}),
    ("run.json", {"model": "vgg16", "classes": ["a", "b"], "recipe": {"stages": []}}),
    ("run.json", {"model": "a\nb", "classes": ["a", "b"], "recipe": {"stages": STAGES}}),
    ("run.json", {"model": "x", "classes": "ab", "recipe": {"stages": STAGES}}),
    ("run.json", {"model": "x", "classes": ["a", "b"], "recipe": {"stages": [{"epochs": 1e300}]}}),
    ("state.json", b'{"history": NaN}'),
    ("state.json", {"stage": -1}),
    ("state.json", {"stage": 10**40}),
    ("state.json", {"history": [{"epoch": "1", "loss": 1.0}]}),
    ("state.json", {"history": [{"epoch": 1, "loss": {}}]}),
    ("state.json", {"history": [{"epoch": 1, "loss": 1.0, "val_auc": "high"}]}),
    ("state.json", b'{"history": [{"epoch": 1e999, "loss": 1.0}]}'),
    ("job.json", {"pid": "1", "began": "2026-01-01T00:00:00"}),
    ("job.json", {"pid": 1, "began": "yesterday"}),
    ("job.json", {"pid": 1, "began": 5}),
    ("job.json", b"\x80\x04cposix\nsystem\n."),
]


@pytest.mark.parametrize(("name", "content"), HOSTILE)
def test_a_fault_of_a_run_is_one_line_that_names_its_file(tmp_path, name, content):
    write_run(tmp_path / "good")
    folder = write_run(tmp_path / "odd")
    content = content if isinstance(content, bytes) else json.dumps(content).encode()
    (folder / name).write_bytes(content)
    found = {run.name: run for run in list_runs(tmp_path)}
    assert found["good"].problem is None
    assert (found["odd"].phase, name in found["odd"].problem) == ("failed", True)
    assert "\n" not in found["odd"].problem


@pytest.mark.parametrize(
    "progress",
    [
        b"{", {"pid": 1, "done": "x"}, {"pid": 1, "done": 5}, {"pid": 1, "end": "won"},
        {"pid": 1, "epoch": 1e300}, {"pid": 1, "activity": ["a"]}, {"pid": 1, "error": {}},
    ],
)  # fmt: skip
def test_what_a_process_is_said_to_do_is_checked_too(tmp_path, progress):
    content = progress if isinstance(progress, bytes) else json.dumps(progress).encode()
    folder = write_run(tmp_path / "run", job={})
    (folder / "progress.json").write_bytes(content)
    found = run_status(folder)
    assert (found.phase, found.problem) == ("failed", None)
    assert "progress.json: " in found.status.error


def test_times_of_all_kinds_can_be_sorted(tmp_path):
    for name, began in (
        ("a", "2026-01-01T10:00:00+05:00"),
        ("b", "2026-01-01"),
        ("c", "0001-01-01"),
    ):
        write_run(tmp_path / name, job={"began": began})
    assert len(list_runs(tmp_path)) == 3


def test_a_teachers_file_holds_numbers_and_all_that_it_promises(tmp_path):
    run, file = Run(write_run(tmp_path / "run")), tmp_path / "run" / "teacher.npy"
    run.save_teacher(np.ones((2, 3), np.float32))
    assert run.load_teacher().shape == (2, 3)
    np.save(file, np.array([{"a": 1}], object), allow_pickle=True)
    with pytest.raises(ArgumentError, match="teacher.npy: expected probabilities"):
        run.load_teacher()
    with file.open("wb") as opened:
        shape = {"descr": "<f4", "fortran_order": False, "shape": (2**40, 4)}
        np.lib.format.write_array_header_1_0(opened, shape)
    with pytest.raises(ArgumentError, match="expected probabilities"):
        run.load_teacher()
    file.write_bytes(b"\x80\x04cposix\nsystem\n.")
    with pytest.raises(ArgumentError, match="expected probabilities"):
        run.load_teacher()
