"""A search for a training's settings: each trial a run, chosen by its validation films alone."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import optuna
from filelock import FileLock, Timeout
from optuna.trial import TrialState

from xraycore.datasets.splits import trainable_classes
from xraycore.errors import ArgumentError, DivergedError, JobError
from xraycore.jobs.engines import Engine
from xraycore.training.model_selection.space import (
    Range,
    choose_ranges,
    read_changes,
    starting_values,
)
from xraycore.training.model_selection.tasks import TrainingTask, run_tasks
from xraycore.training.plan import Plan, is_name
from xraycore.training.run import Run
from xraycore.training.runs import best_row
from xraycore.utils.progress import Progress, ProgressCallback, ignore, part_of

STUDY = "xraycore"
# What the study holds of what it was asked for.
_ASKED = "asked"
# What a trial is called in the table; one that was killed is running until it is gone on with.
_STATES = {TrialState.COMPLETE: "finished", TrialState.FAIL: "diverged"}


def search(
    plan: Plan,
    trials: int,
    folder: Path,
    name: str,
    storage: Path,
    *,
    over: Sequence[str] = (),
    engine: Engine | None = None,
    report: ProgressCallback = ignore,
) -> dict[str, Any]:
    """Trains with other settings each time and returns the trials, ranked by their best epochs.

    The first trial has the settings of the plan itself; others are proposed by Optuna (Akiba et al.
    2019, arXiv:1907.10902; tree-structured Parzen estimator, Bergstra et al. 2011). Resumable: what
    a kill left unfinished goes on where it was, and more trials go on from those that there are.

    Args:
        plan: What is trained, but for what is searched.
        trials: How many in all.
        folder: Where the runs go.
        name: What their folders' names begin with.
        storage: SQLite file of the study; other programs of Optuna read it too.
        over: What is searched, see `choose_ranges`.
        engine: Where they are trained, see `run_tasks`.
        report: Called after every batch, or after every trial of an engine.

    Returns:
        `text`, `films` (fingerprint), `space` (name -> range) and `trials`, best first: `run`,
        `state` ("finished", "diverged" or "running"), `choice` (see `selection_score`), `changes`
        and `best`, the history row of its best epoch.

    Raises:
        ArgumentError: If the storage holds another search, or there is nothing to search.
        DatasetError: If the films cannot be trained on.
        JobError: If another process searches with that storage.
    """
    if not is_name(f"{name}-trial-1"):
        raise ArgumentError(f"a search's name must be one of runs. Received: {name!r}")
    manifest = plan.manifest()
    trainable_classes(manifest)
    drawn = any(record.lesion is not None for record in manifest.split("train"))
    space = choose_ranges(plan, over, lesions=drawn)
    films = manifest.fingerprint()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    storage.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(f"{storage}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise JobError(f"{storage}: another process searches with it: wait for it.") from None
    try:
        study = _open_study(plan, films, space, storage)

        def task_of(number: int, values: Mapping[str, Any]) -> TrainingTask:
            changed = replace(plan, changes={**plan.changes, **read_changes(values)})
            return TrainingTask(changed, films, folder / f"{name}-trial-{number + 1}")

        def tasks() -> Iterator[TrainingTask]:
            for trial in study.get_trials(states=[TrialState.RUNNING]):
                yield task_of(trial.number, trial.params)
            while (asked := _asked(study)) < trials:
                # Anew for each, so that a search that was killed does not draw the same again.
                study.sampler = optuna.samplers.TPESampler(seed=plan.seed + asked)
                proposed = study.ask(dict(space))
                yield task_of(proposed.number, proposed.params)

        def report_part(progress: Progress) -> None:
            part_of(report, _ended(study), trials)(progress)

        for run, choice in run_tasks(train_trial, tasks(), engine, report_part):
            number = int(run.rpartition("-")[2]) - 1
            if choice is None:
                study.tell(number, state=TrialState.FAIL)
            else:
                study.tell(number, choice)
            report(Progress(min(1.0, _ended(study) / trials), run))
        rows = [_row(one, folder / f"{name}-trial-{one.number + 1}") for one in study.trials]
    finally:
        lock.release()
    ranked = sorted(rows, key=lambda row: -math.inf if row["choice"] is None else row["choice"])
    return {
        "text": (
            f"{plan.spec.title}, preset {plan.preset}, {len(rows)} trials over {', '.join(space)}, "
            f"seed {plan.seed}; ranked by the score that chooses the epoch. The best of many is "
            "luckier than it is good: cross-validate it. No test film was opened."
        ),
        "films": films,
        "space": {key: _described(one) for key, one in space.items()},
        "trials": ranked[::-1],
    }


def train_trial(task: TrainingTask, report: ProgressCallback = ignore) -> tuple[str, float | None]:
    """Name of a trial's run and the choice of its best epoch; None where it diverged."""
    try:
        run, _ = task.train(report)
    except DivergedError:
        return task.folder.name, None
    choice = float(best_row(run.state().history)["choice"])
    return task.folder.name, choice if math.isfinite(choice) else None


def _open_study(plan: Plan, films: str, space: Mapping[str, Range], storage: Path) -> optuna.Study:
    """The study of a file, begun with the plan's own settings; checked to be of this search."""
    study = optuna.create_study(
        storage=f"sqlite:///{storage.absolute()}",
        study_name=STUDY,
        direction="maximize",
        load_if_exists=True,
    )
    asked = {
        "plan": {key: str(value) for key, value in asdict(plan).items()},
        "films": films,
        "space": {key: str(one) for key, one in space.items()},
    }
    before = study.user_attrs.get(_ASKED)
    if before is None:
        study.set_user_attr(_ASKED, asked)
        if begin := starting_values(plan, space):
            study.enqueue_trial(begin)
    elif apart := [key for key, value in asked.items() if before.get(key) != value]:
        raise ArgumentError(
            f"{storage}: expected the search that it was begun with ({', '.join(apart)} differ). "
            "Name another --out."
        )
    return study


def _asked(study: optuna.Study) -> int:
    return sum(one.state != TrialState.WAITING for one in study.trials)


def _ended(study: optuna.Study) -> int:
    return sum(one.state.is_finished() for one in study.trials)


def _row(trial: optuna.trial.FrozenTrial, folder: Path) -> dict[str, Any]:
    return {
        "run": folder.name,
        "state": _STATES.get(trial.state, "running"),
        "choice": trial.value if trial.state == TrialState.COMPLETE else None,
        "changes": read_changes(trial.params),
        "best": dict(best_row(Run(folder).state().history)),
    }


def _described(one: Range) -> dict[str, Any]:
    return {key: list(v) if isinstance(v, tuple) else v for key, v in vars(one).items()}
