"""Paths as people type them; `xraycore.access.paths` says which of them may be named."""

import errno
from pathlib import Path

from xraycore.errors import ArgumentError

# More of a path than this says nothing more.
_MOST_CHARACTERS = 100


def parse_path(text: str) -> Path:
    """The absolute path that was typed, `~` being a home folder; nothing need lie there.

    Raises:
        ArgumentError: If there is no such home folder, or see `path_exists`.
    """
    try:
        path = Path(text).expanduser().absolute()
    except RuntimeError:
        raise ArgumentError(
            f"{_brief(text)}: there is no home folder {_brief(Path(text).parts[0])} on this "
            "computer; write the folder out, from its beginning on."
        ) from None
    path_exists(path)
    return path


def path_exists(path: Path) -> bool:
    """Whether something lies at a path.

    Raises:
        ArgumentError: If that cannot be told: a folder on the way may not be entered, or no file
            can have such a name. `Path.exists` raises errors of the system there.
    """
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return False  # ValueError: of a name with a null character, which no file has.
    except PermissionError:
        raise ArgumentError(
            f"{_brief(str(path))}: a folder on the way there may not be entered by this user."
        ) from None
    except OSError as error:
        why = "it is too long" if error.errno == errno.ENAMETOOLONG else error.strerror
        raise ArgumentError(
            f"{_brief(str(path))}: expected a path that can be here ({why})."
        ) from None
    return True


def _brief(text: str) -> str:
    return text if len(text) <= _MOST_CHARACTERS else f"{text[:_MOST_CHARACTERS]}…"
