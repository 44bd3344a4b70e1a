"""Films of many requests through the networks together: what has arrived makes a batch."""

import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, NamedTuple

from xraycore.errors import XrayCoreError
from xraycore.imaging import Radiograph, read_radiograph
from xraycore.models.classifier import BATCH, Classifier
from xraycore.scoring.pipeline import FilmScorer, ScoredFilm

# Films of one turn: while networks are at them others gather.
TURN = 4 * BATCH


class BusyError(XrayCoreError):
    """As many films wait as may; try again later."""


class UploadedFilm(NamedTuple):
    """A film as it was sent.

    Attributes:
        name: What it is called.
        content: The file's bytes.
    """

    name: str
    content: bytes


class _Waiting(NamedTuple):
    film: UploadedFilm
    answer: "Future[Any]"
    # What is made of the film where it is no prediction that is wanted.
    work: Callable[[Radiograph], object] | None


class FilmQueue:
    """Films that wait for the networks, which one thread runs; use it in a `with` block.

    Args:
        classifiers: The networks.
        most: Films that may wait or be at work.
    """

    def __init__(self, classifiers: Sequence[Classifier], most: int):
        self.most = most
        self._scorer: FilmScorer[_Waiting] = FilmScorer(classifiers, _read)
        self._waiting: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._held, self._lock = 0, threading.Lock()
        self._thread = threading.Thread(target=self._work, name="networks", daemon=True)

    def __enter__(self) -> "FilmQueue":
        self._scorer.__enter__()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._waiting.put(None)
        self._thread.join()
        self._scorer.__exit__()

    def submit(self, films: Sequence[UploadedFilm]) -> "list[Future[ScoredFilm]]":
        """What the networks say of each film, once it is known; all films of a request or none.

        Raises:
            BusyError: If there is no room for all of them.
        """
        return self._put([_Waiting(film, Future(), None) for film in films])

    def run(self, film: UploadedFilm, work: Callable[[Radiograph], object]) -> "Future[Any]":
        """What a function returns of a film, run where the networks run.

        Raises:
            BusyError: If there is no room for it.
        """
        return self._put([_Waiting(film, Future(), work)])[0]

    def _put(self, waiting: list[_Waiting]) -> "list[Future[Any]]":
        with self._lock:
            if self._held + len(waiting) > self.most:
                raise BusyError(
                    f"{self._held} of {self.most} films wait already, {len(waiting)} more came: "
                    "try again later, or with fewer films at once."
                )
            self._held += len(waiting)
        for one in waiting:
            one.answer.add_done_callback(self._let_go)
            self._waiting.put(one)
        return [one.answer for one in waiting]

    def _let_go(self, _: "Future[Any]") -> None:
        with self._lock:
            self._held -= 1

    def _work(self) -> None:
        ended = False
        while not ended:
            turn: list[_Waiting | None] = [self._waiting.get()]
            with suppress(queue.Empty):
                while len(turn) < TURN:
                    turn.append(self._waiting.get_nowait())
            ended = None in turn
            films = [one for one in turn if one is not None]
            # Who has gone meanwhile wants nothing any more.
            films = [one for one in films if one.answer.set_running_or_notify_cancel()]
            self._predict([one for one in films if one.work is None])
            for one in films:
                if one.work is not None:
                    _run(one, one.work)

    def _predict(self, films: list[_Waiting]) -> None:
        try:
            for scored in self._scorer.score(films):
                scored.source.answer.set_result(scored)
        except Exception as error:  # Each request tells it; the thread goes on with others.
            for one in films:
                if not one.answer.done():
                    one.answer.set_exception(error)


def _run(one: _Waiting, work: Callable[[Radiograph], object]) -> None:
    try:
        one.answer.set_result(work(_read(one)))
    except Exception as error:  # The request tells it.
        one.answer.set_exception(error)


def _read(one: _Waiting) -> Radiograph:
    return read_radiograph(one.film.content, name=one.film.name)
