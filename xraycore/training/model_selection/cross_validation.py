"""Cross-validation: each fold of patients is held out of one training, and judged once by it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

from xraycore.datasets.folds import FEWEST, MOST
from xraycore.datasets.manifest import Manifest
from xraycore.datasets.splits import trainable_classes
from xraycore.errors import ArgumentError, DatasetError
from xraycore.jobs.engines import Engine
from xraycore.metrics.significance import fold_mean
from xraycore.models.architectures import build_network
from xraycore.training.batches import load_images
from xraycore.training.config import TrainingConfig
from xraycore.training.learner import compile_for, set_trainable
from xraycore.training.model_selection.tasks import TrainingTask, run_tasks
from xraycore.training.plan import Plan, is_name
from xraycore.training.run import Run
from xraycore.training.runs import best_row
from xraycore.training.trainer import ONE_AT_A_TIME
from xraycore.training.validation import internal_scores, predict
from xraycore.utils.checkpoints import load_weights
from xraycore.utils.precision import computing_in
from xraycore.utils.progress import Progress, ProgressCallback, ignore, part_of

# Score of held-out films -> what it is called; heat where lesions are drawn.
SCORES = {
    "val_auc": "auc",
    "val_accuracy": "accuracy",
    "val_loss": "loss",
    "val_inside": "inside",
    "heat_val": "heat",
    "hit_val": "hit",
}


def cross_validate(
    plan: Plan,
    folds: int,
    folder: Path,
    name: str,
    *,
    engine: Engine | None = None,
    report: ProgressCallback = ignore,
) -> dict[str, Any]:
    """Trains once without each fold, judges that, and returns scores with intervals over folds.

    The test films of the data sets are not opened. A fold has no say in its training: the epoch is
    chosen on a fifth of the other films. Resumable, a folder a fold.

    Args:
        plan: What is trained, without a fold.
        folds: How many; each takes part of every class of every source.
        folder: Where the runs go.
        name: What their folders' names begin with.
        engine: Where they are trained, see `run_tasks`.
        report: Called after every batch, or after every fold of an engine.

    Returns:
        `text`, `films` (fingerprint of each fold's), `folds` (a row each: `fold`, `run`, `films`,
        `epochs`, `chosen`, its epoch's history row, and `held_out`, scores) and `scores`, each as
        `fold_mean` gives it: `auc` (macro, one against the rest), `accuracy`, `loss`, `inside`
        (share of evidence in the lungs), and where lesions are drawn `heat` and `hit`.

    Raises:
        ArgumentError: If folds are too few or too many, or the plan has one.
        DatasetError: If a class has too few patients to be in every fold.
    """
    if plan.fold:
        raise ArgumentError(f"cross-validation makes its folds itself. Received: {plan.fold}")
    if not FEWEST <= folds <= MOST:
        raise ArgumentError(f"folds must be {FEWEST} to {MOST}. Received: {folds}")
    if not is_name(f"{name}-fold-1"):
        raise ArgumentError(f"its name must be one of runs. Received: {name!r}")
    plans = [replace(plan, fold=f"{number}/{folds}") for number in range(1, folds + 1)]
    manifests = [one.manifest() for one in plans]
    for one, manifest in zip(plans, manifests, strict=True):
        _check_fold(one, manifest)
    tasks = [
        TrainingTask(one, manifest.fingerprint(), folder / f"{name}-fold-{number}")
        for number, (one, manifest) in enumerate(zip(plans, manifests, strict=True), 1)
    ]
    rows: list[dict[str, Any]] = []

    def report_part(progress: Progress) -> None:
        part_of(report, len(rows), folds)(progress)

    for row in run_tasks(train_fold, tasks, engine, report_part):
        rows.append(row)
        report(Progress(len(rows) / folds, f"fold {row['fold']}"))
    rows.sort(key=lambda row: int(row["fold"].partition("/")[0]))
    return {
        "text": (
            f"{plan.spec.title}, preset {plan.preset}, {folds} folds of patients, seed "
            f"{plan.seed}. Each fold is judged once, by a network that was neither trained on it "
            "nor chosen by it; test films are not opened. 95 % intervals over folds, corrected for "
            "what their trainings share (Nadeau & Bengio 2003)."
        ),
        "films": [task.films for task in tasks],
        "folds": rows,
        "scores": _summarise(rows),
    }


def train_fold(task: TrainingTask, report: ProgressCallback = ignore) -> dict[str, Any]:
    """Trains without a fold and judges it: its row."""
    run, manifest = task.train(report)
    state = run.state()
    return {
        "fold": task.plan.fold,
        "run": task.folder.name,
        "films": {split: len(manifest.split(split)) for split in ("train", "val", "test")},
        "epochs": state.total_epochs,
        "chosen": dict(best_row(state.history)),
        "held_out": judge(run, task.plan, manifest),
    }


def judge(run: Run, plan: Plan, manifest: Manifest) -> dict[str, float]:
    """Scores of a finished run's best weights on the manifest's test films, see `SCORES`."""
    recipe, classes = TrainingConfig.from_json(run.config["recipe"]), run.config["classes"]
    stage = recipe.stages[-1]
    with ONE_AT_A_TIME, computing_in(run.config["precision"]):
        films = load_images(manifest.split("test"), stage.size, recipe.view)
        network = build_network(plan.spec, len(classes), size=stage.size, dropout=recipe.dropout)
        set_trainable(network, stage, freeze_batch_norm=recipe.freeze_batch_norm)
        load_weights(network, run.best_weights)
        schedule = keras.optimizers.schedules.CosineDecay(stage.learning_rate, 1)
        learner = compile_for(network, recipe, schedule, classes)
        found = internal_scores(predict(learner, films, classes))
    return {SCORES[name]: round(value, 5) for name, value in found.items()}


def _check_fold(plan: Plan, manifest: Manifest) -> None:
    classes = trainable_classes(manifest)
    films = Counter(record.label for record in manifest.split("test"))
    if missing := [name for name in classes if not films[name]]:
        raise DatasetError(
            f"expected films of every class in fold {plan.fold}; there is none of "
            f"{', '.join(missing)}: take fewer folds."
        )


def _summarise(rows: Sequence[dict[str, Any]]) -> dict[str, dict[str, float | int]]:
    ratio = float(np.mean([row["films"]["test"] / row["films"]["train"] for row in rows]))
    scores = {}
    for name in SCORES.values():
        values = [row["held_out"][name] for row in rows if name in row["held_out"]]
        if len(values) > 1 and np.isfinite(values).all():
            found = fold_mean(values, ratio)
            if name != "loss":  # All others are shares.
                found |= {"low": max(0.0, found["low"]), "high": min(1.0, found["high"])}
            scores[name] = {key: round(value, 5) for key, value in found.items()}
    return scores
