"""Whose turn it is: jobs wait in one queue, whichever app of this computer started them.

In the queue's folder lies a ticket a job, numbered in the order in which they were asked for.
Whoever waits looks for himself whether it is his turn: no process hands out turns that could end. A
ticket whose process is gone counts for nothing.
"""

import os
import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock
from pydantic import ConfigDict

from xraycore.config import limits, state_folder
from xraycore.errors import JobError
from xraycore.jobs.identity import started_at
from xraycore.utils.files import make_private_folder, write_json
from xraycore.utils.progress import Progress, ProgressCallback
from xraycore.utils.stored import Stored, read_stored
from xraycore.utils.text import pluralise

TRAINING, EVALUATION = "training", "evaluation"
# Seconds between two looks.
PAUSE = 0.5


class Ticket(Stored):
    """A place in the queue.

    Attributes:
        number: In the order of asking.
        token: Of this ticket and no other.
        pid: The process that works, or waits to.
        started: When that process began, see `started_at`.
        kind: `TRAINING` or `EVALUATION`.
        user: `xraycore.access.User.id` of who asked; "" for the one user of a computer.
        expected: Seconds of the work; None where not known.
        folder: Where the job says how far it is; "" of work in an app's own process.
        began: When its turn came, in seconds since 1970; None while it waits.
    """

    number: int
    token: str
    pid: int
    started: float
    kind: str
    user: str = ""
    expected: float | None = None
    folder: str = ""
    began: float | None = None

    model_config = ConfigDict(frozen=True, extra="ignore")


@dataclass(frozen=True)
class Place:
    """Where somebody stands in the queue.

    Attributes:
        ahead: Jobs that will begin before it.
        seconds: Until its turn, about; None where that is not known.
    """

    ahead: int
    seconds: float | None = None

    def __str__(self) -> str:
        if not self.ahead:
            return "next"
        return f"{pluralise(self.ahead, 'job')} before it"


def add_ticket(
    start: Callable[[], int],
    kind: str,
    user: str = "",
    *,
    expected: float | None = None,
    folder: str = "",
) -> Ticket:
    """A place at the end of the queue; where nobody is in the way, its turn has come.

    Args:
        start: Gives the number of the process that will wait; it may start it, and that will not
            see the queue before it has its place in it.
        kind: See `Ticket`, as what follows.
        user: Who asks.
        expected: Seconds.
        folder: Of the job.

    Raises:
        JobError: If as many jobs of this user wait as may.
    """
    most = limits().waiting
    with _lock():
        tickets = _living()
        waiting = sum(one.user == user and one.began is None for one in tickets)
        if waiting >= most:
            raise JobError(
                f"{pluralise(waiting, 'job')} of yours wait for their turn already, and at most "
                f"{most} may. Stop one, or wait until one has begun."
            )
        pid = start()
        ticket = Ticket(
            number=1 + max((one.number for one in tickets), default=0),
            token=secrets.token_hex(8),
            pid=pid,
            started=started_at(pid) or 0.0,
            kind=kind,
            user=user,
            expected=expected,
            folder=folder,
        )
        if ticket in _next([*tickets, ticket]):
            ticket = _begun(ticket)
        _write(ticket)
    return ticket


def find_ticket(pid: int) -> Ticket | None:
    """The ticket that was drawn for a process; None where there is none."""
    mine = (one for one in list_tickets() if one.pid == pid and one.folder)
    return max(mine, key=lambda one: one.number, default=None)


def list_tickets() -> list[Ticket]:
    """Who works and who waits, in the order of asking."""
    if not _folder().is_dir():
        return []
    with _lock():
        return _living()


def wait_for_turn(ticket: Ticket, waiting: Callable[[Place], None]) -> None:
    """Returns when it is the ticket's turn, and takes it.

    Args:
        ticket: Of `add_ticket`.
        waiting: Called twice a second meanwhile; what it raises ends the waiting.
    """
    while True:
        with _lock():
            tickets = _living()
            now = next((one for one in tickets if one.token == ticket.token), None)
            if now is None or now.began is not None:
                return  # None: somebody has cleared the queue's folder.
            if now in _next(tickets):
                _write(_begun(now))
                return
        if place := place_of(ticket, tickets):
            waiting(place)
        time.sleep(PAUSE)


