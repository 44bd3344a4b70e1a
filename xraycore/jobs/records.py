"""Who works in which folder: kept by the app, never in the folder itself.

A folder may come from anybody. A number of a process that it names would be ended by *Stop*, and a
link in it would have the app write elsewhere.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock

from xraycore.config import state_folder
from xraycore.errors import JobError
from xraycore.utils.files import make_private_folder, write_json
from xraycore.utils.stored import Count, Share, Stored, Text, read_stored

# Where versions before this one kept the record, in the job's folder. It is read for what was asked
# for, never for who is at work.
FORMER = "job.json"


class JobRecord(Stored):
    """The process that works in a folder, and what it was started with."""

    pid: Count
    began: Text
    started: float | None = None
    arguments: list[Text] = []
    stop_asked: bool = False
    folder: Text | None = None
    owner: Text = ""


class FormerRecord(Stored):
    """What a folder says of itself."""

    pid: Count
    began: Text
    arguments: list[Text] = []
    cwd: Text = ""
    stop_asked: bool = False


class ProgressNote(Stored):
    """How far a process says it is."""

    pid: Count
    activity: Text = ""
    done: Share = 0.0
    epoch: Count = 0
    epochs: Count = 0
    loss: float | None = None
    judging: bool = False
    images_per_second: float | None = None
    seconds_left: float | None = None
    end: Literal["finished", "stopped", "failed"] | None = None
    error: Text | None = None


def read_record(folder: Path) -> dict[str, Any]:
    """What the app knows of the process of a folder; empty where it started none.

    Raises:
        JobError: If what it keeps is damaged.
    """
    try:
        found = read_stored(_file(folder), JobRecord, JobError)
    except FileNotFoundError:
        return {}
    return found if found.get("folder") == _name(folder) else {}


def read_job(folder: Path) -> dict[str, Any]:
    """The same; or what a folder of a former version says of itself, where no process is at work.

    Raises:
        JobError: If that is damaged.
    """
    return read_record(folder) or _read_former(folder)


def write_record(
    folder: Path, pid: int, started: float | None, arguments: Sequence[str], owner: str = ""
) -> None:
    """Notes down who works in a folder and whose that is, and forgets folders that are gone.

    A folder that has an owner stays his, whoever stops it or lets it go on.
    """
    file = _file(folder)
    make_private_folder(file.parent)
    for other in file.parent.glob("*.json"):
        if other != file and not _is_there(other):
            other.unlink(missing_ok=True)
            other.with_suffix(".lock").unlink(missing_ok=True)
    entries = {
        "owner": read_record(folder).get("owner") or owner,
        "pid": pid,
        "started": started,
        "arguments": list(arguments),
        "began": datetime.now().isoformat(timespec="seconds"),
        "folder": _name(folder),
    }
    write_json(file, entries, durable=False)


def note_stop(folder: Path, record: dict[str, Any]) -> None:
    """Notes down that a folder's process was asked to stop."""
    write_json(_file(folder), {**record, "stop_asked": True}, durable=False)


def note_done(folder: Path, record: dict[str, Any]) -> None:
    """Notes down that a folder's process has done its work there, though it lives on."""
    write_json(_file(folder), {**record, "started": None}, durable=False)


def lock(folder: Path) -> FileLock:
    """Lets one process at a time change who works in a folder; a dead one's lock is none."""
    file = _file(folder).with_suffix(".lock")
    make_private_folder(file.parent)
    return FileLock(file)


def refuse_links(folder: Path) -> None:
    """Keeps what is written into a folder from going elsewhere.

    Raises:
        JobError: If something in it is a link.
    """
    if folder.is_dir():
        for entry in folder.iterdir():
            if entry.is_symlink():
                raise JobError(
                    f"{entry}: expected a plain file or folder. Received: a link to another place, "
                    "over which would be written."
                )


def _read_former(folder: Path) -> dict[str, Any]:
    try:
        found = read_stored(folder / FORMER, FormerRecord, JobError)
        datetime.fromisoformat(found["began"])
    except FileNotFoundError:
        return {}
    except ValueError as error:
        if isinstance(error, JobError):
            raise
        raise JobError(f"{folder / FORMER}: began: expected a time: {error}") from None
    return {**found, "started": None}


def _is_there(record: Path) -> bool:
    try:
        found = read_stored(record, JobRecord, JobError)
        return Path(found.get("folder") or "").is_dir()
    except (JobError, OSError):
        return False


def _name(folder: Path) -> str:
    return str(folder.resolve())


def _file(folder: Path) -> Path:
    digest = hashlib.sha256(_name(folder).encode(errors="surrogateescape")).hexdigest()
    return state_folder() / "jobs" / f"{digest[:32]}.json"
