import sys
from types import ModuleType

import pytest

from tests.reader_study.writers import (
    PROCESSES,
    SAVES,
    open_once,
    run_all,
    save_many,
    save_until_killed,
)
from xraycore.reader_study import Answer

pytestmark = pytest.mark.slow

WRITERS = 8


@pytest.fixture(autouse=True)
def own_main(monkeypatch):
    """A new process imports the main module, in whose place tests of pages have left a page."""
    monkeypatch.setitem(sys.modules, "__main__", ModuleType("__main__"))


def test_eight_processes_lose_nothing(reviews, url, heatmaps):
    """Two save for each reader, so that they get into each other's way on the same heatmaps."""
    study = reviews.create_study("Pilot", heatmaps)
    writers = [(url, name) for name in "AABBCCDD"]
    assert run_all(save_many, writers) == [0] * WRITERS
    assert [reader.name for reader in reviews.readers()] == list("ABCD")
    stored, seconds = [], 0.0
    for reader in reviews.readers():
        for entry in reviews.worklist(reader, study):
            versions = reviews.history(reader, entry.item)
            assert [one.version for one in versions] == list(range(1, len(versions) + 1))
            stored += [one.answer.comment for one in versions]
            seconds += versions[-1].seconds
    said = [f"{name} {turn}" for _, name in writers for turn in range(SAVES)]
    assert sorted(stored) == sorted(said)
    assert seconds == WRITERS * SAVES


def test_eight_processes_make_one_database_and_one_reader(url, request):
    assert run_all(open_once, [(url,)] * WRITERS) == [0] * WRITERS
    assert [reader.name for reader in request.getfixturevalue("reviews").readers()] == ["Ada"]


def test_a_killed_process_loses_nothing_that_was_stored(reviews, url, heatmaps):
    study = reviews.create_study("Pilot", heatmaps)
    receiver, sender = PROCESSES.Pipe(duplex=False)
    process = PROCESSES.Process(target=save_until_killed, args=(url, sender))
    process.start()
    sender.close()
    versions = [receiver.recv() for _ in range(20)]
    process.kill()
    process.join()
    while receiver.poll():
        try:
            versions.append(receiver.recv())
        except EOFError:
            break
    receiver.close()
    reader = reviews.add_reader("Ada")
    entry = reviews.worklist(reader, study)[0]
    stored = [one.version for one in reviews.history(reader, entry.item)]
    # One more may be stored that the process had no time to tell of.
    assert stored[: len(versions)] == versions
    assert len(stored) <= len(versions) + 1
    assert reviews.save_draft(reader, entry.item, Answer()).version == len(stored) + 1
