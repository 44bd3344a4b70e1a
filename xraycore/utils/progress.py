"""How long work tells how far it is, and how it is stopped."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Progress:
    """How far work is.

    Attributes:
        done: Share of it in [0, 1].
        activity: What is being done: "reading films", a training stage's name; "" where whoever
            asked for the work knows.
        epoch: Epoch of the stage, from 1; 0 where there are none.
        epochs: Epochs of the stage.
        loss: Mean training loss of the epoch so far, that of the batch in a range test; None where
            there is none.
        films: Films of the epoch that were trained on so far; 0 where there are no epochs.
        of_films: Films of an epoch. Once `films` comes to it, the validation films are judged.
    """

    done: float
    activity: str = ""
    epoch: int = 0
    epochs: int = 0
    loss: float | None = None
    films: int = 0
    of_films: int = 0


# What it raises, `Cancelled` as a rule, stops the work.
ProgressCallback = Callable[[Progress], None]


def ignore(progress: Progress) -> None:
    """The report of one who waits."""


def part_of(
    report: ProgressCallback, index: float = 0, count: float = 1, activity: str = ""
) -> ProgressCallback:
    """The report of one of several pieces of work that are alike.

    Args:
        report: That of all of them.
        index: Which one, from 0.
        count: How many there are.
        activity: What is being done, in place of what the piece itself says.
    """

    def report_part(progress: Progress) -> None:
        done = (index + progress.done) / count
        report(replace(progress, done=done, activity=activity or progress.activity))

    return report_part


def both(*reports: ProgressCallback) -> ProgressCallback:
    """A report that goes to several."""

    def report_to_each(progress: Progress) -> None:
        for report in reports:
            report(progress)

    return report_to_each


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
