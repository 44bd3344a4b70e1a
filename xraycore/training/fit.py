"""Transfer learning in stages, resumable after every epoch, on any Keras backend."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from xraycore.anatomy.segmenter import segmenter_sha256
from xraycore.data.manifest import Manifest
from xraycore.data.splits import trainable_classes
from xraycore.models.architectures import build_network
from xraycore.models.imagenet import load_start
from xraycore.models.spec import ModelSpec
from xraycore.training.choosing import check_external, choice
from xraycore.training.follow import Follow
from xraycore.training.images import Batches, Films, load_films
from xraycore.training.learner import (
    averaged,
    compile_for,
    computing_in,
    reseed_dropout,
    resolve_precision,
    set_trainable,
)
from xraycore.training.phantoms import check_phantoms, phantom_films
from xraycore.training.progress import Progress, Report
from xraycore.training.recipe import Recipe
from xraycore.training.run import Run, State, environment
from xraycore.training.teacher import check_teachers, size_for, teach
from xraycore.training.validation import DIVERGED, scores_of


def train(
    manifest: Manifest,
    spec: ModelSpec,
    recipe: Recipe,
    folder: str | Path,
    *,
    weights: str = "none",
    external: Sequence[Manifest] = (),
    teachers: Sequence[str] = (),
    precision: str = "auto",
    seed: int = 0,
    resume: bool = False,
    command: str | None = None,
    report: Report = lambda _: None,
) -> Run:
    """Trains a network and leaves everything in a run's folder.

    Args:
        manifest: Records with their splits (`read_splits`); only train and val are read.
        spec: What to train, ended where it is to be (`ModelSpec.ending`).
        recipe: How.
        folder: Where to; created.
        weights: Start, see `load_start`.
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
        ValueError: If the folder holds another run, the starting weights, a teacher or the external
            films do not fit, or the loss diverges.
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
        load_start(build_network(spec, len(classes), size=recipe.stages[0].size), spec, weights)
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
    train: Films
    val: Films
    external: tuple[Films, ...]
    teacher: np.ndarray | None


def _train_stage(
    run: Run,
    state: State,
    spec: ModelSpec,
    recipe: Recipe,
    data: Data,
    weights: str,
    seed: int,
    report: Report,
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
        load_start(network, spec, weights)

    while state.epoch < stage.epochs and state.stale < recipe.patience:
        began = time.monotonic()
        batches = Batches(
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
        follow = Follow(recipe, state, len(train_films.records), report)
        fitted = learner.fit(batches, shuffle=False, verbose=0, callbacks=[follow])
        seconds = time.monotonic() - began
        if not math.isfinite(fitted.history["loss"][0]):
            raise ValueError(DIVERGED)
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
            "choice": choice(home, abroad),
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
    recipe: Recipe,
    classes: tuple[str, ...],
    teachers: Sequence[str],
    report: Report,
) -> Data:
    """All films of a run, read at its largest size or its teachers', and reported on as one."""
    parts = [manifest.split("train"), manifest.split("val"), *(one.records for one in external)]
    size = max(size_for(teachers), *(stage.size for stage in recipe.stages))
    total = sum(map(len, parts))
    films, before = [], 0
    for records in parts:

        def report_share(done: int, _: int, before: int = before) -> None:
            report(Progress("reading films", (before + done) / total))

        films.append(load_films(records, size, recipe.view, report_share))
        before += len(records)
    if recipe.phantoms:
        made = phantom_films(
            recipe.phantoms,
            size,
            recipe.view,
            lambda done: report(Progress("making phantoms", done)),
        )
        films[0] = films[0].joined(made)
    teacher = run.taught() if teachers else None
    if teachers and (teacher is None or len(teacher) != len(films[0].records)):
        teacher = teach(
            teachers,
            films[0],
            classes,
            lambda done: report(Progress("asking the teachers", done)),
        )
        run.save_taught(teacher)
    return Data(classes, films[0], films[1], tuple(films[2:]), teacher)
