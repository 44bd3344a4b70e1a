"""Every error that xraycore raises on purpose.

What a user or caller can mend is an `XrayCoreError`, whose message is one line that says what was
expected, what was received and, where there is one, which file. Anything else is a bug.
"""

import logging
import secrets
from typing import Self

logger = logging.getLogger(__name__)

MAX_MESSAGE = 400


class XrayCoreError(ValueError):
    """What a user or caller can mend; the message is one line for them."""


class ArgumentError(XrayCoreError):
    """A value that was given is none that can be used here."""


class RadiographError(XrayCoreError):
    """A file cannot be read as one radiograph.

    The message is one line that names the file, what was expected and what was received.
    """

    @classmethod
    def of(cls, name: str, *, expected: str, received: str) -> Self:
        """The error for the file `name`, worded the same way everywhere."""
        line = " ".join(f"{name}: expected {expected}; received {received}".split())
        return cls(line if len(line) <= MAX_MESSAGE else line[: MAX_MESSAGE - 1] + "…")


class DatasetError(XrayCoreError):
    """A data set folder or CSV that cannot be used; says what was expected and what is there."""


class WeightsError(XrayCoreError):
    """Weights or a card that are missing, damaged or not what the card says."""


class DivergedError(ArgumentError):
    """A training's loss is no longer finite."""


class JobError(XrayCoreError):
    """A job that cannot be started, because another process works in its folder."""


class ReaderStudyError(XrayCoreError):
    """A review cannot be kept or found; the message is one line for the person at the screen."""


class LessonError(XrayCoreError):
    """A lesson that cannot be given as it is written; the message names its file and line."""


class AccessError(XrayCoreError):
    """Someone may not do this, or nothing says who may; the message names no secret."""


class PathError(AccessError):
    """A path that may not be named here."""


class PacsError(XrayCoreError):
    """A PACS did not do what it was asked; names the server, what was asked and what came."""


class StorageError(XrayCoreError):
    """A disk that is full, or holds as much of ours as it may."""


class Cancelled(Exception):
    """Raised by a report to stop what reports to it; passes through to who asked for the work."""


def reason_of(name: str, error: Exception) -> str:
    """The kind of a decoder's error; what it says, of memory and offsets, goes to the log."""
    logger.info("%r: %s", name, error)
    return type(error).__name__


def log_fault(error: Exception) -> str:
    """Writes the trace of an error that nobody meant to the log; returns the id it has there."""
    fault = f"F{secrets.token_hex(3).upper()}"
    logger.error("%s", fault, exc_info=error)
    return fault