@contextmanager
def turn(kind: str, user: str, report: ProgressCallback) -> Iterator[None]:
    """A turn for work in this process; it reports how long it waits.

    Raises:
        JobError: See `add_ticket`.
    """
    ticket = add_ticket(os.getpid, kind, user)

    def waiting(place: Place) -> None:
        report(Progress(0.0, f"waiting for its turn: {place}"))

    try:
        wait_for_turn(ticket, waiting)
        yield
    finally:
        leave(ticket)


def leave(ticket: Ticket) -> None:
    """Gives a place back; the end of a process does the same."""
    with _lock():
        _file(ticket).unlink(missing_ok=True)


def place_of(
    ticket: Ticket,
    tickets: Iterable[Ticket] | None = None,
    left: Callable[[Ticket], float | None] = lambda one: None,
) -> Place | None:
    """Where a ticket stands; None where its turn has come or it is none.

    Args:
        ticket: Whose.
        tickets: All of the queue; by default as they are now.
        left: Seconds that a job at work still takes, by what it says itself; else it is reckoned
            from what was expected.
    """
    tickets = [one for one in (tickets or list_tickets()) if one.kind == ticket.kind]
    if ticket.token not in (one.token for one in tickets if one.began is None):
        return None
    now, at_work = 0.0, {one: _rest(one, left) for one in tickets if one.began is not None}
    waiting = [one for one in tickets if one.began is None]
    ahead, known = 0, True
    while True:
        for one in _next([*at_work, *waiting]):
            if one.token == ticket.token:
                return Place(ahead, now if known else None)
            waiting.remove(one)
            rest = None if one.expected is None else now + one.expected
            at_work[one.model_copy(update={"began": now})] = rest
            ahead += 1
        known = known and None not in at_work.values()
        # Whichever ends first makes room; of those that do not say, the first.
        first = min(at_work, key=lambda one: (at_work[one] or 0.0, one.number))
        now = max(now, at_work.pop(first) or 0.0)


def _rest(ticket: Ticket, left: Callable[[Ticket], float | None]) -> float | None:
    """Seconds that a job at work still takes."""
    seconds = left(ticket)
    if seconds is None and ticket.expected is not None and ticket.began is not None:
        seconds = ticket.expected - (time.time() - ticket.began)
    return None if seconds is None else max(0.0, seconds)


def _next(tickets: Iterable[Ticket]) -> list[Ticket]:
    """Of those that wait, whose turn it is: the first, but for those of users who have theirs."""
    most, slots = limits(), _slots()
    tickets = list(tickets)
    at_work = Counter(one.kind for one in tickets if one.began is not None)
    of_users = Counter((one.kind, one.user) for one in tickets if one.began is not None)
    found = []
    for one in sorted(tickets, key=lambda one: one.number):
        mine = (one.kind, one.user)
        free = at_work[one.kind] < slots.get(one.kind, 1) and of_users[mine] < most.of_user
        if one.began is None and free:
            at_work[one.kind] += 1
            of_users[mine] += 1
            found.append(one)
    return found


def _begun(ticket: Ticket) -> Ticket:
    return ticket.model_copy(update={"began": time.time()})


def _slots() -> dict[str, int]:
    return {TRAINING: limits().trainings, EVALUATION: limits().evaluations}


def _living() -> list[Ticket]:
    """All tickets whose processes live; those of others are thrown away."""
    found = []
    for file in _folder().glob("*.json"):
        try:
            ticket = Ticket(**read_stored(file, Ticket, JobError))
        except (JobError, OSError):
            continue  # Not ours: it counts for nothing, and is not ours to delete.
        if started_at(ticket.pid) == ticket.started:
            found.append(ticket)
        else:
            with suppress(OSError):
                file.unlink()
    return sorted(found, key=lambda one: one.number)


def _write(ticket: Ticket) -> None:
    write_json(_file(ticket), ticket.model_dump(), durable=False)


def _file(ticket: Ticket) -> Path:
    return _folder() / f"{ticket.number:06}-{ticket.token}.json"


def _folder() -> Path:
    return state_folder() / "queue"


def _lock() -> FileLock:
    make_private_folder(_folder())
    return FileLock(_folder() / ".lock")
