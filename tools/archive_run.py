"""Scores a long list twice, undisturbed and killed on the way, and compares what is there.

`python -m tools.archive_run FOLDER --films 20000` lists the folder's films again and again until
they are so many, each with a UID of its own, and prints JSON: whether both runs hold the same rows,
and the memory of the undisturbed one after its first thousand films and at its end.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import cycle, islice
from pathlib import Path
from typing import Annotated

import psutil
import pyarrow.parquet as pq
import typer

from xraycore.scoring.listing import list_films
from xraycore.scoring.shards import FOLDER


def archive_run(
    folder: Annotated[Path, typer.Argument(help="Folder of small films.")],
    films: Annotated[int, typer.Option(min=100)] = 20_000,
    model: Annotated[str, typer.Option()] = "basic_cnn",
    kills: Annotated[int, typer.Option(min=1)] = 3,
    work: Annotated[Path | None, typer.Option(help="Folder for both; a new one else.")] = None,
) -> None:
    """Print what came of it, as JSON; code 1 where the runs differ or memory has grown."""
    place = work or Path(tempfile.mkdtemp(prefix="xraycore-archive-"))
    place.mkdir(parents=True, exist_ok=True)
    listed, shards = place / "list.csv", max(10, films // 1000)
    paths = sorted(film.place for film in list_films(str(folder)))
    with listed.open("w") as file:
        file.write("uid,path\n")
        file.writelines(f'1.2.{n},"{path}"\n' for n, path in enumerate(islice(cycle(paths), films)))
    command = [sys.executable, "-m", "xraycore", "score", str(listed), "--model", model]
    command += ["--shards", str(shards), "--json", "--out"]

    began = time.monotonic()
    held: dict[int, int] = {}
    with _running([*command, str(place / "undisturbed")]) as process:
        while process.poll() is None:
            done = _done(place / "undisturbed")
            held[done] = max(held.get(done, 0), _memory(process.pid))
            time.sleep(0.5)
    seconds = time.monotonic() - began
    if process.returncode:
        sys.exit(f"the undisturbed run ended with {process.returncode}")

    for number in range(1, kills + 1):
        wanted = number * shards // (kills + 1)
        with _running([*command, str(place / "killed")]) as process:
            _wait(process, lambda wanted=wanted: _done(place / "killed") >= wanted)
            os.killpg(process.pid, signal.SIGKILL)
    with _running([*command, str(place / "killed")]) as process:
        process.wait()

    same = _rows(place / "undisturbed") == _rows(place / "killed")
    # The first shard holds the films of the start; later ones, those of a process at its pace.
    first, last = held[min(done for done in held if done >= 1)], held[max(held)]
    told = {
        "films": films,
        "model": model,
        "shards": shards,
        "seconds": round(seconds, 1),
        "kills": kills,
        "same_rows": same,
        "memory_after_first_mb": round(first / 1e6, 1),
        "memory_at_end_mb": round(last / 1e6, 1),
        "grown": round(last / first - 1, 4),
        "folder": str(place),
    }
    sys.stdout.write(json.dumps(told, indent=2) + "\n")
    sys.exit(0 if same and last <= 1.1 * first else 1)


@contextmanager
def _running(command: list[str]) -> Iterator[subprocess.Popen]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait(process: subprocess.Popen, until: Callable[[], bool]) -> None:
    while process.poll() is None and not until():
        time.sleep(0.05)
    if process.poll() is not None:
        sys.exit("a run ended before it could be killed: take more films")


def _done(folder: Path) -> int:
    return len(list((folder / FOLDER).glob("part-*.parquet")))


def _memory(pid: int) -> int:
    """Bytes that a process and what it started hold for themselves."""
    try:
        own = psutil.Process(pid)
        each = [own, *own.children(recursive=True)]
        return sum(one.memory_full_info().uss for one in each)
    except psutil.Error:
        return 0


def _rows(folder: Path) -> dict[str, object]:
    files = sorted((folder / FOLDER).glob("part-*.parquet"))
    return {file.name: pq.read_table(file) for file in files}


if __name__ == "__main__":
    typer.run(archive_run)
