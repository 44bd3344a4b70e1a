"""Files: hashes and whole writes."""

import errno
import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from xraycore.errors import StorageError

# Of a file that is being written: it is hidden, and no pattern for finished ones finds it.
PART = ".part-"


def sha256(file: Path) -> str:
    """Hex digest of a file."""
    with file.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def sha256_of(data: object) -> str:
    """Hex digest of plain values, as JSON without blanks and with sorted keys."""
    text = json.dumps(data, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


@contextmanager
def replacing(file: Path, *, durable: bool = True) -> Iterator[Path]:
    """A path beside a file to write to; what is there takes the file's place when the block ends.

    Whoever reads sees the old content or the new, never half of it, also after a power cut. If the
    block fails, the old file stays and nothing else.

    Args:
        file: What is written.
        durable: Wait for the disk; not for notes of the moment.

    Raises:
        StorageError: If the disk is full.
    """
    # The name goes on as that of the file: Keras and NumPy choose a format by how it ends.
    part = file.with_name(f"{PART}{secrets.token_hex(4)}.{file.name}")
    try:
        yield part
        if durable:
            sync(part)
        os.replace(part, file)
    except (OSError, RuntimeError) as error:  # RuntimeError: HDF5's, where it closes a file.
        if is_full(error):
            raise full_disk(file) from error
        raise
    finally:
        with suppress(FileNotFoundError):
            part.unlink()
    if durable:
        sync(file.parent)


def sync(path: Path) -> None:
    """Waits until a file, or which files lie in a folder, is on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def is_full(error: BaseException) -> bool:
    """Whether an error says that a disk is full or a quota used up, or was raised by one such.

    HDF5 says it in a text, and raises another error while it handles that one.
    """
    codes = (errno.ENOSPC, errno.EDQUOT)
    texts = [os.strerror(code) for code in codes]
    one: BaseException | None = error
    while one is not None:
        if getattr(one, "errno", None) in codes or any(text in str(one) for text in texts):
            return True
        one = one.__cause__ or one.__context__
    return False


def full_disk(file: Path) -> StorageError:
    """The error of a file that found no room."""
    free = shutil.disk_usage(file.parent).free
    return StorageError(
        f"{file}: the disk is full ({free / 1e6:,.0f} MB are free). What was saved before is kept. "
        "Delete what is no longer needed, then go on."
    )


def write_text(file: Path, text: str, *, durable: bool = True) -> None:
    """Writes a file of text whole, see `replacing`."""
    with replacing(file, durable=durable) as part:
        part.write_text(text, encoding="utf-8")


def write_json(file: Path, data: dict, *, durable: bool = True) -> None:
    """Writes a JSON file whole, see `replacing`."""
    write_text(file, json.dumps(data, indent=2, ensure_ascii=False) + "\n", durable=durable)


def make_private_folder(folder: Path) -> None:
    """Makes a folder that nobody but this user may look into; one that is there stays as it is."""
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)


def make_private_file(file: Path) -> None:
    """Makes an empty file that nobody but this user may read; one that is there keeps its content.

    For databases: what opens the file later leaves it as private as it is.
    """
    os.close(os.open(file, os.O_WRONLY | os.O_CREAT, 0o600))
