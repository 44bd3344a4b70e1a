"""How long work tells how far it is, and how it is stopped."""

from collections.abc import Iterator

from xraycore.models.classifier import BATCH
from xraycore.utils.progress import ProgressCallback


def batches(count: int, report: ProgressCallback) -> Iterator[slice]:
    """Slices of at most `BATCH` that cover `count`, reporting before each and at the end.

    Whatever is done for a slice is so all that is still done once the report raises `Cancelled`.
    """
    for start in range(0, count, BATCH):
        report(start / count)
        yield slice(start, min(start + BATCH, count))
    report(1.0)
