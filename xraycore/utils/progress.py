"""How long work tells how far it is, and how it is stopped."""

import time
from collections.abc import Callable
from dataclasses import dataclass

# Called with the share that is done, in [0, 1]; raises `Cancelled` to stop.
ProgressCallback = Callable[[float], None]


def ignore(share: float) -> None:
    """The report of one who waits."""


def part_of(report: ProgressCallback, index: int, count: int) -> ProgressCallback:
    """The report of one of several pieces of work that are alike."""
    return lambda share: report((index + share) / count)


@dataclass(frozen=True)
class Progress:
    """Where a run is, reported after every batch.

    Attributes:
        activity: "reading films", the stage's name, or "range test".
        done: Share of the whole run in [0, 1]; of the films read while reading.
        epoch: Epoch of the stage, from 1; 0 where there are none.
        epochs: Epochs of the stage.
        loss: Mean training loss of the epoch so far, that of the batch in a range test, None while
            reading.
        films: Films of the epoch that were trained on so far; 0 where there are no epochs.
        of_films: Films of an epoch. Once `films` comes to it, the validation films are judged.
    """

    activity: str
    done: float
    epoch: int = 0
    epochs: int = 0
    loss: float | None = None
    films: int = 0
    of_films: int = 0


RunCallback = Callable[[Progress], None]


class TimeLeft:
    """Seconds left of a task, from its mean speed since the phase it is in began.

    A phase has a speed of its own: reading films tells nothing about training on them, nor does
    one stage of training about the next. The mean of a whole phase, because a speed of the last
    moments jumps whenever an epoch ends and validation halts the count.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        self._clock = clock
        self._phase: str | None = None
        self._began = self._began_at = self._done = 0.0

    def __call__(self, done: float, phase: str) -> float | None:
        """Seconds left at a share done in [0, 1]; None where a phase has just begun.

        A phase ends where its name changes or where the share done falls.
        """
        now = self._clock()
        if phase != self._phase or done < self._done:
            self._phase, self._began, self._began_at = phase, now, done
        self._done = done
        covered = done - self._began_at
        return (now - self._began) * (1.0 - done) / covered if covered > 0 else None


class Speed:
    """Films a second, mean of the epoch so far; between two epochs that of the last one."""

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        self._clock = clock
        self._films = 0
        self._last: float | None = None
        self._began: tuple[float, float] | None = None

    def __call__(self, films: int) -> float | None:
        """At that many films of the epoch; None where nothing can be said yet."""
        now = self._clock()
        if self._began is None or films <= self._films:
            # The first batch of a process compiles the network: what follows it is the speed.
            self._began = (now, films)
        elif now > self._began[0]:
            self._last = (films - self._began[1]) / (now - self._began[0])
        self._films = films
        return self._last
