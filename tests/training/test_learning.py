"""Training as a user starts it, in graphs: what is learnt, and what a kill costs."""

import json
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import h5py
import numpy as np
import pytest

from tests.training.test_trainer import SPEC, recipe
from xraycore.cli.main import main
from xraycore.datasets.synthetic.phantom import write_phantoms
from xraycore.training.config import Stage
from xraycore.training.trainer import train

ROOT = Path(__file__).resolve().parents[2]


def test_phantoms_are_learnt(tmp_path, capfd):
    write_phantoms(tmp_path / "phantoms", 100, size=96, seed=0)
    with pytest.raises(SystemExit) as ended:
        main(
            ["train", str(tmp_path / "phantoms"), "--model", "basic_cnn", "--preset", "quick"]
            + ["--out", str(tmp_path / "run"), "--json"]
        )
    assert ended.value.code == 0
    history = json.loads(capfd.readouterr().out)["history"]
    best = min(history, key=lambda row: row["val_loss"])
    assert best["val_accuracy"] >= 0.9
    assert best["val_auc"] >= 0.95
    assert history[0]["val_loss"] > best["val_loss"]


# Kills itself in its second epoch, after the third of six batches.
KILLED = """
    import os, signal, sys
    from xraycore.datasets.manifest import Manifest, Record
    from pathlib import Path
    from tests.training.test_trainer import SPEC, recipe, train, Stage

    files = sorted(Path(sys.argv[1]).rglob("*.png"))
    manifest = Manifest(
        tuple(Record(f, f.parent.name, f.parent.parent.name, f.stem, "discs") for f in files)
    )

    def report(progress):
        if progress.epoch == 2 and progress.done >= 0.5:
            os.kill(os.getpid(), signal.SIGKILL)

    train(manifest, SPEC, recipe(Stage("all", 3, 32, 1e-3)), sys.argv[2], report=report)
"""


def test_a_killed_run_goes_on_as_if_it_had_not_been(discs, disc_folder, tmp_path):
    program = textwrap.dedent(KILLED)
    ended = subprocess.run(
        [sys.executable, "-c", program, str(disc_folder), str(tmp_path / "killed")],
        cwd=ROOT,
        check=False,
    )
    assert ended.returncode == -signal.SIGKILL
    wanted = recipe(Stage("all", 3, 32, 1e-3))
    state = json.loads((tmp_path / "killed" / "state.json").read_text())
    assert state["total_epochs"] == 1
    killed = train(discs, SPEC, wanted, tmp_path / "killed", resume=True)
    whole = train(discs, SPEC, wanted, tmp_path / "whole")
    resumed, straight = killed.state().history, whole.state().history
    assert [row["epoch"] for row in resumed] == [1, 2, 3]
    assert resumed[0] == state["history"][0]
    for key in ("loss", "val_loss"):
        np.testing.assert_allclose(
            [row[key] for row in resumed], [row[key] for row in straight], rtol=2e-3
        )
    with h5py.File(killed.last_weights(killed.state())) as file:
        assert file["optimizer/vars/0"][()] == 3 * 6
    assert len((tmp_path / "killed" / "history.csv").read_text().splitlines()) == 4
