"""Transfer learning in stages, resumable after every epoch, on any Keras backend."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from xraycore.anatomy.segmenter import segmenter_sha256
from xraycore.datasets.manifest import Manifest
from xraycore.datasets.splits import trainable_classes
from xraycore.errors import ArgumentError
from xraycore.models.architectures import build_network
from xraycore.models.pretrained import load_pretrained
from xraycore.models.spec import ModelSpec
from xraycore.training.batches import BatchSequence, ImageArray, load_images
from xraycore.training.callbacks import ReportProgress
from xraycore.training.config import TrainingConfig
from xraycore.training.distillation import check_teachers, size_for, teach
from xraycore.training.learner import (
    averaged,
    compile_for,
    computing_in,
    reseed_dropout,
    resolve_precision,
    set_trainable,
)
from xraycore.training.phantoms import check_phantoms, phantom_films
from xraycore.training.run import Run, State, environment
from xraycore.training.validation import DIVERGED, check_external, scores_of, selection_score
from xraycore.utils.progress import ProgressCallback, ignore, part_of


def train(
    manifest: Manifest,
    spec: ModelSpec,
    recipe: TrainingConfig,
    folder: str | Path,
    *,
    weights: str = "none",
    external: Sequence[Manifest] = (),
    teachers: Sequence[str] = (),
    precision: str = "auto",
    seed: int = 0,
    resume: bool = False,
    command: str | None = None,
    report: ProgressCallback = ignore,
) -> Run:
    """Trains a network and leaves everything in a run's folder.

    Args:
        manifest: Records with their splits (`read_splits`); only train and val are read.
        spec: What to train, ended where it is to be (see `get_spec`).
        recipe: How.
        folder: Where to; created.
        weights: Start, see `load_pretrained`.
        external: Data sets that are never trained on, to choose the best epoch by.
        teachers: Shipped models whose probabilities are imitated too.
        precision: "float32", "mixed_bfloat16", or "auto" (see `resolve_precision`).
        seed: Of initial weights, order and augmentation.
        resume: Go on where the folder's run stopped.
        command: Command line to note down.
        report: Called after every batch.

    Raises:
        DatasetError: If there are fewer than two classes, or one of them has no film to train or
            to validate on.
        ArgumentError: If the folder holds another run, the starting weights, a teacher or the
            external films do not fit, or the loss diverges.
        WeightsError: If a teacher has no trained weights.
    """
    # What does not fit says so before a folder is made and thousands of films are read.
    classes = trainable_classes(manifest)
    check_teachers(teachers, classes, recipe.view)
    if recipe.phantoms:
        check_phantoms(classes)
    check_external([one.records for one in external], classes)
    precision = resolve_precision(precision)
    run = Run(Path(folder))
    if weights != "none" and not (run.folder / "run.json").exists():
        load_pretrained(
            build_network(spec, len(classes), size=recipe.stages[0].size), spec, weights
        )
    state = run.start(
        {
            "model": spec.name,
            "end": spec.end,
            "classes": list(classes),
            "recipe": recipe.to_json(),
            "teachers": list(teachers),
            "chosen_on": [one.fingerprint() for one in external],
            "seed": seed,
            "start": Path(weights).name,
            "precision": precision,
            "manifest_sha256": manifest.fingerprint(),
            "lungs_sha256": segmenter_sha256(),
            "split_sizes": manifest.counts(),
            "command": command,
            "environment": environment(),
        },
        resume=resume,
    )
    if state.stage == len(recipe.stages):
        return run
    data = _read(run, manifest, external, recipe, classes, teachers, report)
    with computing_in(run.config["precision"]):
        while state.stage < len(recipe.stages):
            keras.utils.set_random_seed(seed + state.total_epochs)
            _train_stage(run, state, spec, recipe, data, weights, seed, report)
    return run


@dataclass(frozen=True)
class Data:
    """What a run trains on, validates on and chooses by."""

    classes: tuple[str, ...]
    train: ImageArray
    val: ImageArray
    external: tuple[ImageArray, ...]
    teacher: np.ndarray | None


def _train_stage(
    run: Run,
    state: State,
    spec: ModelSpec,
    recipe: TrainingConfig,
    data: Data,
    weights: str,
    seed: int,
    report: ProgressCallback,
) -> None:
    stage, classes = recipe.stages[state.stage], data.classes
    network = build_network(spec, len(classes), size=stage.size, dropout=recipe.dropout)
    set_trainable(network, stage, freeze_batch_norm=recipe.freeze_batch_norm)
    train_films, val_films = data.train.at(stage.size), data.val.at(stage.size)
    external = [films.at(stage.size) for films in data.external]
    steps = -(-len(train_films.records) // recipe.batch_size)
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0,
        decay_steps=max(1, round(stage.epochs * steps * (1 - recipe.warmup))),
        warmup_target=stage.learning_rate,
        warmup_steps=max(1, round(stage.epochs * steps * recipe.warmup)),
    )
    learner = compile_for(network, recipe, schedule, classes)
    if state.epoch:
        learner.load_weights(run.last_weights(state))
        if state.stale == 0:
            # The last epoch is the best one; a kill may have come before it was saved as such.
            with averaged(learner):
                run.save_best(network)
    elif state.stage:
        network.load_weights(run.best_weights)
    else:
        load_pretrained(network, spec, weights)

    while state.epoch < stage.epochs and state.stale < recipe.patience:
        began = time.monotonic()
        batches = BatchSequence(
            train_films,
            classes,
            learner.outputs[1].shape[1:3],
            batch_size=recipe.batch_size,
            augmentation=recipe.augmentation,
            balance=recipe.balance,
            painted=recipe.painted,
            teacher=data.teacher,
            seed=seed,
            epoch=state.total_epochs,
        )
        reseed_dropout(network, seed, state.total_epochs)
        follow = ReportProgress(recipe, state, len(train_films.records), report)
        fitted = learner.fit(batches, shuffle=False, verbose=0, callbacks=[follow])
        seconds = time.monotonic() - began
        if not math.isfinite(fitted.history["loss"][0]):
            raise ArgumentError(DIVERGED)
        with averaged(learner):
            home, abroad = scores_of(learner, val_films, external, classes)
        row = {
            "epoch": state.total_epochs + 1,
            "stage": stage.name,
            "size": stage.size,
            "loss": fitted.history["loss"][0],
            "accuracy": fitted.history["accuracy"][0],
            "inside": fitted.history["inside"][0],
            **home,
            **abroad,
            "choice": selection_score(home, abroad),
            "images_per_second": len(train_films.records) / seconds,
        }
        better = state.best_choice is None or row["choice"] > state.best_choice
        if better:
            state.best_choice, state.stale = row["choice"], 0
        else:
            state.stale += 1
        state.epoch += 1
        state.total_epochs += 1
        state.history.append(
            {k: round(v, 5) if isinstance(v, float) else v for k, v in row.items()}
        )
        learner.save_weights(run.last_weights(state))
        run.commit(state)
        if better:
            with averaged(learner):
                run.save_best(network)
    state.stage, state.epoch, state.best_choice, state.stale = state.stage + 1, 0, None, 0
    run.commit(state)


def _read(
    run: Run,
    manifest: Manifest,
    external: Sequence[Manifest],
    recipe: TrainingConfig,
    classes: tuple[str, ...],
    teachers: Sequence[str],
    report: ProgressCallback,
) -> Data:
    """All films of a run, read at its largest size or its teachers', and reported on as one."""
    parts = [manifest.split("train"), manifest.split("val"), *(one.records for one in external)]
    size = max(size_for(teachers), *(stage.size for stage in recipe.stages))
    total = sum(map(len, parts))
    films, before = [], 0
    for records in parts:
        share = part_of(report, before / len(records), total / len(records))
        films.append(load_images(records, size, recipe.view, share))
        before += len(records)
    if recipe.phantoms:
        made = phantom_films(recipe.phantoms, size, recipe.view, report)
        films[0] = films[0].joined(made)
    teacher = run.taught() if teachers else None
    if teachers and (teacher is None or len(teacher) != len(films[0].records)):
        teacher = teach(teachers, films[0], classes, report)
        run.save_taught(teacher)
    return Data(classes, films[0], films[1], tuple(films[2:]), teacher)
