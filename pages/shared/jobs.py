"""Work that takes longer than a look: a thread of its own, its progress, and a way to stop it."""

import threading
import time
from collections.abc import Callable
from datetime import datetime
from functools import cached_property

import streamlit as st

from pages.shared.access import fragment, require
from pages.shared.faults import describe_error
from pages.shared.layout import plain
from xraycore.access import Action
from xraycore.errors import Cancelled
from xraycore.utils.progress import Progress, ProgressCallback

# A job shorter than this is waited for: a bar that only flickers tells nothing.
_BRIEF = 0.4


class Job:
    """One piece of work in a thread of its own, for who may do one of its actions.

    Attributes:
        words: What it is doing.
        share: How much of that is done, in [0, 1].
        result: What the work returned; None until then.
        error: What it raised; None if nothing.
        began: When it was started.
    """

    def __init__(self, work: Callable[[ProgressCallback], object], *actions: Action):
        require(*(actions or (Action.LOOK, Action.ANSWER)))
        self.words, self.share = "Starting", 0.0
        self.result: object = None
        self.error: Exception | None = None
        self.began = datetime.now()
        self._stop = threading.Event()
        self._since = time.monotonic()
        self._thread = threading.Thread(target=self._run, args=(work,), daemon=True)
        self._thread.start()

    def _run(self, work: Callable[[ProgressCallback], object]) -> None:
        try:
            self.result = work(self._report)
        except Cancelled:
            # Another: the one that was raised holds on to all that the work had at hand, films too.
            self.error = Cancelled()
        except Exception as error:  # handed over to the page, which shows it
            self.error = error

    def _report(self, progress: Progress) -> None:
        if self._stop.is_set():
            raise Cancelled
        if progress.done < self.share or not self.share:
            self._since = time.monotonic()
        words = progress.activity
        self.words, self.share = words[:1].upper() + words[1:], progress.done

    @cached_property
    def failure(self) -> str:
        """Why it failed, in words; a bug is written to the log once."""
        return describe_error(self.error)

    @property
    def done(self) -> bool:
        """Whether it has ended, one way or another."""
        return not self._thread.is_alive()

    def wait(self, seconds: float = _BRIEF) -> bool:
        """Waits at most that long; whether it has ended."""
        self._thread.join(seconds)
        return self.done

    def stop(self) -> None:
        """Ends it at its next report."""
        self._stop.set()

    def seconds_left(self) -> float | None:
        """From its mean speed so far; None where that says nothing yet."""
        passed = time.monotonic() - self._since
        if passed < 2 or not 0 < self.share < 1:
            return None
        return passed * (1 - self.share) / self.share


@fragment(Action.LOOK, Action.ANSWER, run_every=0.4)
def poll(job: Job) -> None:
    """Draws how far a job is, and reruns the page once it has ended."""
    if job.done:
        st.rerun()
    left = job.seconds_left()
    words = job.words if left is None else f"{job.words} · about {max(1, round(left))} s left"
    st.progress(job.share, text=f"{plain(words)} …")
