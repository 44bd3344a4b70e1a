"""Scoring an archive of any length: planned once, shard by shard, and gone on with where it was."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from xraycore.errors import ArgumentError, JobError
from xraycore.jobs.engines import Engine
from xraycore.scoring.listing import ListedFilm, list_films
from xraycore.scoring.plan import Plan, Shard
from xraycore.scoring.setup import ScoringSetup, bind_setup
from xraycore.scoring.shards import FOLDER, shard_file
from xraycore.scoring.summary import write_summary
from xraycore.scoring.tasks import score_task
from xraycore.utils.files import PART
from xraycore.utils.progress import Progress, ProgressCallback, ignore
from xraycore.utils.text import pluralise


def score_archive(
    place: str,
    folder: Path,
    setup: ScoringSetup,
    engine: Engine,
    *,
    shards: int | None = None,
    report: ProgressCallback = ignore,
) -> dict[str, Any]:
    """Scores all films of an archive that the folder has no rows of yet; returns its summary.

    Whatever ends it, what was written is whole, and the next call goes on with the shards that are
    missing. Films that the folder knows already are not read again, whatever became of their files.

    Args:
        place: Folder, list or query, see `xraycore.scoring.listing.list_films`.
        folder: For the results; made where it is missing.
        setup: By which networks.
        engine: Where shards are scored.
        shards: How many the new films make; of 1,000 films each where None.
        report: Called after each shard.

    Raises:
        ArgumentError: If there is no such archive, it holds no film, or the folder's run is of
            another setup.
        JobError: If another process is at work in the folder.
        StorageError: If the disk is full.
    """
    folder = folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise JobError(
            f"{folder}: another process is scoring into it. Wait for it, or name another folder."
        ) from None
    try:
        bind_setup(folder, setup)
        for half in (folder / FOLDER).glob(f"{PART}*"):  # Of a run that was killed.
            half.unlink()
        with Plan(folder) as plan:
            report(Progress(0.0, "listing films"))
            plan.add(list_films(place), shards)
            count = plan.count()
            if not count:
                raise ArgumentError(f"{place}: expected films. Received: none")
            missing = [one for one in plan.shards() if not shard_file(folder, one).is_file()]
            done = count - sum(len(one.films) for one in missing)
            for result in engine.run(score_task, _tasks(plan, missing, folder, setup)):
                done += result.films
                told = f"{done:,} of {pluralise(count, 'film')}"
                report(Progress(done / count, told))
        report(Progress(1.0, "summing up"))
        return write_summary(folder)
    finally:
        lock.release()


def _tasks(
    plan: Plan, missing: list[Shard], folder: Path, setup: ScoringSetup
) -> Iterator[tuple[Path, ScoringSetup, Shard, list[ListedFilm]]]:
    for shard in missing:
        yield folder, setup, shard, plan.films_of(shard)
