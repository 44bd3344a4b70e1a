"""How a command that trains says in its folder how far it is, and how it is stopped."""

import json
import math
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from xraycore.config import job_folder
from xraycore.errors import StorageError, XrayCoreError
from xraycore.jobs.process import PROGRESS, claim
from xraycore.jobs.queue import find_ticket, wait_for_turn
from xraycore.utils.files import write_json
from xraycore.utils.progress import Progress, Speed, TimeLeft

# Seconds between two notes: often enough to look alive, too seldom to cost anything.
PAUSE = 0.4


class Recorder:
    """Writes `progress.json`; called with a `Progress` after every batch.

    Raises:
        KeyboardInterrupt: Once the process was asked to stop (SIGTERM).
        JobError: At the first call, if another process works in the folder.
    """

    def __init__(self, folder: Path | None, arguments: Sequence[str]):
        self.folder, self.arguments = folder, arguments
        self.stop_asked = self.owner = False
        self._told: dict = {}
        self._written = -math.inf
        self._speed, self._time_left = Speed(), TimeLeft()

    def claim(self) -> None:
        """Makes this process the folder's."""
        if self.folder is not None:
            claim(self.folder, self.arguments)
            self.owner = True

    def check(self) -> None:
        """Raises KeyboardInterrupt once the process was asked to stop."""
        if self.stop_asked:
            raise KeyboardInterrupt

    def __call__(self, progress: Progress) -> None:
        """Notes down where the work is."""
        self.check()
        if self.folder is None:
            return
        if not self.owner:
            self.claim()
        left = self._time_left(progress.done, progress.activity)
        speed = self._speed(progress.films) if progress.films else None
        before, judging = self._told, 0 < progress.films == progress.of_films
        self._told = {
            "activity": progress.activity,
            "done": min(1.0, progress.done),
            "epoch": progress.epoch,
            "epochs": progress.epochs,
            "loss": _finite(progress.loss),
            "judging": judging,
            "images_per_second": speed,
            "seconds_left": left,
        }
        news = any(before.get(key) != self._told[key] for key in ("activity", "epoch", "judging"))
        if news or time.monotonic() - self._written > PAUSE:
            self._write()

    def end(self, how: str, error: str | None = None) -> None:
        """Notes down how the work ended, in the folder of this process only."""
        if self.owner:
            self._told |= {"end": how, "error": error, "seconds_left": None}
            self._write()

    def _write(self) -> None:
        assert self.folder is not None  # Only the owner of a folder writes.
        self._written = time.monotonic()
        file, note = self.folder / PROGRESS, {"pid": os.getpid(), **self._told}
        try:
            write_json(file, note, durable=False)
        except StorageError:
            # The disk is full. Why the work ended is told all the same, in the room of the last
            # note; how far it is can wait.
            if "end" in self._told:
                with suppress(OSError), file.open("r+", encoding="utf-8") as before:
                    json.dump(note, before)
                    before.truncate()


@contextmanager
def recorded(
    folder: Path | None = None, arguments: Sequence[str] | None = None
) -> Iterator[Recorder]:
    """Follows a command's work to its end, whatever that is.

    Args:
        folder: Where to; by default where a launched command was told to, else nowhere. It is made
            use of from the first report on, so that a mistake leaves a run that is there as it is.
        arguments: The command line that does the same, by default that of this process.

    Raises:
        JobError: If another process works in the folder.
    """
    told_to = job_folder()
    recorder = Recorder(folder or told_to, sys.argv[1:] if arguments is None else arguments)
    if told_to:
        recorder.claim()
    main = threading.current_thread() is threading.main_thread()
    if main:
        # Not an exception out of the blue: an epoch is being saved, perhaps.
        before = signal.signal(signal.SIGTERM, lambda *_: setattr(recorder, "stop_asked", True))
    try:
        if told_to and (ticket := find_ticket(os.getpid())):
            wait_for_turn(ticket, lambda place: recorder.check())
        yield recorder
        recorder.end("finished")
    except KeyboardInterrupt:
        recorder.end("stopped")
        raise
    except (XrayCoreError, OSError) as error:
        recorder.end("failed", " ".join(str(error).split()))
        raise
    except Exception as error:
        recorder.end("failed", f"{type(error).__name__}: {error}")
        raise
    finally:
        if main:
            signal.signal(signal.SIGTERM, before)


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
