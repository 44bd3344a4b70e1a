"""A data set that arrives as a ZIP archive: unpacked into a folder, within bounds."""

import os
import re
import secrets
import stat
import tempfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from xraycore.config import cache_folder
from xraycore.errors import DatasetError
from xraycore.imaging.archive import is_clutter
from xraycore.imaging.decoding import MAX_BYTES
from xraycore.jobs.storage import UPLOADED_PREFIX, check_space
from xraycore.utils.files import make_private_folder
from xraycore.utils.progress import Progress, ProgressCallback, ignore

# A set that is larger than this is copied to the computer by other means.
MAX_FILES, MAX_TOTAL_BYTES = 20_000, 2 * 2**30
_PIECE = 1 << 20
_PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_DAMAGED = (zipfile.BadZipFile, zlib.error, RuntimeError, EOFError, ValueError)


def unpack_dataset(name: str, data: BinaryIO, report: ProgressCallback = ignore) -> Path:
    """The folder that an archive was unpacked into, in the cache, under a name nobody guesses.

    An archive that holds a single folder becomes that folder. Hidden files and the like are passed
    over; so are links, for they lead elsewhere.

    Args:
        name: Of the archive.
        data: It, open for reading.
        report: Called after each file; what it raises stops the work, and nothing is kept.

    Raises:
        DatasetError: If it is no ZIP archive, a name in it leads out of the folder, it holds too
            much, or a file in it is damaged.
        StorageError: If the disk has no room.
    """
    home = cache_folder()
    make_private_folder(home)
    check_space(home)
    stem = re.sub(r"[^\w .-]", "-", PurePosixPath(name).stem).strip(" .") or "films"
    final = home / f"{UPLOADED_PREFIX}{secrets.token_hex(8)}"
    with tempfile.TemporaryDirectory(prefix=final.name, suffix=".part", dir=home) as own:
        part = Path(own) / "whole"
        make_private_folder(part)
        inner = part / stem
        inner.mkdir()
        try:
            with zipfile.ZipFile(data) as archive:
                _extract(name, archive, inner, report)
        except _DAMAGED as error:
            raise DatasetError(f"{name}: expected a ZIP archive. Received: {error}") from None
        os.replace(part, final)
    return _only_folder(final / stem)


def _extract(name: str, archive: zipfile.ZipFile, folder: Path, report: ProgressCallback) -> None:
    members = [
        one
        for one in archive.infolist()
        if not one.is_dir() and not is_clutter(one.filename) and not _is_link(one)
    ]
    total = sum(one.file_size for one in members)
    if len(members) > MAX_FILES or total > MAX_TOTAL_BYTES:
        raise DatasetError(
            f"{name}: expected an archive of at most {MAX_FILES:,} files and "
            f"{MAX_TOTAL_BYTES / 2**30:.0f} GiB. Received: {len(members):,} files, "
            f"{total / 2**30:.1f} GiB"
        )
    if not members:
        raise DatasetError(f"{name}: expected films. Received an empty archive")
    left = MAX_TOTAL_BYTES
    for done, member in enumerate(members, start=1):
        target = folder / _safe_path(name, member.filename)
        target.parent.mkdir(parents=True, exist_ok=True)
        left -= _write(name, archive, member, target, min(left, MAX_BYTES))
        report(Progress(done / len(members), f"unpacking, {done:,} of {len(members):,} files"))


def _write(
    name: str, archive: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path, most: int
) -> int:
    """Bytes that were written; no more than is allowed, whatever the archive tells."""
    if member.compress_type not in _PACKED:
        raise DatasetError(
            f"{name}: {member.filename}: expected plain ZIP packing (deflate). Received: method "
            f"{member.compress_type}"
        )
    written = 0
    with archive.open(member) as packed, target.open("xb") as file:
        while piece := packed.read(_PIECE):
            written += len(piece)
            if written > most:
                raise DatasetError(
                    f"{name}: {member.filename}: expected at most {most / 2**20:,.0f} MiB. "
                    "Received more"
                )
            file.write(piece)
    return written


def _safe_path(name: str, path: str) -> PurePosixPath:
    """A member's place below the folder.

    Raises:
        DatasetError: If it leads out of it.
    """
    inner = PurePosixPath(path.replace("\\", "/"))
    bad = inner.is_absolute() or ".." in inner.parts or re.match(r"[A-Za-z]:", path)
    if bad or any(len(part.encode()) > 200 for part in inner.parts):
        raise DatasetError(f"{name}: expected names inside the archive. Received: {path[:200]!r}")
    return inner


def _is_link(member: zipfile.ZipInfo) -> bool:
    return stat.S_ISLNK(member.external_attr >> 16)


def _only_folder(folder: Path) -> Path:
    """The one folder in it that holds all, or it itself."""
    inner = list(folder.iterdir())
    splits = {"train", "val", "valid", "validation", "test", "testing", "training"}
    if len(inner) == 1 and inner[0].is_dir() and inner[0].name.lower() not in splits:
        below = list(inner[0].iterdir())
        if any(one.is_dir() for one in below):
            return inner[0]
    return folder
