"""Tests that are collected once and run in processes of their own, each with another fault."""

import gc
import os
import resource
import shutil
import tempfile
import traceback
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from importlib.machinery import SourceFileLoader
from itertools import count, pairwise
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

import pytest

from tools.mutate.faults import ROOT

BROKEN = 70  # Exit code of a process that could not even begin.
# Standard output goes to the process's log: what pytest captures, processes would share.
OPTIONS = ("-q", "-x", "-s", "-p", "no:cacheprovider", "-p", "no:xdist")


def cpu_seconds() -> float:
    """Of this process and the children that it has waited for."""
    return sum(os.times()[:4])


class Watch:
    """Notes the test that runs, and ends a process where one takes far longer than it should."""

    def __init__(self, scratch: Path, seconds: dict[str, float]):
        self.note, self.seconds = scratch / "test", seconds

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Around a test."""
        self.note.write_text(item.nodeid)
        # A shared fixture may be made by another test than in the run that took the times.
        limit = int(cpu_seconds() + 30 + 5 * self.seconds.get(item.nodeid, 0))
        resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.RLIM_INFINITY))
        return (yield)


class Collected:
    """Does its work with the tests that pytest has collected, in the place of running them."""

    def __init__(self, work: Callable[[dict[str, pytest.Item]], None]):
        self.work = work

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Instead of running them."""
        self.work({item.nodeid: item for item in session.items})
        return True


def run_items(items: Iterable[pytest.Item], failed: Callable[[pytest.Item], bool]) -> None:
    """Run collected tests until one has failed and `failed` says that this is enough."""
    for item, following in pairwise([*items, None]):
        before = item.session.testsfailed
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        if item.session.testsfailed > before and failed(item):
            return


def in_children(
    jobs: Iterable[tuple[Any, Callable[[Path], int]]],
    done: Callable[[Any, int | None, str], None],
    folder: Path,
    processes: int,
) -> None:
    """Do each job in a process of its own, given a folder that goes with it.

    `done` gets a job's key, its exit code (None where it was ended) and the last test it began.
    """
    running, numbers = {}, count()

    def finish() -> None:
        pid, status = os.wait()
        key, scratch = running.pop(pid)
        note, log = scratch / "test", scratch / "log"
        test = note.read_text() if note.exists() else ""
        code = None if os.WIFSIGNALED(status) else os.waitstatus_to_exitcode(status)
        if code == BROKEN:
            raise RuntimeError(f"{key}: see {log}")
        shutil.rmtree(scratch)
        done(key, code, test)

    for key, work in jobs:
        if len(running) == processes:
            finish()
        scratch = folder / f"{os.getpid()}-{next(numbers)}"
        scratch.mkdir(parents=True)
        running[_child(work, scratch)] = (key, scratch)
    while running:
        finish()


def _child(work: Callable[[Path], int], scratch: Path) -> int:
    if pid := os.fork():
        return pid
    code = BROKEN
    try:
        tempfile.tempdir = str(scratch)
        os.environ["XRAYCORE_CACHE"] = str(scratch / "cache")
        log = os.open(scratch / "log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(log, 1)
        os.dup2(log, 2)
        code = int(work(scratch))
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def live_functions() -> dict[tuple[str, str, int], list[FunctionType]]:
    """The library's functions that there are, by file, name and line."""
    found = defaultdict(list)
    for thing in gc.get_objects():
        if type(thing) is FunctionType and thing.__code__.co_filename.startswith(str(ROOT)):
            found[_place(thing.__code__)].append(thing)
    return found


def _place(code: CodeType) -> tuple[str, str, int]:
    return code.co_filename, code.co_qualname, code.co_firstlineno


def put_in(code: CodeType, live: dict[tuple[str, str, int], list[FunctionType]]) -> None:
    """Have a changed module's functions compute what its code says, imported already or not."""
    load = SourceFileLoader.get_code
    SourceFileLoader.get_code = lambda self, name: (
        code if self.path == code.co_filename else load(self, name)
    )
    inner = [code]
    while inner:
        new = inner.pop()
        inner += [const for const in new.co_consts if isinstance(const, CodeType)]
        for function in live.get(_place(new), ()):
            if function.__code__ != new:
                function.__code__ = new
