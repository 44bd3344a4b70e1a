"""What the app keeps on the disk, how much of it there is, and how it is deleted."""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from xraycore.config import XRAYCORE_LIMITS, cache_folder, limits, runs_folder
from xraycore.errors import StorageError

GB = 1e9
RUN, PHANTOMS, UPLOADED, CACHE = "run", "drawn films", "uploaded films", "cache"
# What folders of films that were uploaded begin with; then comes what nobody guesses.
UPLOADED_PREFIX = "uploaded-"
_BESIDE = ("-wal", "-shm", "-journal")


@dataclass(frozen=True)
class StoredItem:
    """A run, a set of drawn films, or something else that can be made again.

    Attributes:
        kind: `RUN`, `PHANTOMS`, `UPLOADED` or `CACHE`.
        name: Of its folder or file.
        path: Where it lies.
        bytes: What it takes on the disk.
        used: When anything in it was last written, in seconds since 1970.
    """

    kind: str
    name: str
    path: Path
    bytes: int
    used: float

    @property
    def days(self) -> float:
        """Since it was last written."""
        return max(0.0, (time.time() - self.used) / 86_400)


def list_stored() -> list[StoredItem]:
    """All that is kept in the folders of runs and caches, the largest first."""
    found = []
    for folder, kind_of in ((runs_folder(), lambda name: RUN), (cache_folder(), _kind_in_cache)):
        for path in _entries(folder):
            sizes, times = zip(*map(_measure, (path, *_companions(path))), strict=True)
            size, used = sum(sizes), max(times)
            found.append(StoredItem(kind_of(path.name), path.name, path, size, used))
    return sorted(found, key=lambda one: -one.bytes)


def delete(kept: StoredItem, at_work: Callable[[Path], bool]) -> int:
    """Deletes what is kept; the bytes that are free by that.

    Args:
        kept: Of `list_stored`.
        at_work: Whether a process works in a folder.

    Raises:
        StorageError: If one does, or it lies no longer where runs and caches do.
    """
    path = kept.path
    homes = [folder.absolute() for folder in (runs_folder(), cache_folder())]
    if path.absolute().parent not in homes or path.is_symlink():
        raise StorageError(f"{path}: expected something in {homes[0]} or {homes[1]}.")
    if any(at_work(folder) for folder in _job_folders(path)):
        raise StorageError(f"{path.name}: a process is at work there. Stop it first.")
    if not path.is_dir():
        for one in (path, *_companions(path)):
            one.unlink(missing_ok=True)
        return kept.bytes
    # Renamed first: what is half deleted is taken for a run or for films by nobody.
    gone = path.with_name(f".deleted-{path.name}-{time.time_ns()}")
    try:
        os.replace(path, gone)
    except FileNotFoundError:
        return 0  # Somebody else was first.
    shutil.rmtree(gone)
    return kept.bytes


def expire(
    days: float, at_work: Callable[[Path], bool], kinds: tuple[str, ...]
) -> list[StoredItem]:
    """Deletes what was not written for so many days; what it was.

    What a process works on stays.
    """
    gone = []
    for one in list_stored():
        if one.kind in kinds and one.days > days:
            if any(at_work(folder) for folder in _job_folders(one.path)):
                continue
            delete(one, at_work)
            gone.append(one)
    return gone


def check_space(folder: Path) -> None:
    """Whether a job may begin that writes into a folder.

    Raises:
        StorageError: If too little of the disk is free, or what is kept takes as much as it may.
    """
    most, home = limits(), folder
    while not home.exists():
        home = home.parent
    free = shutil.disk_usage(home).free
    if free < most.free_gb * GB:
        raise StorageError(
            f"{home}: expected at least {most.free_gb:g} GB that are free before a job starts. "
            f"There are {free / GB:.1f} GB. Delete what is no longer needed, then start again; or "
            f"ask for less (free_gb of {XRAYCORE_LIMITS})."
        )
    taken = sum(one.bytes for one in list_stored())
    if taken > most.disk_gb * GB:
        raise StorageError(
            f"Runs, drawn films and caches take {taken / GB:.1f} GB, and may take "
            f"{most.disk_gb:g} GB. Delete some, then start again; or allow more (disk_gb of "
            f"{XRAYCORE_LIMITS})."
        )


def format_bytes(number: float) -> str:
    """A number of bytes in the unit that suits it.

    >>> format_bytes(999), format_bytes(1_500_000), format_bytes(2_345_000_000)
    ('1 kB', '1.5 MB', '2.3 GB')
    """
    for unit, size in (("GB", 1e9), ("MB", 1e6)):
        if number >= size:
            return f"{number / size:,.1f} {unit}"
    return f"{number / 1e3:,.0f} kB"


def _kind_in_cache(name: str) -> str:
    if name.startswith(UPLOADED_PREFIX):
        return UPLOADED
    return PHANTOMS if name.startswith("phantoms-") else CACHE


def _entries(folder: Path) -> Iterator[Path]:
    try:
        paths = sorted(path for path in folder.iterdir() if not path.is_symlink())
    except (FileNotFoundError, NotADirectoryError):
        return
    yield from (path for path in paths if not path.name.endswith(_BESIDE))


def _companions(path: Path) -> list[Path]:
    """What SQLite keeps beside a database: it goes with it, or the next one would be damaged."""
    return [beside for end in _BESIDE if (beside := path.with_name(f"{path.name}{end}")).is_file()]


def _measure(path: Path) -> tuple[int, float]:
    """Bytes on the disk, of a file with holes those that it has, and when it was last written."""
    size = used = 0.0
    for one in (path, *path.rglob("*")) if path.is_dir() else (path,):
        try:
            state = one.lstat()
        except OSError:
            continue  # Deleted meanwhile, or another user's.
        size += 512 * state.st_blocks if hasattr(state, "st_blocks") else state.st_size
        used = max(used, state.st_mtime)
    return int(size), used


def _job_folders(path: Path) -> Iterator[Path]:
    """A folder and those in it in which jobs work: a run's promotion, a search for a rate."""
    if path.is_dir():
        yield path
        yield from (folder for folder in path.iterdir() if folder.is_dir())
