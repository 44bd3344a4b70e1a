"""Commands as processes of their own, which outlive the browser and the app that started them.

Who works in a folder is noted down elsewhere, see `xraycore.jobs.records`. In the folder lie
progress.json  how far it is, written by the process itself
log.txt        what it said on stderr, every start under a heading
output.txt     what it printed on stdout
"""

import contextlib
import os
import re
import shlex
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import psutil

from xraycore.config import XRAYCORE_JOB, launched_environment
from xraycore.errors import JobError
from xraycore.jobs.identity import started_at
from xraycore.jobs.queue import (
    EVALUATION,
    TRAINING,
    Place,
    Ticket,
    add_ticket,
    find_ticket,
    place_of,
)
from xraycore.jobs.records import (
    ProgressNote,
    lock,
    note_done,
    note_stop,
    read_job,
    read_record,
    refuse_links,
    write_record,
)
from xraycore.jobs.storage import check_space
from xraycore.utils.stored import read_stored

# This very package, wherever it lies: -P keeps Python from looking for it, or for anything it
# imports, in the folder where the process happens to stand.
COMMAND = (sys.executable, "-P", str(Path(__file__).resolve().parents[1] / "__main__.py"))
# Nothing else is launched, whatever a folder's files say.
LAUNCHED = {"train": TRAINING, "lr-find": EVALUATION, "ship": EVALUATION}
PROGRESS, LOG, OUTPUT = "progress.json", "log.txt", "output.txt"
VANISHED = (
    "The process ended without a word: it was killed, ran out of memory, or the computer was "
    "switched off."
)
_HEADING = "--- "
# What TensorFlow says before it can be told not to.
_STARTUP = re.compile(r"WARNING: All log messages before absl|[IW]\d{4} \d\d:|[IW]0000 ")


@dataclass(frozen=True)
class Status:
    """What is known of a job.

    Attributes:
        phase: "none" where there is no job, "waiting" for its turn, "running", "stopping", or how
            it ended: "finished", "stopped", "failed".
        activity: What it does, "" before it said so; see `Progress`.
        done: Share of the work in [0, 1].
        epoch: Epoch of the stage, from 1; 0 where there are none.
        epochs: Epochs of the stage.
        loss: Mean training loss of the epoch so far.
        judging: Whether the epoch's films are done, and the validation films in work.
        images_per_second: Training films, mean of the epoch so far.
        seconds_left: Of the whole job, from its speed.
        began: When the process was started.
        error: Why it failed, in words; None where it did not.
        place: Where it stands in the queue, while it waits.
    """

    phase: str = "none"
    activity: str = ""
    done: float = 0.0
    epoch: int = 0
    epochs: int = 0
    loss: float | None = None
    judging: bool = False
    images_per_second: float | None = None
    seconds_left: float | None = None
    began: datetime | None = None
    error: str | None = None
    place: Place | None = None

    @property
    def alive(self) -> bool:
        """Whether a process is at work, or waits for its turn to be."""
        return self.phase in ("waiting", "running", "stopping")


