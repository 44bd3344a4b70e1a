"""Transfer learning in stages, resumable after every epoch, on any Keras backend."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from sklearn.metrics import roc_auc_score

from xraycore.data.manifest import DatasetError, Manifest
from xraycore.models.architectures import HEAD, build_network
from xraycore.models.imagenet import load_start
from xraycore.models.spec import ModelSpec
from xraycore.training.images import Batches, Films, load_films
from xraycore.training.recipe import Recipe, Stage
from xraycore.training.run import Run, State, environment


@dataclass(frozen=True)
class Progress:
    """Where a run is, reported after every batch.

    Attributes:
        activity: "reading films", or the stage's name.
        done: Share of the whole run in [0, 1]; of the films read while reading.
        epoch: Epoch of the stage, from 1.
        epochs: Epochs of the stage.
        loss: Mean training loss of the epoch so far, None while reading.
    """

    activity: str
    done: float
    epoch: int = 0
    epochs: int = 0
    loss: float | None = None


Report = Callable[[Progress], None]


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
        precision: "float32", "mixed_bfloat16", or "auto" (see `choose_precision`).
        seed: Of initial weights, order and augmentation.
        resume: Go on where the folder's run stopped.
        command: Command line to note down.
        report: Called after every batch.

    Raises:
        DatasetError: If there are fewer than two classes, or no film to train or validate on.
        ValueError: If the folder holds another run, or the starting weights do not fit.
    """
    classes = manifest.classes
    if len(classes) < 2:
        raise DatasetError(f"expected at least two classes. Received: {', '.join(classes)}")
    for split in ("train", "val"):
        if not manifest.split(split):
            raise DatasetError(f"expected films in the split {split!r}; there is none.")
    run = Run(Path(folder))
    state = run.start(
        {
            "model": spec.name,
            "classes": list(classes),
            "recipe": recipe.to_json(),
            "seed": seed,
            "start": Path(weights).name,
            "precision": choose_precision() if precision == "auto" else precision,
            "manifest_sha256": manifest.fingerprint(),
            "split_sizes": manifest.counts(),
            "command": command,
            "environment": environment(),
        },
        resume=resume,
    )
    if state.stage == len(recipe.stages):
        return run
    size = max(stage.size for stage in recipe.stages)
    films = {
        split: load_films(
            manifest.split(split), size, lambda n, of: report(Progress("reading films", n / of))
        )
        for split in ("train", "val")
    }
    previous = keras.config.dtype_policy()
    keras.config.set_dtype_policy(run.config["precision"])
    try:
        while state.stage < len(recipe.stages):
            keras.utils.set_random_seed(seed + state.total_epochs)
            _train_stage(run, state, spec, recipe, films, classes, weights, seed, report)
    finally:
        keras.config.set_dtype_policy(previous)
    return run


def choose_precision() -> str:
    """mixed_bfloat16 where the hardware computes in it, float32 where it would be emulated.

    Emulated is slow: on a Xeon without AVX512-BF16 a VGG16 step takes 1.06 s an image in
    mixed_bfloat16 and 0.24 s in float32.
    """
    if keras.distribution.list_devices("gpu") or keras.distribution.list_devices("tpu"):
        return "mixed_bfloat16"
    cpuinfo = Path("/proc/cpuinfo")
    flags = cpuinfo.read_text() if cpuinfo.exists() else ""
    return "mixed_bfloat16" if "avx512_bf16" in flags or "amx_bf16" in flags else "float32"


def set_trainable(network: keras.Model, stage: Stage, *, freeze_batch_norm: bool) -> None:
    """Freezes what a stage does not train.

    Raises:
        ValueError: If no layer's name starts with the stage's prefix.
    """
    reached = stage.unfreeze_from == ""
    for layer in network.layers:
        if stage.unfreeze_from and layer.name.startswith(stage.unfreeze_from):
            reached = True
        frozen = freeze_batch_norm and isinstance(layer, keras.layers.BatchNormalization)
        layer.trainable = layer.name == HEAD or (reached and not frozen)
    if stage.unfreeze_from and not reached:
        raise ValueError(f"no layer of {network.name} starts with {stage.unfreeze_from!r}.")


def compile_for(
    network: keras.Model,
    recipe: Recipe,
    learning_rate: float | keras.optimizers.schedules.LearningRateSchedule,
) -> keras.Model:
    """A trainable model over the network's logits, sharing its layers."""
    learner = keras.Model(network.inputs, network.outputs[0])
    learner.compile(
        keras.optimizers.AdamW(learning_rate, weight_decay=recipe.weight_decay, clipnorm=1.0),
        keras.losses.CategoricalCrossentropy(
            from_logits=True, label_smoothing=recipe.label_smoothing
        ),
        weighted_metrics=[],
        metrics=[keras.metrics.CategoricalAccuracy(name="accuracy")],
    )
    learner.optimizer.build(learner.trainable_variables)
    return learner


def validate(learner: keras.Model, films: Films, classes: Sequence[str], batch_size: int) -> dict:
    """Cross-entropy, accuracy and macro one-against-rest AUROC on validation films."""
    logits = np.asarray(
        learner.predict(Batches(films, classes, batch_size=batch_size), verbose=0), np.float64
    )
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
        follow = _Follow(recipe, state, steps, report)
        fitted = learner.fit(batches, shuffle=False, verbose=0, callbacks=[follow])
        seconds = time.monotonic() - began
        row = {
            "epoch": state.total_epochs + 1,
            "stage": stage.name,
            "size": stage.size,
            "loss": fitted.history["loss"][0],
            "accuracy": fitted.history["accuracy"][0],
            **validate(learner, val_films, classes, recipe.batch_size),
            "images_per_second": len(train_films.records) / seconds,
        }
        if state.best_loss is None or row["val_loss"] < state.best_loss:
            state.best_loss, state.stale = row["val_loss"], 0
            run.save_best(network)
        else:
            state.stale += 1
        state.epoch += 1
        state.total_epochs += 1
        state.history.append(
            {k: round(v, 5) if isinstance(v, float) else v for k, v in row.items()}
        )
        learner.save_weights(run.last_weights(state))
        run.commit(state)
    state.stage, state.epoch, state.best_loss, state.stale = state.stage + 1, 0, None, 0
    run.commit(state)


class _Follow(keras.callbacks.Callback):
    """Reports the share of the run that is done; a film's cost grows with its area."""

    def __init__(self, recipe: Recipe, state: State, steps: int, report: Report):
        super().__init__()
        self.stage, self.state = recipe.stages[state.stage], state
        self.steps, self.report = steps, report
        costs = [stage.epochs * stage.size**2 for stage in recipe.stages]
        self.total = sum(costs)
        self.before = sum(costs[: state.stage]) + state.epoch * self.stage.size**2

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        done = self.before + (batch + 1) / self.steps * self.stage.size**2
        self.report(
            Progress(
                self.stage.name,
                done / self.total,
                self.state.epoch + 1,
                self.stage.epochs,
                float((logs or {}).get("loss", float("nan"))),
            )
        )
