"""Which files of a folder are films, by names and, where these do not tell, by first bytes."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from xraycore.datasets.reasons import ARCHIVE, CLUTTER, LOOP, MASK, OTHER, TABLE
from xraycore.datasets.records import LeftOut
from xraycore.imaging.archive import is_clutter
from xraycore.imaging.dicom.header import looks_like_dicom

IMAGE_SUFFIXES = {
    *(".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".webp"),
    *(".heic", ".heif", ".avif", ".jp2", ".j2k"),
    *(".dcm", ".dicom", ".dic"),
}
_ARCHIVES = {".zip", ".gz", ".tar", ".tgz", ".7z", ".rar", ".bz2", ".xz", ".zst"}
_TEXTS = {
    *(".csv", ".tsv", ".txt", ".md", ".json", ".xml", ".yaml", ".yml", ".xlsx", ".xls", ".ods"),
    *(".pdf", ".doc", ".docx", ".html", ".htm", ".rtf", ".log", ".ini", ".cfg", ".py", ".ipynb"),
}
# Of films whose names have no ending, or another: JPEG, PNG, TIFF, BMP, JPEG 2000.
_STARTS = (b"\xff\xd8\xff", b"\x89PNG", b"II*\0", b"MM\0*", b"BM", b"\0\0\0\x0cjP  ")
_START_BYTES = 132


class FileTally:
    """Counts what is left out while a data set is read.

    Attributes:
        left_out: By reason.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self.left_out: dict[str, LeftOut] = {}

    def add(self, reason: str, what: str | Path) -> None:
        """Counts a file below the root, or what has other words."""
        if isinstance(what, Path):
            inside = what.is_relative_to(self._root)
            what = (what.relative_to(self._root) if inside else what).as_posix()
        self.left_out[reason] = self.left_out.get(reason, LeftOut()).with_one(what)


def list_images(paths: Iterable[Path]) -> Iterator[Path]:
    """Those of the paths that are films by name or content, whether or not they can be read."""
    return (path for path in paths if not path.is_dir() and why_no_film(path.name, path) is None)


def find_films(root: Path, tally: FileTally) -> list[Path]:
    """The films below a folder, sorted; what else lies there is counted, masks among it.

    Links are followed, but not where they lead back.

    Raises:
        PermissionError: If a folder may not be read: a class would be missing without a word.
    """
    films = []
    for path in sorted(_walk(root, tally)):
        # Hidden is what is hidden below the root; where that lies is its owner's business.
        name = path.relative_to(root).as_posix()
        if reason := why_no_film(name, path):
            tally.add(reason, path)
        else:
            films.append(path)
    return films


def why_no_film(name: str, path: Path) -> str | None:
    """The reason why a file is no film; None if it is one, or says so.

    Args:
        name: Its path below the data set.
        path: Where it lies.
    """
    if is_clutter(name):
        return CLUTTER
    if any(is_mask_folder(part) for part in name.split("/")[:-1]) or is_mask_file(path.stem):
        return MASK
    suffix = path.suffix.lower()
    if suffix in IMAGE_SUFFIXES:
        return None
    if suffix in _TEXTS or name.lower().endswith((".csv.gz", ".tsv.gz")):
        return TABLE
    if suffix in _ARCHIVES:
        return ARCHIVE
    return None if _starts_like_a_film(path) else OTHER


def is_mask_folder(name: str) -> bool:
    """Whether a folder is called masks, of whatever: `lung masks`, `infection_masks`."""
    words = _split_words(name)
    return bool(words) and words[-1] in ("mask", "masks", "segmentations")


def is_mask_file(stem: str) -> bool:
    """Whether a file is called the mask of another: `CHNCXR_0001_0_mask`."""
    words = _split_words(stem)
    return len(words) > 1 and words[-1] in ("mask", "masks", "lungmask")


def _split_words(name: str) -> list[str]:
    return name.casefold().replace("_", " ").replace("-", " ").split()


def _starts_like_a_film(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            start = file.read(_START_BYTES)
    except PermissionError:
        return True  # It is said to be unreadable where it is read.
    except OSError:
        return False
    return start.startswith(_STARTS) or looks_like_dicom(start) or start[4:8] == b"ftyp"


def _walk(root: Path, tally: FileTally) -> Iterator[Path]:
    # Not `rglob`: it passes over folders that may not be read.
    def refuse(error: OSError) -> None:
        raise error

    # Of folders still to be seen: where they really are, and what lies above them there.
    ways = {str(root): (os.path.realpath(root), frozenset[str]())}
    for place, folders, names in os.walk(str(root), onerror=refuse, followlinks=True):
        real, above = ways.pop(place)
        for folder in list(folders):
            inner = os.path.join(place, folder)
            link = os.path.islink(inner)
            reached = os.path.realpath(inner) if link else os.path.join(real, folder)
            if link and reached in above | {real}:
                folders.remove(folder)
                tally.add(LOOP, Path(inner))
            else:
                ways[inner] = (reached, above | {real})
        for name in names:
            path = Path(place, name)
            if path.exists():
                yield path
            else:
                tally.add(LOOP, path)
