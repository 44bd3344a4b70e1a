"""What whoever made a data set wrote about it: its README, licence and notes, as text."""

from collections.abc import Iterable
from pathlib import Path

# By their names, without case: such files, with one of these endings or none.
_NAMES = ("readme", "license", "licence", "notes", "note", "citation", "about", "changelog")
_ENDINGS = ("", ".txt", ".md", ".rst", ".cff")
MOST_FILES, MOST_BYTES = 12, 64 * 1024


def find_notes(places: Iterable[Path]) -> list[Path]:
    """The notes of data sets, those of each in the order of their names.

    Args:
        places: Folders, or files whose folder it is.
    """
    found: dict[Path, None] = {}
    for place in places:
        folder = place if place.is_dir() else place.parent
        found |= dict.fromkeys(_notes_in(folder))
    return list(found)[:MOST_FILES]


def read_note(path: Path) -> str:
    """The text of a note, at most its first `MOST_BYTES`; "" of a file that is no text.

    Raises:
        OSError: If it cannot be read.
    """
    with path.open("rb") as file:
        data = file.read(MOST_BYTES + 1)
    if b"\0" in data:
        return ""
    text = data[:MOST_BYTES].decode("utf-8-sig", "replace").strip()
    return f"{text}\n…" if len(data) > MOST_BYTES else text


def _notes_in(folder: Path) -> list[Path]:
    try:
        files = sorted(one for one in folder.iterdir() if one.is_file())
    except OSError:
        return []
    return [one for one in files if _is_note(one.name.lower())]


def _is_note(name: str) -> bool:
    stem, dot, ending = name.partition(".")
    return stem.startswith(_NAMES) and f"{dot}{ending}" in _ENDINGS
