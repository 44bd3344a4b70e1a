"""Transfer learning in stages, resumable after every epoch, on any Keras backend."""

import math
import time
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
from sklearn.metrics import roc_auc_score

from xraycore.data.manifest import DatasetError, Manifest
from xraycore.models.architectures import build_network
from xraycore.models.imagenet import load_start
from xraycore.models.spec import ModelSpec
from xraycore.training.images import Batches, Films, load_films
from xraycore.training.learner import (
    compile_for,
    computing_in,
    reseed_dropout,
    resolve_precision,
    set_trainable,
)
from xraycore.training.progress import Follow, Progress, Report
from xraycore.training.recipe import Recipe
from xraycore.training.run import Run, State, environment

DIVERGED = "the loss is no longer finite: lower the rate (--lr), or look for one with lr-find."


def train(
    manifest: Manifest,
    spec: ModelSpec,
    recipe: Recipe,
    folder: str | Path,
    *,
    weights: str = "none",
    precision: str = "auto",
    seed: int = 0,
    resume: bool = False,
    command: str | None = None,
    report: Report = lambda _: None,
) -> Run:
    """Trains a network and leaves everything in a run's folder.

    Args:
        manifest: Records with their splits (`read_splits`); only train and val are read.
        spec: What to train.
        recipe: How.
        folder: Where to; created.
        weights: Start, see `load_start`.
        precision: "float32", "mixed_bfloat16", or "auto" (see `resolve_precision`).
        seed: Of initial weights, order and augmentation.
        resume: Go on where the folder's run stopped.
        command: Command line to note down.
        report: Called after every batch.

    Raises:
        DatasetError: If there are fewer than two classes, or one of them has no film to train or
            to validate on.
        ValueError: If the folder holds another run, the starting weights do not fit, or the loss
            diverges.
    """
    classes = trainable_classes(manifest)
    precision = resolve_precision(precision)
    run = Run(Path(folder))
    if weights != "none" and not (run.folder / "run.json").exists():
        # Weights that do not fit say so before a folder is made and thousands of films are read.
        load_start(build_network(spec, len(classes), size=recipe.stages[0].size), spec, weights)
    state = run.start(
        {
            "model": spec.name,
            "classes": list(classes),
            "recipe": recipe.to_json(),
            "seed": seed,
            "start": Path(weights).name,
            "precision": precision,
            "manifest_sha256": manifest.fingerprint(),
            "split_sizes": manifest.counts(),
            "command": command,
            "environment": environment(),
        },
        resume=resume,
    )
    if state.stage == len(recipe.stages):
        return run
    films = _read(manifest, max(stage.size for stage in recipe.stages), report)
    with computing_in(run.config["precision"]):
        while state.stage < len(recipe.stages):
            keras.utils.set_random_seed(seed + state.total_epochs)
            _train_stage(run, state, spec, recipe, films, classes, weights, seed, report)
    return run


def trainable_classes(manifest: Manifest) -> tuple[str, ...]:
    """The classes of a data set that can be trained on.

    Raises:
        DatasetError: If there are fewer than two, or one has no film to train or validate on.
    """
    classes = manifest.classes
    if len(classes) < 2:
        raise DatasetError(f"expected at least two classes. Received: {', '.join(classes)}")
    for split in ("train", "val"):
        present = {record.label for record in manifest.split(split)}
        if missing := [label for label in classes if label not in present]:
            raise DatasetError(
                f"expected films of every class in the split {split!r}; "
                f"there is none of {', '.join(missing)}."
            )
    return classes


def validate(learner: keras.Model, films: Films, classes: Sequence[str], batch_size: int) -> dict:
    """Cross-entropy, accuracy and macro one-against-rest AUROC on validation films.

    Raises:
        ValueError: If a logit is not finite.
    """
    logits = np.asarray(
        learner.predict(Batches(films, classes, batch_size=batch_size), verbose=0), np.float64
    )
    if not np.isfinite(logits).all():
        raise ValueError(DIVERGED)
    logits -= logits.max(axis=1, keepdims=True)
    log_p = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    target = films.targets(classes)
    aurocs = [
        roc_auc_score(target == k, log_p[:, k])
        for k in range(len(classes))
        if 0 < (target == k).sum() < len(target)
    ]
    return {
        "val_loss": float(-log_p[np.arange(len(target)), target].mean()),
        "val_accuracy": float((log_p.argmax(axis=1) == target).mean()),
        "val_auc": float(np.mean(aurocs)),
    }


def _train_stage(
    run: Run,
    state: State,
    spec: ModelSpec,
    recipe: Recipe,
    films: dict[str, Films],
    classes: Sequence[str],
    weights: str,
    seed: int,
    report: Report,
) -> None:
    stage = recipe.stages[state.stage]
    network = build_network(spec, len(classes), size=stage.size, dropout=recipe.dropout)
    set_trainable(network, stage, freeze_batch_norm=recipe.freeze_batch_norm)
    train_films, val_films = films["train"].at(stage.size), films["val"].at(stage.size)
    steps = -(-len(train_films.records) // recipe.batch_size)
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0,
        decay_steps=max(1, round(stage.epochs * steps * (1 - recipe.warmup))),
        warmup_target=stage.learning_rate,
        warmup_steps=max(1, round(stage.epochs * steps * recipe.warmup)),
    )
    learner = compile_for(network, recipe, schedule)
    if state.epoch:
        learner.load_weights(run.last_weights(state))
        if state.stale == 0:
            # The last epoch is the best one; a kill may have come before it was saved as such.
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
            batch_size=recipe.batch_size,
            augmentation=recipe.augmentation,
            balance=recipe.balance,
            seed=seed,
            epoch=state.total_epochs,
        )
        reseed_dropout(network, seed, state.total_epochs)
        follow = Follow(recipe, state, steps, report)
        fitted = learner.fit(batches, shuffle=False, verbose=0, callbacks=[follow])
        seconds = time.monotonic() - began
        if not math.isfinite(fitted.history["loss"][0]):
            raise ValueError(DIVERGED)
        row = {
            "epoch": state.total_epochs + 1,
            "stage": stage.name,
            "size": stage.size,
            "loss": fitted.history["loss"][0],
            "accuracy": fitted.history["accuracy"][0],
            **validate(learner, val_films, classes, recipe.batch_size),
            "images_per_second": len(train_films.records) / seconds,
        }
        better = state.best_loss is None or row["val_loss"] < state.best_loss
        if better:
            state.best_loss, state.stale = row["val_loss"], 0
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
            run.save_best(network)
    state.stage, state.epoch, state.best_loss, state.stale = state.stage + 1, 0, None, 0
    run.commit(state)


def _read(manifest: Manifest, size: int, report: Report) -> dict[str, Films]:
    """The training and the validation films, reported on as one."""
    splits = {name: manifest.split(name) for name in ("train", "val")}
    total = sum(map(len, splits.values()))
    films, before = {}, 0
    for name, records in splits.items():

        def report_share(done: int, _: int, before: int = before) -> None:
            report(Progress("reading films", (before + done) / total))

        films[name] = load_films(records, size, report_share)
        before += len(records)
    return films
