"""What other processes do to a database in the tests."""

import multiprocessing
from collections.abc import Callable
from multiprocessing.connection import Connection

from xraycore.reader_study import Answer, ReaderStudyRepository, open_database

# Processes that start fresh, as those of a server do, but import the library once for all.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["tests.reader_study.writers"])
SAVES = 200


def save_many(url: str, name: str) -> None:
    """200 saves of one reader, spread over the worklist of the first study."""
    reviews = ReaderStudyRepository(open_database(url))
    reader = reviews.add_reader(name)
    items = [entry.item for entry in reviews.worklist(reader, reviews.studies()[0])]
    for turn in range(SAVES):
        answer = Answer("agree", 3, comment=f"{name} {turn}")
        reviews.save_review(reader, items[turn % len(items)], answer, seconds=1)


def open_once(url: str) -> None:
    """Opens the database, and makes the same reader as the others do."""
    ReaderStudyRepository(open_database(url)).add_reader("Ada")


def save_until_killed(url: str, told: Connection) -> None:
    """Drafts without end; the number of each is told once it is stored."""
    reviews = ReaderStudyRepository(open_database(url))
    reader = reviews.add_reader("Ada")
    item = reviews.worklist(reader, reviews.studies()[0])[0].item
    while True:
        told.send(reviews.save_draft(reader, item, Answer(comment="x" * 2000)).version)


def run_all(work: Callable, arguments: list[tuple]) -> list[int]:
    """Exit codes of processes that run at once."""
    processes = [PROCESSES.Process(target=work, args=each) for each in arguments]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    return [process.exitcode for process in processes]
