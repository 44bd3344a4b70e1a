"""Where in a TOML file an entry stands: tomllib tells what a file says, and not where."""

import re
from collections.abc import Sequence

_HEAD = re.compile(r"^\s*\[\[?\s*([A-Za-z0-9_.\-\s]+?)\s*\]\]?\s*(#.*)?$")
_KEY = re.compile(r"^\s*([A-Za-z0-9_-]+)\s*(?:\.\s*([A-Za-z0-9_-]+)\s*)?=")


def find_line(text: str, place: Sequence[int | str]) -> int:
    """The line of an entry, from 1; that of the table it belongs to where it is not there itself.

    Args:
        text: Of the file.
        place: Of the entry, as pydantic names it: ("steps", 2, "film", "phantom").
    """
    keys = [str(part) for part in place if not isinstance(part, int)]
    numbers = [part for part in place if isinstance(part, int)]
    wanted = numbers[0] if numbers else 0
    table: list[str] = []
    best, depth, count, quote = 1, 0, -1, ""
    for number, line in enumerate(text.splitlines(), start=1):
        if quote:
            quote = "" if line.count(quote) % 2 else quote
            continue
        quote = next((mark for mark in ('"""', "'''") if line.count(mark) % 2), "")
        if head := _HEAD.match(line):
            found = table = [part.strip() for part in head[1].split(".")]
            count += line.lstrip().startswith("[[") and table == keys[:1]
        elif key := _KEY.match(line):
            found = [*table, *(part for part in key.groups() if part)]
        else:
            continue
        if numbers and count != wanted and found[:1] == keys[:1]:
            continue
        same = _shared(found, keys)
        if same > depth and same == len(found):
            best, depth = number, same
    return best


def _shared(found: Sequence[str], keys: Sequence[str]) -> int:
    """How many names both begin with."""
    count = 0
    for one, other in zip(found, keys, strict=False):
        if one != other:
            break
        count += 1
    return count
