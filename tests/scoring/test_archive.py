"""An archive is scored once, whatever ends the run on the way."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import psutil
import pyarrow.parquet as pq
import pytest
from filelock import FileLock

from tests.conftest import ROOT
from tests.scoring import fake
from xraycore.errors import ArgumentError, JobError
from xraycore.scoring.setup import ScoringSetup
from xraycore.scoring.shards import FOLDER
from xraycore.utils.files import PART


def rows(folder):
    """File of a shard -> its rows."""
    return {
        file.name: pq.read_table(file) for file in sorted((folder / FOLDER).glob("part-*.parquet"))
    }


def test_a_row_says_what_the_network_says_of_its_film(tmp_path):
    files = fake.write_films(tmp_path / "films", 3)
    (tmp_path / "films" / "film-0001.png").write_bytes(b"no film")
    found = fake.score(tmp_path / "films", tmp_path / "out")
    (table,) = rows(tmp_path / "out").values()
    first, broken, third = table.to_pylist()
    assert [row["film"] for row in (first, broken, third)] == [str(file) for file in files]
    assert broken["model"] is None
    assert "film-0001.png: expected" in broken["error"]
    assert first["model"] == "basic_cnn"
    assert first["width"], first["height"] == (32, 40)
    assert first["p_Normal"] + first["p_Bacterial pneumonia"] + first["p_Viral pneumonia"] == (
        pytest.approx(1, abs=1e-6)
    )
    assert first["opacity_probability"] == pytest.approx(1 - first["p_Normal"], abs=1e-6)
    assert first["opacity"] == ("opacity" if first["opacity_probability"] >= 0.5 else "none")
    assert 0.3 < first["heat_in_lungs"] < 1
    assert first["unlike"] == 0.5
    assert first["warnings"] == ["small"]
    assert (found["films"], found["unread"], found["warnings"]) == (3, 1, {"small": 2})


def test_what_is_kept_has_a_row_a_film_and_nothing_for_a_broken_one(tmp_path):
    fake.write_films(tmp_path / "films", 3)
    (tmp_path / "films" / "film-0001.png").write_bytes(b"no film")
    setup = ScoringSetup(fake.SETUP.networks, "c" * 64, keep=("features", "maps"))
    fake.score(tmp_path / "films", tmp_path / "out", setup=setup)
    features, maps = (
        np.load(tmp_path / "out" / FOLDER / f"part-000001.{kept}.basic_cnn.npy")
        for kept in ("features", "maps")
    )
    assert features.shape == (3, 3)
    assert maps.shape == (3, 7, 7)
    assert np.isnan(features[1]).all() and np.isnan(maps[1]).all()
    assert np.isfinite(features[[0, 2]]).all()
    (table,) = rows(tmp_path / "out").values()
    logits = 4 * features[0]
    assert table["p_Normal"][0].as_py() == pytest.approx(
        np.exp(logits[0]) / np.exp(logits).sum(), rel=1e-5
    )


def test_a_run_killed_three_times_ends_as_an_undisturbed_one(tmp_path):
    fake.write_films(tmp_path / "films", 40)
    (tmp_path / "films" / "film-0013.png").write_bytes(b"no film")
    undisturbed = fake.score(tmp_path / "films", tmp_path / "one", shards=8)
    killed = tmp_path / "other"
    command = [sys.executable, "-m", "tests.scoring.fake", tmp_path / "films", killed, "8"]
    for done in (1, 3, 5):
        with subprocess.Popen(command, cwd=ROOT) as process:
            deadline = time.monotonic() + 60
            while len(rows(killed)) < done and time.monotonic() < deadline:
                time.sleep(0.02)
            process.send_signal(signal.SIGKILL)
        assert done <= len(rows(killed)) < 8
    (killed / FOLDER / f"{PART}0000.part-000007.parquet").write_bytes(b"half a shard")
    modified = {file: file.stat().st_mtime_ns for file in (killed / FOLDER).glob("part-*.parquet")}
    assert fake.score(tmp_path / "films", killed, shards=8) == undisturbed
    assert rows(killed) == rows(tmp_path / "one")
    assert not list((killed / FOLDER).glob(f"{PART}*"))
    assert len(rows(killed)) == 8
    for file, before in modified.items():
        assert file.stat().st_mtime_ns == before, "a shard was written twice"


def test_a_list_that_has_grown_costs_the_new_films_only(tmp_path):
    fake.write_films(tmp_path / "films", 6)
    fake.score(tmp_path / "films", tmp_path / "out", shards=2)
    before = rows(tmp_path / "out")
    for file in (tmp_path / "films").iterdir():
        file.write_bytes(b"no film any more")
    fake.write_films(tmp_path / "films", 4, first=6)
    found = fake.score(tmp_path / "films", tmp_path / "out")
    after = rows(tmp_path / "out")
    assert {name: after[name] for name in before} == before
    (new,) = after.keys() - before.keys()
    assert [os.path.basename(row) for row in after[new]["film"].to_pylist()] == [
        f"film-{number:04d}.png" for number in range(6, 10)
    ]
    assert (found["films"], found["unread"]) == (10, 0)


def test_another_setup_is_not_mixed_with_the_first(tmp_path):
    fake.write_films(tmp_path / "films", 2)
    fake.score(tmp_path / "films", tmp_path / "out")
    other = ScoringSetup(fake.SETUP.networks, "c" * 64, error_rate=0.1)
    with pytest.raises(ArgumentError, match=r"error_rate none, now 0\.1"):
        fake.score(tmp_path / "films", tmp_path / "out", setup=other)


def test_two_processes_do_not_score_into_one_folder(tmp_path):
    fake.write_films(tmp_path / "films", 1)
    (tmp_path / "out").mkdir()
    with FileLock(tmp_path / "out" / ".lock"), pytest.raises(JobError, match="another process"):
        fake.score(tmp_path / "films", tmp_path / "out")


def test_an_archive_without_films_is_said(tmp_path):
    (tmp_path / "films").mkdir()
    with pytest.raises(ArgumentError, match="expected films. Received: none"):
        fake.score(tmp_path / "films", tmp_path / "out")


def test_memory_does_not_grow_with_the_archive(tmp_path):
    (film,) = fake.write_films(tmp_path / "films", 1)
    listed = tmp_path / "list.csv"
    listed.write_text("uid,path\n" + "".join(f"{n:06d},{film}\n" for n in range(3000)))
    own, held = psutil.Process(), []

    class Watched:
        def run(self, function, tasks):
            for number, task in enumerate(tasks):
                yield function(*task)
                if number in (9, 29):
                    held.append(own.memory_info().rss)

    fake.score(listed, tmp_path / "out", shards=30, engine=Watched())
    first, last = held
    assert last < 1.1 * first
