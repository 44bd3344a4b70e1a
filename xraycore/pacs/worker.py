"""What becomes of received films: scored one after the other, objects sent until they are taken."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from pydicom.dataset import Dataset

from xraycore.errors import PacsError, XrayCoreError, log_fault
from xraycore.pacs.spool import Spool, read_object

logger = logging.getLogger(__name__)
# Between two attempts to reach a PACS that does not answer: doubled each time.
FIRST_WAIT, LONGEST_WAIT = 5.0, 300.0
_IDLE_SECONDS = 5.0


class SpoolWorker:
    """Works through a spool in one thread, which `run` keeps until it is stopped."""

    def __init__(
        self,
        spool: Spool,
        score: Callable[[bytes, str], Sequence[Dataset]],
        store: Callable[[Sequence[Dataset]], None] | None,
        *,
        first_wait: float = FIRST_WAIT,
    ):
        """Is made, and works once it is run.

        Args:
            spool: Where films wait.
            score: From a film's bytes and name to the objects about it.
            store: Sends objects to a PACS; None to leave them in the spool.
            first_wait: Seconds until a PACS that did not answer is asked again.
        """
        self.spool, self.score, self.store = spool, score, store
        self._first_wait = self._wait = first_wait
        self._next_try = 0.0
        self._wake, self._ended = threading.Event(), threading.Event()

    def wake(self) -> None:
        """Says that a film has come."""
        self._wake.set()

    def stop(self) -> None:
        """Ends `run` after the film at hand."""
        self._ended.set()
        self._wake.set()

    def run(self) -> None:
        """Works until it is stopped."""
        while not self._ended.is_set():
            self._wake.clear()
            self.work()
            left = self._next_try - time.monotonic()
            self._wake.wait(min(_IDLE_SECONDS, left) if left > 0 else _IDLE_SECONDS)

    def work(self) -> None:
        """Scores what was received, and sends what waits for the PACS."""
        for film in self.spool.received():
            if self._ended.is_set():
                return
            self._score(film)
            self._send()
        self._send()

    def _score(self, film: Path) -> None:
        try:
            self.spool.keep_objects(film, self.score(film.read_bytes(), film.name))
        except XrayCoreError as error:
            self.spool.fail(film, str(error))
            logger.warning("not scored: %s", error)
        except OSError as error:
            # The disk: the film stays, and is tried again.
            logger.error("not scored yet: %s", error)
        except Exception as error:
            self.spool.fail(film, f"a fault of xraycore itself, {log_fault(error)} in the log")

    def _send(self) -> None:
        if self.store is None or time.monotonic() < self._next_try:
            return
        for name, files in self.spool.outgoing():
            try:
                for file in files:
                    self.store([read_object(file)])
                    self.spool.sent(file)
            except PacsError as error:
                logger.warning("%s Tried again in %g s.", error, self._wait)
                self._next_try = time.monotonic() + self._wait
                self._wait = min(2 * self._wait, LONGEST_WAIT)
                return
            self.spool.finish(name)
            self._wait = self._first_wait
