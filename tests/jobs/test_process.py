import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import pytest

from tests.conftest import ROOT
from xraycore.errors import JobError
from xraycore.jobs import process as jobs
from xraycore.jobs.process import last_lines, launch, status, stop
from xraycore.jobs.recorder import recorded
from xraycore.jobs.records import read_record, write_record
from xraycore.training.run import Run
from xraycore.utils.progress import Progress, Speed

STAND_IN = (sys.executable, str(Path(__file__).with_name("stand_in.py")))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder to work in; whatever works there is ended after the test."""
    monkeypatch.setattr(jobs, "COMMAND", STAND_IN)
    monkeypatch.chdir(tmp_path)
    yield tmp_path / "job"
    stop(tmp_path / "job", at_once=True)


def arguments(folder, epochs):
    return ["train", "films", "--epochs", str(epochs), "--out", str(folder)]


def wait_for(folder, wanted, seconds=30):
    """The first status that is as wanted."""
    deadline = time.monotonic() + seconds
    while not wanted(now := status(folder)):
        assert time.monotonic() < deadline, now
        time.sleep(0.02)
    return now


def test_a_job_tells_how_far_it_is_and_ends(folder):
    assert status(folder).phase == "none"
    began = datetime.now()
    launch(folder, arguments(folder, 8), {"STAND_IN_PAUSE": "0.2"})
    now = wait_for(folder, lambda now: now.epoch >= 2)
    assert (now.phase, now.activity, now.epochs) == ("running", "all", 8)
    assert 1 / 8 < now.done <= 1
    assert now.loss == pytest.approx(1 / now.epoch)
    assert abs((now.began - began).total_seconds()) < 10
    ended = wait_for(folder, lambda now: not now.alive)
    assert (ended.phase, ended.done, ended.error) == ("finished", 1.0, None)
    assert Run(folder).state().total_epochs == 8


def test_progress_is_written_a_few_times_a_second_at_most(tmp_path, monkeypatch):
    written = []
    monkeypatch.setattr(
        "xraycore.jobs.recorder.write_json", lambda file, data, **_: written.append(data["done"])
    )
    with recorded(tmp_path) as record:
        for batch in range(500):
            record(Progress(batch / 500, "all", 1, 1, 1.0, batch, 500))
    # The first one, the end, and what may fall into the time that 500 calls take.
    assert 2 <= len(written) < 20
    assert written[0] == 0.0
    assert written[-1] == 499 / 500


def test_a_stopped_job_keeps_its_epochs_and_is_resumed(folder):
    launch(folder, arguments(folder, 12), {"STAND_IN_PAUSE": "0.1"})
    wait_for(folder, lambda now: now.epoch >= 3)
    stop(folder)
    assert status(folder).phase in ("stopping", "stopped")
    ended = wait_for(folder, lambda now: not now.alive)
    assert (ended.phase, ended.error) == ("stopped", None)
    kept = Run(folder).state().total_epochs
    assert 2 <= kept < 12
    launch(folder, [*arguments(folder, 12), "--resume"])
    assert wait_for(folder, lambda now: not now.alive).phase == "finished"
    epochs = [row["epoch"] for row in Run(folder).state().history]
    assert epochs == list(range(1, 13))


def test_a_killed_job_says_so_and_is_resumed(folder):
    launch(folder, arguments(folder, 12), {"STAND_IN_PAUSE": "0.1"})
    wait_for(folder, lambda now: now.epoch >= 3)
    os.kill(read_record(folder)["pid"], signal.SIGKILL)
    ended = wait_for(folder, lambda now: not now.alive)
    assert (ended.phase, ended.error) == ("failed", jobs.VANISHED)
    launch(folder, [*arguments(folder, 12), "--resume"])
    assert wait_for(folder, lambda now: not now.alive).phase == "finished"
    assert [row["epoch"] for row in Run(folder).state().history] == list(range(1, 13))


def test_a_mistake_is_told_in_the_words_of_its_line(folder):
    launch(folder, ["train", "films", "--epochs", "many", "--out", str(folder)])
    ended = wait_for(folder, lambda now: not now.alive)
    assert (ended.phase, ended.error) == ("failed", "expected a number: many")
    # A run that is there already is left as it is, and its words are of the latest start only.
    launch(folder, arguments(folder, 1))
    assert wait_for(folder, lambda now: not now.alive).phase == "finished"
    assert last_lines(folder) == []
    launch(folder, arguments(folder, 1))
    ended = wait_for(folder, lambda now: not now.alive)
    assert ended.phase == "failed"
    assert "holds a run already: resume it" in ended.error
    assert Run(folder).state().stage == 1


def test_a_folder_says_nothing_of_what_is_launched_nor_where(tmp_path, monkeypatch):
    """Neither its job.json nor a package of our name in it is ever run."""
    folder, evil = tmp_path / "job", tmp_path / "job" / "xraycore"
    evil.mkdir(parents=True)
    for file in ("__init__.py", "__main__.py"):
        (evil / file).write_text("import pathlib; pathlib.Path('taken').touch()")
    job = {"pid": 1, "started": 0.0, "cwd": str(folder), "arguments": ["lr-find", "--help"]}
    (folder / "job.json").write_text(json.dumps(job))
    monkeypatch.chdir(folder)
    monkeypatch.delenv("PYTHONPATH", raising=False)
    with pytest.raises(JobError, match="one of the commands train, lr-find, ship. Received: 'eval"):
        launch(folder, ["evaluate", "films"])
    launch(folder, ["train", "--help"])
    assert wait_for(folder, lambda now: not now.alive).phase == "failed"  # It reported nothing.
    assert "Train a network on folders of films" in (folder / "output.txt").read_text()
    assert not (folder / "taken").exists()


def test_what_is_launched_gets_no_secret_of_the_server(tmp_path, monkeypatch):
    for name in ("XRAYCORE_OIDC_SECRET", "XRAYCORE_COOKIE_SECRET", "XRAYCORE_PROXY_SECRET"):
        monkeypatch.setenv(name, "s" * 40)
    monkeypatch.setenv("XRAYCORE_STATE", str(tmp_path / "state"))
    show = (sys.executable, "-c", "import os; print(*(f'{n}={v}' for n, v in os.environ.items()))")
    monkeypatch.setattr(jobs, "COMMAND", show)
    launch(tmp_path / "run", ["train"])
    while status(tmp_path / "run").alive:
        time.sleep(0.02)
    said = (tmp_path / "run" / "output.txt").read_text()
    assert f"PATH={os.environ['PATH']}" in said
    assert "s" * 40 not in said


def test_of_many_starts_at_once_one_is_made(folder):
    def attempt(_):
        try:
            launch(folder, arguments(folder, 50), {"STAND_IN_PAUSE": "0.2"})
        except JobError as error:
            return str(error)
        return "started"

    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(attempt, range(8)))
    assert said.count("started") == 1
    refused = next(text for text in said if text != "started")
    pid = read_record(folder)["pid"]
    assert f"process {pid} is at work here since" in refused
    # Nor does a process that somebody starts on the command line join in.
    with pytest.raises(JobError, match="at work here"), recorded(folder) as record:
        record(Progress(0.5, "all"))
    assert read_record(folder)["pid"] == pid


def test_another_process_of_the_same_number_is_not_taken_for_the_job(tmp_path):
    started = jobs.started_at(os.getpid())
    write_record(tmp_path, os.getpid(), started, [])
    assert status(tmp_path).phase == "running"
    write_record(tmp_path, os.getpid(), started + 1, [])
    assert (status(tmp_path).phase, status(tmp_path).error) == ("failed", jobs.VANISHED)
    # This process would not survive it.
    stop(tmp_path, at_once=True)


def test_a_process_that_ended_is_not_alive_though_nobody_took_note():
    process = subprocess.Popen([sys.executable, "-c", ""])
    assert jobs.started_at(process.pid)
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert jobs.started_at(process.pid) is None
    process.wait()
    assert jobs.started_at(process.pid) is None


def test_a_job_outlives_all_processes_of_who_started_it(folder):
    starter = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys, time; from xraycore.jobs import process as jobs; "
            f"jobs.COMMAND = {STAND_IN!r}; jobs.launch({str(folder)!r}, sys.argv[1:]); "
            "time.sleep(60)",
            *arguments(folder, 30),
        ],
        env={**os.environ, "PYTHONPATH": str(ROOT), "STAND_IN_PAUSE": "0.1"},
        start_new_session=True,
    )
    wait_for(folder, lambda now: now.epoch >= 1)
    os.killpg(starter.pid, signal.SIGKILL)
    starter.wait()
    epoch = status(folder).epoch
    assert wait_for(folder, lambda now: now.epoch > epoch + 1).phase == "running"


def test_a_run_of_the_command_line_is_followed_from_its_first_report(tmp_path):
    with recorded(tmp_path, ["train", "/films"]) as record:
        assert status(tmp_path).phase == "none"
        record(Progress(0.25, "reading films"))
        now = status(tmp_path)
        assert (now.phase, now.activity, now.done) == ("running", "reading films", 0.25)
    assert read_record(tmp_path)["arguments"] == ["train", "/films"]
    told = json.loads((tmp_path / "progress.json").read_text())
    assert told["end"] == "finished"


def test_sigterm_ends_the_work_at_its_next_report(tmp_path):
    before = signal.getsignal(signal.SIGTERM)
    done = []
    with pytest.raises(KeyboardInterrupt), recorded(tmp_path) as record:
        record(Progress(0.1, "all"))
        os.kill(os.getpid(), signal.SIGTERM)
        done.append("saved")
        record(Progress(0.2, "all"))
        done.append("never")
    assert done == ["saved"]
    assert json.loads((tmp_path / "progress.json").read_text())["end"] == "stopped"
    assert signal.getsignal(signal.SIGTERM) is before


def test_an_error_is_kept_with_its_kind(tmp_path):
    with pytest.raises(ZeroDivisionError), recorded(tmp_path) as record:
        record(Progress(0.5, "all", loss=float("nan")))
        1 / 0  # noqa: B018
    told = json.loads((tmp_path / "progress.json").read_text())
    assert (told["end"], told["error"]) == ("failed", "ZeroDivisionError: division by zero")
    assert told["loss"] is None


def test_films_a_second_are_those_of_the_epoch():
    speed = Speed(iter([0.0, 2.0, 4.0, 9.0, 10.0]).__next__)
    assert speed(8) is None
    assert speed(16) == pytest.approx(8 / 2)
    assert speed(40) == pytest.approx(32 / 4)
    # Five seconds of validation lie between the epochs: the speed stays, and starts anew.
    assert speed(8) == pytest.approx(8)
    assert speed(28) == pytest.approx(20)
