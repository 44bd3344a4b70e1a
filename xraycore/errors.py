"""Every error that xraycore raises on purpose."""

from typing import Self

MAX_MESSAGE = 400


class RadiographError(ValueError):
    """A file cannot be read as one radiograph.

    The message is one line that names the file, what was expected and what was received.
    """

    @classmethod
    def of(cls, name: str, *, expected: str, received: str) -> Self:
        """The error for the file `name`, worded the same way everywhere."""
        line = " ".join(f"{name}: expected {expected}; received {received}".split())
        return cls(line if len(line) <= MAX_MESSAGE else line[: MAX_MESSAGE - 1] + "…")


class DatasetError(ValueError):
    """A data set folder or CSV that cannot be used; says what was expected and what is there."""


class WeightsError(ValueError):
    """Weights or a card that are missing, damaged or not what the card says."""


class JobError(ValueError):
    """A job that cannot be started, because another process works in its folder."""


class ReaderStudyError(ValueError):
    """A review cannot be kept or found; the message is one line for the person at the screen."""


class Cancelled(Exception):
    """Raised by a report to stop what reports to it; passes through to who asked for the work."""
