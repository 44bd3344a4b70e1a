"""A network learns to tell phantoms apart, and a killed run goes on where it stopped."""

import json
import signal
import subprocess
import sys
import time

import pytest

from tests.conftest import ROOT
from xraycore.data.phantom import write_phantoms
from xraycore.training.run import Run

pytestmark = pytest.mark.timeout(400)


def command(data, out, *options):
    train = ["-m", "xraycore", "train", str(data), "--model", "basic_cnn", "--preset", "quick"]
    return [sys.executable, *train, "--out", str(out), "--json", *options]


def test_quick_preset_tells_phantoms_apart(tmp_path):
    write_phantoms(tmp_path / "data", 150, size=96)
    done = subprocess.run(
        command(tmp_path / "data", tmp_path / "run"),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    best = max(row["val_accuracy"] for row in json.loads(done.stdout)["history"])
    assert best >= 0.9


def test_a_killed_run_resumes_to_the_same_epoch_count(tmp_path):
    write_phantoms(tmp_path / "data", 30, size=64)
    run = Run(tmp_path / "run")
    options = ("--epochs", "6")
    process = subprocess.Popen(
        command(tmp_path / "data", run.folder, *options),
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if (run.folder / "state.json").exists() and run.state().total_epochs >= 2:
            break
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = run.state()
    assert 2 <= before.total_epochs < 6
    done = subprocess.run(
        command(tmp_path / "data", run.folder, *options, "--resume"),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    history = json.loads(done.stdout)["history"]
    assert [row["epoch"] for row in history] == [1, 2, 3, 4, 5, 6]
    assert history[: before.total_epochs] == before.history
