"""How long work tells how far it is, and how it is stopped."""

from collections.abc import Callable, Iterator

from xraycore.models.classifier import BATCH

# Called with the share that is done, in [0, 1]; raises `Cancelled` to stop.
Report = Callable[[float], None]


class Cancelled(Exception):
    """Raised by a report to stop what reports to it; passes through to who asked for the work."""


def ignore(share: float) -> None:
    """The report of one who waits."""


def part_of(report: Report, index: int, count: int) -> Report:
    """The report of one of several pieces of work that are alike."""
    return lambda share: report((index + share) / count)


def batches(count: int, report: Report) -> Iterator[slice]:
    """Slices of at most `BATCH` that cover `count`, reporting before each and at the end.

    Whatever is done for a slice is so all that is still done once the report raises `Cancelled`.
    """
    for start in range(0, count, BATCH):
        report(start / count)
        yield slice(start, min(start + BATCH, count))
    report(1.0)
