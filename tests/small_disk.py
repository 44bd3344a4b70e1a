"""A disk of a few megabytes, and how it gets full."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def mounted(folder: Path, megabytes: int) -> Iterator[Path]:
    """A folder on a disk of its own; only root may make one, so that others skip the test."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount the small disk that this test fills")
    folder.mkdir()
    options = ["-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", folder]
    made = subprocess.run(["mount", *options], capture_output=True, text=True, check=False)
    if made.returncode:
        pytest.skip(f"no small disk can be mounted here: {made.stderr.strip()}")
    try:
        yield folder
    finally:
        # Lazily: something under test may still hold a file open.
        subprocess.run(["umount", "--lazy", folder], check=True)


def fill(folder: Path, left: int = 0) -> Path:
    """Fills the disk of a folder up to that many bytes; the file that does."""
    file = folder / "what-others-keep"
    with file.open("wb") as handle:
        size = os.statvfs(folder).f_bavail * os.statvfs(folder).f_frsize - left
        handle.write(bytes(size))
    return file
