"""Which paths a visitor may name: one function decides, wherever a path comes from one."""

import os
import re
from collections.abc import Iterable
from pathlib import Path

from xraycore.config import path_roots
from xraycore.errors import PathError
from xraycore.utils.paths import parse_path

# \\server\share, //server/share, \\?\C:\ and C:\: other computers and drives.
_ELSEWHERE = re.compile(r"[\\/]{2}|[A-Za-z]:")


def permit_path(path: str | Path, offered: Iterable[Path] = ()) -> Path:
    """The path with its symlinks followed, if it lies where paths may be named.

    On one's own computer any path may be named, see `xraycore.config.path_roots`, and it comes
    back as it is. Of a served app it must lie in one of its roots, wherever links lead.

    Args:
        path: As it was named; of a served app from / on.
        offered: What this app offers by itself, beside the roots.

    Raises:
        PathError: If it lies elsewhere. Whether anything is there is not told.
    """
    path, roots = Path(path), path_roots()
    if roots is None:
        return path
    refusal = PathError(
        "This path may not be named here: it lies in no folder that this server offers."
    )
    text = str(path)
    if "\0" in text or _ELSEWHERE.match(text) or not path.is_absolute():
        raise refusal
    try:
        # As the system will follow it: with `..` after links, not before.
        found = Path(os.path.realpath(path))
        inside = any(found.is_relative_to(os.path.realpath(root)) for root in (*roots, *offered))
    except (OSError, ValueError):
        raise refusal from None
    if not inside:
        raise refusal
    return found


def named_path(text: str, offered: Iterable[Path] = ()) -> Path:
    """The path that a visitor has typed; see `parse_path` and `permit_path`.

    Raises:
        PathError: If it may not be named here.
        ArgumentError: If it is none.
    """
    if path_roots() is None:
        return parse_path(text)
    return parse_path(str(permit_path(text, offered)))


def list_folders(offered: Iterable[Path] = ()) -> list[Path]:
    """What a visitor may choose from: each root, the folders and tables in it, what is offered."""
    found = list(offered)
    for root in path_roots() or ():
        try:
            inner = sorted(
                one
                for one in root.iterdir()
                if not one.name.startswith(".")
                and (one.is_dir() or one.suffix.lower() == ".csv")
                and _permitted(one)
            )
        except OSError:
            continue
        found += [root, *inner]
    return found


def _permitted(path: Path) -> bool:
    try:
        permit_path(path)
    except PathError:
        return False
    return True
