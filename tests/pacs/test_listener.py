"""Films by C-STORE: what was acknowledged is never lost, and nobody sends what he may not."""

import os
import signal
import socket
import struct
import subprocess
import sys
import time

import pytest

from tests.conftest import ROOT
from tests.pacs.orthanc import as_file, free_port, make_film
from xraycore.access.connections import Connection, NamedConnection
from xraycore.errors import JobError, PacsError, RadiographError, StorageError
from xraycore.pacs import listener as listening
from xraycore.pacs.dimse import echo, send
from xraycore.pacs.listener import Listener
from xraycore.pacs.spool import Spool
from xraycore.pacs.worker import SpoolWorker

STUDY = "1.2.826.7"


def films(count, *, start=0):
    """Tiny films of one study, each another object."""
    found = []
    for number in range(start, start + count):
        film = make_film(study=STUDY, size=32, seed=0)
        film.SOPInstanceUID = film.file_meta.MediaStorageSOPInstanceUID = f"{STUDY}.{number}"
        found.append(film)
    return found


def sender(port, calling="TESTS", called="XRAYCORE"):
    to = Connection(host="127.0.0.1", port=port, called_aet=called, calling_aet=calling, seconds=10)
    return NamedConnection(name="us", to=to)


@pytest.fixture
def spool(tmp_path):
    made = Spool(tmp_path / "spool", 1)
    yield made
    made.close()


@pytest.fixture
def port(spool):
    running = Listener(spool, port=0, senders=("TESTS",))
    yield running.start()
    running.stop()


def test_a_film_that_is_acknowledged_is_on_the_disk_as_it_was_sent(spool, port):
    (film,) = films(1)
    echo(sender(port))
    send(sender(port), [film])
    (file,) = spool.received()
    from pydicom import dcmread

    kept = dcmread(file)
    assert (kept.SOPInstanceUID, kept.PatientName) == (film.SOPInstanceUID, film.PatientName)
    assert kept.PixelData == film.PixelData
    assert file.stat().st_mode & 0o077 == 0 or (file.parent.stat().st_mode & 0o077) == 0
    # Sent again, it is one film.
    send(sender(port), [film])
    assert spool.received() == [file]


@pytest.mark.parametrize("names", [{"calling": "STRANGER"}, {"called": "ANOTHER"}])
def test_strangers_are_refused(spool, port, names):
    with pytest.raises(PacsError, match=r"a refusal \(.* not recogni[sz]ed\)"):
        send(sender(port, **names), films(1))
    assert not spool.received()


def test_what_is_no_radiograph_is_refused(spool, port):
    capture = films(1)[0]
    capture.SOPClassUID = capture.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
    with pytest.raises(PacsError):
        send(sender(port), [capture])
    assert not spool.received()


def test_a_full_spool_refuses_and_says_that_it_is_for_now(spool, port, caplog):
    spool.most_gb = 1e-6
    with pytest.raises(PacsError, match="status A700h"):
        send(sender(port), films(1))
    assert not spool.received() and "no room for" in caplog.text
    spool.most_gb = 1
    send(sender(port), films(1))
    assert len(spool.received()) == 1


def test_more_bytes_than_a_film_may_have_end_the_connection(spool, port, caplog, monkeypatch):
    # Announced by who has not even said who he is.
    with socket.create_connection(("127.0.0.1", port), timeout=10) as stranger:
        stranger.sendall(struct.pack(">BBL", 1, 0, 2**31) + b"\0" * 1000)
        stranger.settimeout(10)
        # It is told to go (an A-ABORT), or finds the connection closed.
        assert stranger.recv(100)[:1] in (b"", b"\x07")
    deadline = time.monotonic() + 10
    while "cut off" not in caplog.text and time.monotonic() < deadline:
        time.sleep(0.01)
    assert "cut off" in caplog.text
    # And in small pieces by a known sender.
    monkeypatch.setattr(listening, "MAX_BYTES", 1000)
    monkeypatch.setattr(listening, "_MAX_PDU", 100_000)
    large = films(1)[0]
    large.PixelData = large.PixelData * 200
    with pytest.raises(PacsError):
        send(sender(port), [large])
    assert not spool.received()
    # Others are served on.
    monkeypatch.undo()
    send(sender(port), films(1))
    assert len(spool.received()) == 1


def test_who_connects_and_says_nothing_does_not_keep_others_out(spool, port):
    silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(8)]
    try:
        send(sender(port), films(1))
    finally:
        for one in silent:
            one.close()
    assert len(spool.received()) == 1


