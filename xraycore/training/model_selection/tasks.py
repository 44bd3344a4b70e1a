"""A training as a task: here, or on any machine that sees the same films and folders."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from xraycore.anatomy.segmenter import segmenter_files
from xraycore.datasets.manifest import Manifest
from xraycore.errors import DatasetError
from xraycore.jobs.engines import Engine
from xraycore.jobs.process import release, show_command
from xraycore.jobs.recorder import recorded
from xraycore.models.cards import model_files
from xraycore.training.plan import Plan
from xraycore.training.run import Run
from xraycore.training.trainer import train_plan
from xraycore.utils.progress import ProgressCallback, both, ignore

Result = TypeVar("Result")


def files_for(plan: Plan) -> dict[str, Path]:
    """What a worker needs of this computer to train: the lung segmenter, and teachers.

    Raises:
        WeightsError: If a teacher has no card, or that is damaged.
    """
    found = segmenter_files()
    for name in plan.teacher:
        found |= model_files(name)
    return found


@dataclass(frozen=True)
class TrainingTask:
    """One training of several.

    Attributes:
        plan: What is trained.
        films: Fingerprint of the plan's films, where it was made.
        folder: Of the run, under the same path on all machines.
    """

    plan: Plan
    films: str
    folder: Path

    def train(self, report: ProgressCallback) -> tuple[Run, Manifest]:
        """The run, which goes on where it was, and its films.

        Raises:
            DatasetError: If other films are here than there.
        """
        manifest = self.plan.manifest()
        if manifest.fingerprint() != self.films:
            raise DatasetError(
                f"{', '.join(self.plan.datasets)}: expected the same films on all machines, for "
                f"the run {self.folder.name}. Received: others"
            )
        command = show_command(self.plan.train_arguments(self.folder))
        run = train_plan(
            self.plan, manifest, self.folder, resume=True, command=command, report=report
        )
        return run, manifest


def run_tasks(
    function: Callable[..., Result],
    tasks: Iterable[TrainingTask],
    engine: Engine | None,
    report: ProgressCallback = ignore,
) -> Iterator[Result]:
    """What a function returns of each task, in the order in which they end.

    Args:
        function: Of a task, and of a report where it is called here; of a module that workers have.
        tasks: Taken as they are needed.
        engine: Where trainings run; here, one after another, where None: then each has a record
            like any other training's, by which the app shows and stops it.
        report: Called after every batch of those that run here.
    """
    if engine:
        yield from engine.run(function, ((task,) for task in tasks))
        return
    for task in tasks:
        try:
            with recorded(task.folder, task.plan.train_arguments(task.folder)) as record:
                result = function(task, both(report, record))
        finally:
            release(task.folder)
        yield result