def launch(
    folder: str | Path,
    arguments: Sequence[str],
    variables: Mapping[str, str] | None = None,
    *,
    user: str = "",
    expected: float | None = None,
) -> None:
    """Starts `python -m xraycore ARGUMENTS` in a session of its own, where it waits for its turn.

    Args:
        folder: Where it says how far it is; created.
        arguments: The command, one of `LAUNCHED`, and its options. What an earlier process left in
            the folder decides none of them.
        variables: More of the environment.
        user: Who asks, see `xraycore.jobs.queue`.
        expected: Seconds of the work, where known.

    Raises:
        JobError: If it is another command, a process works there already, or too many of the user's
            jobs wait.
        StorageError: If the disk has no room for it.
    """
    if not arguments or arguments[0] not in LAUNCHED:
        raise JobError(
            f"expected one of the commands {', '.join(LAUNCHED)}. "
            f"Received: {shlex.join(arguments)!r}"
        )
    folder = Path(folder).absolute()
    check_space(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with lock(folder):
        _refuse_second(folder)
        refuse_links(folder)
        began = datetime.now()

        def start() -> int:
            (folder / PROGRESS).unlink(missing_ok=True)
            return _start(folder, arguments, variables or {}, began)

        kind = LAUNCHED[arguments[0]]
        ticket = add_ticket(start, kind, user, expected=expected, folder=str(folder))
        write_record(folder, ticket.pid, ticket.started, arguments, user)


def _start(
    folder: Path, arguments: Sequence[str], variables: Mapping[str, str], began: datetime
) -> int:
    """Starts the process; its number."""
    with (folder / LOG).open("ab") as log, (folder / OUTPUT).open("wb") as output:
        heading = f"{_HEADING}{began:%Y-%m-%d %H:%M:%S} {show_command(arguments)}\n"
        log.write(heading.encode())
        log.flush()
        process = subprocess.Popen(
            [*COMMAND, *arguments],
            env={**launched_environment(), XRAYCORE_JOB: str(folder), **variables},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=log,
            start_new_session=True,
        )
    # Whoever starts a process has to take note of its end, or it stays in the system's table.
    threading.Thread(target=process.wait, daemon=True).start()
    return process.pid


def stop(folder: str | Path, *, at_once: bool = False) -> None:
    """Asks a job's process to end after its batch; `at_once` kills it. Nothing where none works."""
    folder = Path(folder)
    if not folder.is_dir():
        return
    with lock(folder):
        job = read_record(folder)
        if _works(job):
            note_stop(folder, job)
            with contextlib.suppress(psutil.NoSuchProcess):
                process = psutil.Process(job["pid"])
                process.kill() if at_once else process.terminate()


def status(folder: str | Path) -> Status:
    """What is known of the job of a folder."""
    folder = Path(folder)
    try:
        job, progress = read_job(folder), _read_progress(folder)
        if not job:
            return Status()
        # Looked at before what it wrote last: it may end in between.
        works = _works(job)
        progress = _read_progress(folder) if not works else progress
    except JobError as fault:
        return Status("failed", error=str(fault))
    progress = progress if progress.get("pid") == job["pid"] else {}
    known = {name: progress[name] for name in Status.__dataclass_fields__ if name in progress}
    known["began"] = datetime.fromisoformat(job["began"]).replace(tzinfo=None)
    if works:
        if job.get("stop_asked"):
            return Status(**{**known, "phase": "stopping"})
        if (ticket := find_ticket(job["pid"])) and (place := place_of(ticket, left=_seconds_left)):
            return Status(**{**known, "phase": "waiting", "place": place})
        return Status(**{**known, "phase": "running"})
    if progress.get("end"):
        return Status(**{**known, "phase": progress["end"]})
    if job.get("stop_asked"):
        return Status(**{**known, "phase": "stopped"})
    lines = last_lines(folder, 1)
    error = VANISHED if progress or not lines else lines[0]
    return Status(**{**known, "phase": "failed", "error": error})


def is_at_work(folder: Path) -> bool:
    """Whether a process works in a folder, or waits for its turn to."""
    return status(folder).alive


def _seconds_left(ticket: Ticket) -> float | None:
    """What a job at work says of itself."""
    try:
        return _read_progress(Path(ticket.folder)).get("seconds_left") if ticket.folder else None
    except JobError:
        return None


def last_lines(folder: str | Path, count: int = 12) -> list[str]:
    """The last lines that a job's latest process left in its log."""
    try:
        text = (Path(folder) / LOG).read_bytes()[-20_000:].decode(errors="replace")
    except OSError:
        return []
    lines = [line.rstrip() for line in text.splitlines()]
    starts = [i for i, line in enumerate(lines) if line.startswith(_HEADING)]
    since = lines[starts[-1] + 1 :] if starts else lines
    return [line for line in since if line and not _STARTUP.match(line)][-count:]


def claim(folder: Path, arguments: Sequence[str]) -> None:
    """Makes this process the one that works in a folder.

    Raises:
        JobError: If another process does.
    """
    with lock(folder):
        if read_record(folder).get("pid") != os.getpid():
            _refuse_second(folder)
            refuse_links(folder)
            write_record(folder, os.getpid(), started_at(os.getpid()), arguments)


def release(folder: Path) -> None:
    """Says that this process has done its work in a folder, and goes on elsewhere."""
    with lock(folder):
        job = read_record(folder)
        if job.get("pid") == os.getpid():
            note_done(folder, job)


def show_command(arguments: Sequence[str]) -> str:
    """A command of ours as it is typed."""
    return shlex.join(["python", "-m", "xraycore", *arguments])


def _refuse_second(folder: Path) -> None:
    job = read_record(folder)
    if _works(job):
        raise JobError(
            f"{folder}: process {job['pid']} is at work here since {job['began']}. "
            "Stop it, or name another folder."
        )


def _works(job: Mapping) -> bool:
    started, pid = job.get("started"), job.get("pid")
    return isinstance(pid, int) and started is not None and started_at(pid) == started


def _read_progress(folder: Path) -> dict:
    try:
        return read_stored(folder / PROGRESS, ProgressNote, JobError)
    except FileNotFoundError:
        return {}
