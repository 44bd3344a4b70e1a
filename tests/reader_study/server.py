"""A PostgreSQL server of our own, for as long as the tests take."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def find_programs() -> Path | None:
    """The folder of initdb and postgres: of the PATH, or of the newest Debian package."""
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    folders = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    return max((file.parent for file in folders), key=lambda f: int(f.parent.name), default=None)


@contextmanager
def running_server(programs: Path) -> Iterator[str]:
    """The folder of the socket of a server that nobody else can reach."""
    folder = Path(tempfile.mkdtemp(prefix="xraycore-pg-", dir="/tmp"))
    # Root may not run it; Debian's package makes a user who may.
    user = {"user": "postgres", "group": "postgres", "extra_groups": []}
    account = {"cwd": folder, **(user if os.geteuid() == 0 else {})}
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
    initdb = [programs / "initdb", "--pgdata=data", "--username=postgres", "--auth=trust"]
    initdb += ["--encoding=UTF8", "--locale=C", "--no-sync"]
    subprocess.run(initdb, check=True, capture_output=True, **account)
    server = [programs / "postgres", "-D", "data", "-k", folder]
    server += ["-c", "listen_addresses=", "-c", "fsync=off"]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(server, stdout=log, stderr=log, **account)
    try:
        _wait_for(programs, folder, process)
        yield str(folder)
    finally:
        process.send_signal(signal.SIGQUIT)
        process.wait()
        shutil.rmtree(folder)


def _wait_for(programs: Path, folder: Path, process: subprocess.Popen) -> None:
    end = time.monotonic() + 30
    while subprocess.run([programs / "pg_isready", "-q", "-h", folder]).returncode:
        if process.poll() is not None or time.monotonic() > end:
            raise RuntimeError(f"PostgreSQL does not start: {(folder / 'log').read_text()}")
        time.sleep(0.05)
