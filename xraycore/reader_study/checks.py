"""What a reading study may hold: names, questions, times and hashes, checked one by one."""

import math
import re
from collections.abc import Sequence

from xraycore.errors import ReaderStudyError

MAX_NAME = 80
MAX_QUESTION = 300


def check_name(name: str, what: str) -> str:
    """The name without needless spaces.

    Raises:
        ReaderStudyError: If it is empty or longer than `MAX_NAME`.
    """
    tidy = " ".join(strip_unstorable(name).split())
    if not 0 < len(tidy) <= MAX_NAME:
        raise ReaderStudyError(
            f"{what} needs a name of 1 to {MAX_NAME} characters. Received: {len(tidy)}"
        )
    return tidy


def check_question(text: str, what: str) -> str:
    """The text without needless spaces; "" for none.

    Raises:
        ReaderStudyError: If it is longer than `MAX_QUESTION`.
    """
    tidy = " ".join(strip_unstorable(text).split())
    if len(tidy) > MAX_QUESTION:
        raise ReaderStudyError(
            f"{what} holds up to {MAX_QUESTION} characters. Received: {len(tidy)}"
        )
    return tidy


def check_seconds(seconds: float) -> float:
    """The time, if it is one.

    Raises:
        ReaderStudyError: If it is negative, infinite or NaN.
    """
    if not 0 <= seconds < math.inf:
        raise ReaderStudyError(f"time spent must be 0 s or more. Received: {seconds}")
    return float(seconds)


def check_sha256(what: str, value: str) -> None:
    """Refuses what is no sha256.

    Raises:
        ReaderStudyError: If it is none (a path, say).
    """
    if not re.fullmatch("[0-9a-f]{64}", value):
        raise ReaderStudyError(
            f"{what} known by its sha256, 64 hexadecimal digits. Received: {value[:MAX_NAME]!r}"
        )


def check_one_of(name: str, value: object, allowed: Sequence[object]) -> None:
    """Refuses a value that is neither None nor one of those.

    Raises:
        ReaderStudyError: If it is another.
    """
    if value is not None and value not in allowed:
        choices = ", ".join(map(str, allowed))
        raise ReaderStudyError(f"{name} must be one of {choices}. Received: {value!r}")


def strip_unstorable(text: str) -> str:
    """The text without what no database takes: NUL and halves of surrogate pairs."""
    return text.replace("\0", "").encode("utf-8", "ignore").decode()
