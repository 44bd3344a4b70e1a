"""The error that everything wrong with a review, or with its database, ends in."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, NoSuchModuleError

from xraycore.errors import ReaderStudyError

MAX_REASON = 300
# What a driver says -> what it means and what to do.
_HINTS = {
    "readonly database": "it is read-only. Make the file and its folder writable",
    "unable to open database file": "its folder does not exist or is not writable",
    "database is locked": "another program keeps it locked. Close that and try again",
    "file is not a database": "the file is no SQLite database",
    "database or disk is full": "the disk is full. What was saved before is safe",
    "connection": "cannot reach the server. Is it running, and XRAYCORE_DATABASE right?",
    "No module named": "its driver is not installed",
}


def shown(url: URL) -> str:
    """The address of a database without its password and options."""
    return url.set(query={}).render_as_string(hide_password=True)


@contextmanager
def one_line_errors(url: URL) -> Iterator[None]:
    """Turns what a driver raises into a `ReaderStudyError` in one line.

    An IntegrityError passes: two have written the same at once, and the caller tries again.
    """
    try:
        yield
    except IntegrityError:
        raise
    except DBAPIError as error:
        raise ReaderStudyError(f"{shown(url)}: {_reason(str(error.orig))}") from error
    except (ArgumentError, NoSuchModuleError, ImportError) as error:
        raise ReaderStudyError(f"{shown(url)}: {_reason(str(error))}") from error


def _reason(said: str) -> str:
    line = " ".join(said.split())
    short = line if len(line) <= MAX_REASON else line[: MAX_REASON - 1] + "…"
    hint = next((hint for key, hint in _HINTS.items() if key.lower() in line.lower()), None)
    return f"{hint} ({short})" if hint else short
