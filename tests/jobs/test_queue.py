"""Jobs of one computer wait for their turn in one queue."""

import os
import subprocess
import sys
import threading

import pytest

from tests.conftest import ROOT
from tests.jobs.test_process import STAND_IN, wait_for
from xraycore.errors import Cancelled, JobError
from xraycore.jobs import process as jobs
from xraycore.jobs.process import launch, status, stop
from xraycore.jobs.queue import (
    EVALUATION,
    TRAINING,
    Place,
    add_ticket,
    leave,
    list_tickets,
    place_of,
    turn,
)
from xraycore.training.runs import run_status


@pytest.fixture(autouse=True)
def queue(tmp_path, monkeypatch):
    """A queue of this test; its jobs end with it."""
    monkeypatch.setenv("XRAYCORE_STATE", str(tmp_path))
    monkeypatch.setattr(jobs, "COMMAND", STAND_IN)
    yield tmp_path / "queue"
    for folder in tmp_path.glob("job*"):
        stop(folder, at_once=True)


def ticket(kind=TRAINING, user="", **about):
    return add_ticket(os.getpid, kind, user, **about)


def start(folder, user="", epochs=60, expected=None):
    arguments = ["train", "films", "--epochs", str(epochs), "--out", str(folder)]
    launch(folder, arguments, {"STAND_IN_PAUSE": "0.1"}, user=user, expected=expected)


def test_a_second_training_waits_and_begins_when_the_first_has_ended(tmp_path):
    first, second = tmp_path / "job-1", tmp_path / "job-2"
    start(first, "ada")
    wait_for(first, lambda now: now.epoch >= 1)
    start(second, "bob", epochs=2)
    now = wait_for(second, lambda now: now.phase == "waiting" and now.place.seconds is not None)
    assert now.alive
    assert (now.place.ahead, str(now.place)) == (0, "next")
    # The first one says how long it still takes.
    assert 0 < now.place.seconds < 60
    assert run_status(second).phase == "waiting"
    stop(first, at_once=True)
    assert wait_for(second, lambda now: not now.alive).phase == "finished"


def test_who_waits_outlives_the_app_and_waits_behind_those_of_other_apps(tmp_path):
    first, second = tmp_path / "job-1", tmp_path / "job-2"
    start(first, "ada")
    # Another app's process, which ends at once.
    subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; from xraycore.jobs import process as jobs; "
            f"jobs.COMMAND = {STAND_IN!r}; "
            f"jobs.launch({str(second)!r}, ['train', 'films', '--epochs', '2'"
            f", '--out', {str(second)!r}], user='bob')",
        ],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
    )
    assert wait_for(second, lambda now: now.phase == "waiting").place.ahead == 0
    stop(first, at_once=True)
    assert wait_for(second, lambda now: not now.alive).phase == "finished"


def test_one_who_waits_can_be_stopped_and_the_queue_closes_up(tmp_path):
    folders = [tmp_path / f"job-{n}" for n in range(3)]
    for number, folder in enumerate(folders):
        start(folder, f"user {number}", epochs=60 if number == 0 else 1)
    assert wait_for(folders[2], lambda now: now.phase == "waiting").place.ahead == 1
    stop(folders[1])
    assert wait_for(folders[1], lambda now: not now.alive).phase == "stopped"
    assert not (folders[1] / "run.json").exists()
    assert status(folders[2]).place.ahead == 0


def test_kinds_have_turns_of_their_own_and_a_user_has_one(monkeypatch):
    monkeypatch.setenv("XRAYCORE_LIMITS", "evaluations=2")
    training, ours, other, bobs, last = (
        ticket(TRAINING, "ada"),
        ticket(EVALUATION, "ada"),
        ticket(EVALUATION, "ada"),
        ticket(EVALUATION, "bob"),
        ticket(EVALUATION, "cleo"),
    )
    # Bob's goes before Ada's second, who asked earlier.
    assert [place_of(one) for one in (training, ours, bobs)] == [None, None, None]
    assert (place_of(other), place_of(last)) == (Place(0), Place(1))
    leave(bobs)
    # Ada has her turn still.
    assert (place_of(other), place_of(last)) == (Place(1), Place(0, 0.0))
    leave(ours)
    assert place_of(other) == Place(0, 0.0)


def test_when_a_turn_comes_is_reckoned_from_what_was_expected():
    ticket(user="a", expected=100.0)
    second, third = ticket(user="b", expected=50.0), ticket(user="c")
    last = ticket(user="d")
    assert place_of(second).seconds == pytest.approx(100, abs=3)
    assert place_of(third, left=lambda one: 10.0) == Place(1, 60.0)
    # How long the third takes is not known.
    assert place_of(last) == Place(2, None)


def test_of_one_user_a_few_jobs_may_wait(monkeypatch):
    monkeypatch.setenv("XRAYCORE_LIMITS", "waiting=2")
    for _ in range(3):
        ticket(user="ada")
    with pytest.raises(JobError, match="2 jobs of yours wait for their turn already"):
        ticket(user="ada")
    assert ticket(user="bob").number == 4


def test_tickets_of_processes_that_are_gone_and_files_of_others_count_for_nothing(queue):
    ended = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    add_ticket(lambda: ended.pid, TRAINING)
    (queue / "000009-x.json").write_text('{"pid": "none"}')
    mine = ticket()
    assert len(list_tickets()) == 2
    ended.communicate()
    assert list_tickets() == [mine]
    files = sorted(file.name[:6] for file in queue.glob("*.json"))
    assert files == ["000002", "000009"]


def test_work_in_the_app_takes_turns_too_and_says_that_it_waits():
    said, begun, go = [], threading.Event(), threading.Event()

    def work():
        with turn(EVALUATION, "ada", lambda progress: None):
            begun.set()
            go.wait(20)

    thread = threading.Thread(target=work)
    thread.start()
    assert begun.wait(10)

    def report(progress):
        said.append(progress.activity)
        if len(said) == 2:
            raise Cancelled

    with pytest.raises(Cancelled), turn(EVALUATION, "ada", report):
        raise AssertionError("It was not its turn.")
    assert said == ["waiting for its turn: next"] * 2
    assert len(list_tickets()) == 1
    go.set()
    thread.join()
    with turn(EVALUATION, "ada", report):
        assert len(list_tickets()) == 1
    assert list_tickets() == []
