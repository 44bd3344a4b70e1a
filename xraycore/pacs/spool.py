"""A folder in which films wait: what was acknowledged is on the disk, and every step is one rename.

    received/<name>.dcm     acknowledged to who sent it, not yet scored
    outgoing/<name>/        objects of a scored film, not yet taken by the PACS
    failed/<name>.dcm       what cannot be scored, with <name>.txt that says why
    done/<name>             empty: scored and written back; the same film is not scored again

A film whose objects lie in `outgoing` is scored, whether or not it still lies in `received`: a
process that is killed between the two goes on where it was.
"""

import hashlib
import os
import shutil
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout
from pydicom import dcmread
from pydicom.dataset import Dataset

from xraycore.config import limits
from xraycore.errors import JobError, StorageError
from xraycore.utils.files import PART, make_private_folder, replacing, sync, write_text

GB = 1e9
_PARTS = ("received", "outgoing", "failed", "done")


@dataclass(frozen=True)
class Waiting:
    """How many films are where."""

    received: int
    outgoing: int
    failed: int
    done: int


class Spool:
    """The films that wait in a folder, of one process at a time.

    Attributes:
        folder: Where.
        most_gb: What it may hold before films are refused.
    """

    def __init__(self, folder: Path, most_gb: float):
        self.folder, self.most_gb = folder, most_gb
        # All that films say of patients lies here.
        make_private_folder(folder)
        for part in _PARTS:
            make_private_folder(folder / part)
        self._lock = FileLock(folder / ".lock", timeout=0)
        try:
            self._lock.acquire()
        except Timeout:
            raise JobError(f"{folder}: another process works in this spool.") from None
        self._sweep()
        # Films come in several threads, and are worked on in another.
        self._counting = threading.Lock()
        self._bytes = sum(
            file.stat().st_size for part in _PARTS[:3] for file in _files(folder / part)
        )

    def close(self) -> None:
        """Lets another process work in it."""
        self._lock.release()

    def check_room(self, size: int) -> None:
        """Whether a film of so many bytes may be taken.

        Raises:
            StorageError: If the spool would hold more than it may, or the disk is nearly full.
        """
        free = shutil.disk_usage(self.folder).free - size
        if self._bytes + size > self.most_gb * GB or free < limits().free_gb * GB:
            raise StorageError(
                f"{self.folder}: no room for {size / 1e6:.1f} MB: it holds {self._bytes / GB:.2f} "
                f"of {self.most_gb:g} GB, and {free / GB:.1f} GB of the disk would be free."
            )

    def receive(self, instance: str, data: bytes) -> str:
        """Puts a film in; once this returns, it is on the disk for good. Gives its name.

        Raises:
            StorageError: If there is no room.
        """
        name = hashlib.sha256(instance.encode()).hexdigest()[:32]
        if self._is_known(name):
            return name
        self.check_room(len(data))
        with replacing(self.folder / "received" / f"{name}.dcm") as part:
            part.write_bytes(data)
        self._count(len(data))
        return name

    def received(self) -> list[Path]:
        """Films to score, those that came first first."""
        return sorted(_finished(self.folder / "received"), key=lambda one: one.stat().st_mtime_ns)

    def keep_objects(self, film: Path, objects: Iterable[Dataset]) -> None:
        """Has the objects of a scored film wait for the PACS in its place."""
        place = self.folder / "outgoing" / film.stem
        if not place.is_dir():
            part = place.with_name(f"{PART}{film.stem}")
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir()
            for number, one in enumerate(objects):
                file = part / f"{number}.dcm"
                one.save_as(file, enforce_file_format=True)
                sync(file)
            sync(part)
            os.replace(part, place)
            sync(place.parent)
            self._count(sum(file.stat().st_size for file in _files(place)))
        self._drop(film)

    def fail(self, film: Path, why: str) -> None:
        """Puts a film aside that cannot be scored, with why."""
        write_text(self.folder / "failed" / f"{film.stem}.txt", why + "\n")
        os.replace(film, self.folder / "failed" / film.name)
        sync(film.parent)

    def outgoing(self) -> Iterator[tuple[str, list[Path]]]:
        """Scored films, and the files of their objects that the PACS has not yet taken."""
        places = (one for one in (self.folder / "outgoing").iterdir() if one.is_dir())
        for place in sorted(places, key=lambda one: one.stat().st_mtime_ns):
            if not place.name.startswith(PART):
                yield place.name, sorted(place.glob("*.dcm"))

    def sent(self, file: Path) -> None:
        """Notes that the PACS has taken an object."""
        self._drop(file)

    def finish(self, name: str) -> None:
        """Notes that the PACS has all of a film."""
        (self.folder / "done" / name).touch()
        sync(self.folder / "done")
        shutil.rmtree(self.folder / "outgoing" / name)

    def count(self) -> Waiting:
        """How many films are where."""
        failed = [one for one in _finished(self.folder / "failed") if one.suffix == ".dcm"]
        return Waiting(
            len(self.received()),
            sum(1 for _ in self.outgoing()),
            len(failed),
            sum(1 for _ in (self.folder / "done").iterdir()),
        )

    def _is_known(self, name: str) -> bool:
        return any(
            (self.folder / place).exists()
            for place in (f"received/{name}.dcm", f"outgoing/{name}", f"done/{name}")
        )

    def _count(self, more: int) -> None:
        with self._counting:
            self._bytes += more

    def _drop(self, file: Path) -> None:
        self._count(-file.stat().st_size)
        file.unlink()
        sync(file.parent)

    def _sweep(self) -> None:
        """Takes away what a process was writing when it ended; nothing of it was acknowledged."""
        for part in _PARTS[:3]:
            for one in (self.folder / part).glob(f"{PART}*"):
                shutil.rmtree(one) if one.is_dir() else one.unlink()


def read_object(file: Path) -> Dataset:
    """An object that waits for the PACS."""
    return dcmread(file)


def _finished(folder: Path) -> list[Path]:
    return [one for one in folder.iterdir() if one.is_file() and not one.name.startswith(PART)]


def _files(folder: Path) -> list[Path]:
    return [one for one in folder.rglob("*") if one.is_file()]