def test_one_process_works_in_a_spool(spool):
    with pytest.raises(JobError, match="another process works in this spool"):
        Spool(spool.folder, 1)


def test_a_film_that_cannot_be_scored_is_put_aside_with_why(spool, caplog):
    spool.receive("1.2.1", b"bad")
    spool.receive("1.2.2", b"worse")

    def score(data, name):
        if data == b"bad":
            raise RadiographError.of(name, expected="a film", received="none")
        raise ZeroDivisionError

    SpoolWorker(spool, score, None).work()
    assert (spool.count().received, spool.count().failed) == (0, 2)
    why = " ".join(file.read_text() for file in (spool.folder / "failed").glob("*.txt"))
    assert "expected a film; received none" in why and "a fault of xraycore itself, F" in why


def test_a_pacs_that_refuses_gets_objects_later_and_each_once(spool, caplog):
    from tests.pacs.receiver import score

    for film in films(2):
        spool.receive(film.SOPInstanceUID, as_file(film))
    taken, refused = [], [True]

    def store(objects):
        if refused and len(taken) == 1:
            raise PacsError("pacs: asked for storing; received no connection.")
        taken.extend(one.SOPInstanceUID for one in objects)

    worker = SpoolWorker(spool, score, store, first_wait=0.05)
    worker.work()
    assert len(taken) == 1 and spool.count().outgoing == 1
    refused.clear()
    worker.work()
    assert len(taken) == 1  # Not before its time.
    time.sleep(0.06)
    worker.work()
    assert len(taken) == len(set(taken)) == 2
    assert spool.count().done == 2 and not spool.count().outgoing
    # A film that is done is not scored again.
    spool.receive(films(1)[0].SOPInstanceUID, b"")
    assert not spool.received()


def test_a_full_disk_is_no_end(spool, monkeypatch):
    with pytest.raises(StorageError, match="no room"):
        monkeypatch.setenv("XRAYCORE_LIMITS", "free_gb=1e9")
        spool.receive("1.2", b"film")


@pytest.mark.parametrize("step", ["while it scores", "before the film is taken away"])
def test_a_kill_between_two_steps_loses_nothing(spool, step, monkeypatch):
    from tests.pacs.receiver import score

    (film,) = films(1)
    spool.receive(film.SOPInstanceUID, as_file(film))

    class Killed(BaseException):
        pass

    def kill(*_):
        raise Killed

    if step == "while it scores":
        monkeypatch.setattr("xraycore.pacs.spool.sync", kill)
    else:
        monkeypatch.setattr(spool, "_drop", kill)
    with pytest.raises(Killed):
        SpoolWorker(spool, score, None).work()
    monkeypatch.undo()
    spool.close()
    again = Spool(spool.folder, 1)
    assert again.count().received == 1
    sent = []
    SpoolWorker(again, score, sent.extend).work()
    again.close()
    assert len(sent) == 1 and again.count().done == 1


def test_a_listener_that_is_killed_three_times_loses_no_film(orthanc, pacs_settings, tmp_path):
    """Films come, it is killed while it scores and writes back; in the end PACS has all objects."""
    port, folder = free_port(), tmp_path / "spool"
    command = [sys.executable, "-m", "tests.pacs.receiver", str(folder), str(port), "archive"]
    environment = os.environ | {"SCORE_SECONDS": "0.03", "PYTHONPATH": str(ROOT)}
    acknowledged = []

    def start():
        return subprocess.Popen(command, cwd=ROOT, env=environment)

    def wait_for(count):
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            found = {one.rpartition("about ")[2] for one in map(_comment, orthanc.files("OT"))}
            if len(found) >= count:
                return found
            time.sleep(0.1)
        return set()

    for turn in range(3):
        running = start()
        try:
            for film in films(5, start=5 * turn):
                deadline = time.monotonic() + 30
                while time.monotonic() < deadline:
                    try:
                        send(sender(port), [film])
                        acknowledged.append(film.SOPInstanceUID)
                        break
                    except PacsError:  # It is not up yet.
                        time.sleep(0.05)
        finally:
            running.send_signal(signal.SIGKILL)
            running.wait(timeout=20)
        if turn == 1:
            # The PACS dies too, and comes back while films wait for it.
            orthanc.kill()
    assert len(acknowledged) == 15
    running = start()
    try:
        time.sleep(0.5)
        orthanc.start()
        assert wait_for(15) == set(acknowledged)
    finally:
        running.kill()
        running.wait(timeout=20)


def _comment(data: bytes) -> str:
    from io import BytesIO

    from pydicom import dcmread

    return str(dcmread(BytesIO(data), stop_before_pixels=True).get("ImageComments", ""))
