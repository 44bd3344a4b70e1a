"""All runs of a folder: how each stands, what it learnt, and how to go on with it."""

import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from xraycore.errors import ArgumentError, XrayCoreError
from xraycore.jobs.process import Status, launch, status
from xraycore.jobs.records import FORMER, read_job, read_record
from xraycore.models.spec import FULL
from xraycore.training.plan import Plan
from xraycore.training.run import Run, State
from xraycore.utils.paths import path_exists

# Where the job that ships a run says how far it is.
SHIPPING = "shipping"


@dataclass(frozen=True)
class RunStatus:
    """How a run stands.

    Attributes:
        name: Its folder's name.
        folder: Where it lies.
        phase: "waiting" for its turn, "starting", "running", "stopping", "stopped", "failed" or
            "finished". A run that no process works on and that is not finished is stopped, unless
            its process failed.
        config: See `Run.config`; empty while it is starting, or where it never began.
        state: The last finished epoch's.
        status: What its process says.
        problem: What cannot be read in its folder; None where all can.
    """

    name: str
    folder: Path
    phase: str
    config: Mapping = field(default_factory=dict, repr=False)
    state: State = field(default_factory=State, repr=False)
    status: Status = field(default_factory=Status, repr=False)
    problem: str | None = None

    @property
    def owner(self) -> str:
        """Who began it, see `xraycore.access.User.id`; "" where nobody signs in."""
        return str(read_record(self.folder).get("owner", ""))

    @property
    def epochs(self) -> int:
        """Epochs of all stages, if none ends early; 0 where not known."""
        return sum(stage["epochs"] for stage in self.config.get("recipe", {}).get("stages", ()))

    @property
    def done(self) -> float:
        """Share of the training in [0, 1]; what the process says, or by finished epochs."""
        if self.phase == "finished":
            return 1.0
        if self.status.alive and self.status.epoch:
            return self.status.done
        return self.state.total_epochs / self.epochs if self.epochs else 0.0

    @property
    def best(self) -> Mapping:
        """The history row of the epoch whose weights are kept; empty where there is none."""
        return best_row(self.state.history)

    @property
    def began(self) -> datetime | None:
        """When its process, or else its folder, began."""
        if self.status.began:
            return self.status.began
        try:
            return datetime.fromtimestamp((self.folder / "run.json").stat().st_mtime)
        except (OSError, ValueError, OverflowError):
            return None


def best_row(history: Sequence[Mapping]) -> Mapping:
    """The row of the epoch whose weights are kept; empty of an empty history.

    Every stage starts from the best weights of the one before and keeps its own best.
    """
    last = [row for row in history if row.get("stage") == history[-1].get("stage")]
    return max(last, key=_choice) if last else {}


def run_status(folder: Path) -> RunStatus:
    """How the run of a folder stands."""
    now = Status()
    try:
        read_job(folder)
        now = status(folder)
        there = (folder / "run.json").is_file()
        config = Run(folder).config if there else {}
        state = Run(folder).state()
        stages = len(config["recipe"]["stages"]) if there else None
    except (OSError, XrayCoreError) as error:
        # Which folder it is, is said beside it.
        problem = str(error).removeprefix(f"{folder}{os.sep}")
        return RunStatus(folder.name, folder, "failed", status=now, problem=problem)
    if now.alive:
        phase = "starting" if now.phase == "running" and not there else now.phase
    elif state.stage == stages:
        phase = "finished"
    else:
        phase = "failed" if now.phase == "failed" else "stopped"
    return RunStatus(folder.name, folder, phase, config, state, now)


def list_runs(runs: Path) -> list[RunStatus]:
    """All runs of a folder: those at work first, then the youngest."""
    folders = filter(_has_run, runs.glob("*/"))
    found = sorted(
        map(run_status, folders), key=lambda one: one.began or datetime.min, reverse=True
    )
    return sorted(found, key=lambda one: not one.status.alive)


def _has_run(folder: Path) -> bool:
    try:
        known = [folder / "run.json", folder / FORMER]
        return any(file.exists() for file in known) or bool(read_record(folder))
    except PermissionError:
        return True  # Its standing says that it may not be read.


def resume(run: RunStatus, user: str = "") -> None:
    """Goes on with a run from its last finished epoch, in a process of its own.

    Args:
        run: Which one.
        user: Who asks, see `launch`.

    Raises:
        JobError: If a process works on it, or too many jobs of the user wait.
        StorageError: If the disk has no room for it.
        ArgumentError: See `plan_of`.
    """
    arguments = plan_of(run).train_arguments(run.folder, resume=bool(run.config))
    launch(run.folder, arguments, user=user)


def plan_of(run: RunStatus) -> Plan:
    """What a run was asked for, by the command line that its folder keeps.

    Raises:
        ArgumentError: If it keeps none, or one that is none of `train`.
    """
    try:
        job = read_job(run.folder)
        words = job.get("arguments") or shlex.split(run.config.get("command") or "")[3:]
        # Jobs of before have paths as they were typed, and where that was.
        plan = Plan.parse(words, job.get("cwd", ""))
        # Runs of before have whole networks.
        return replace(plan, end=run.config.get("end", FULL)) if run.config else plan
    except ValueError as error:  # Also of quotes that do not end.
        raise ArgumentError(
            f"{run.name}: its folder does not say what it was started with ({error}): go on with "
            "it, or ship it, on the command line."
        ) from None


def shipped_into(folder: Path, model: str) -> Path | None:
    """Where weights of that model lie in a folder of models; None where they do not.

    Raises:
        ArgumentError: If that cannot be told, see `path_exists`.
    """
    place = folder / model
    return place if path_exists(place) else None


def _choice(row: Mapping) -> float:
    """What the best epoch is chosen by; older histories have the validation loss only."""
    return row["choice"] if "choice" in row else -row.get("val_loss", 0.0)
