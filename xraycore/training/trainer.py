"""Transfer learning in stages, resumable after every epoch, on any Keras backend."""

import math
import shutil
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from xraycore.anatomy.segmenter import segmenter_sha256
from xraycore.datasets.audit.leakage import drop_overlap
from xraycore.datasets.index import default_index
from xraycore.datasets.manifest import Manifest, read_manifest
from xraycore.datasets.splits import trainable_classes
from xraycore.models.architectures import build_network
from xraycore.models.pretrained import load_pretrained
from xraycore.models.spec import ModelSpec
from xraycore.training.batches import BatchSequence, ImageArray, load_images
from xraycore.training.callbacks import KeepEpochs, ReportProgress, SeedEpoch, Validate
from xraycore.training.config import TrainingConfig
from xraycore.training.distillation import check_teachers, size_for, teach
from xraycore.training.feature_cache import split_frozen, with_features
from xraycore.training.learner import (
    Learner,
    averaged,
    compile_for,
    resolve_precision,
    set_trainable,
)
from xraycore.training.phantoms import check_phantoms, phantom_films
from xraycore.training.plan import Plan
from xraycore.training.run import Run, State, environment
from xraycore.training.validation import check_external
from xraycore.utils.checkpoints import load_weights
from xraycore.utils.precision import computing_in
from xraycore.utils.progress import ProgressCallback, ignore, part_of

# What networks compute in and the seed of everything random are a process's: a worker with several
# threads trains one network after another.
ONE_AT_A_TIME = threading.RLock()


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
    features: Path | None = None,
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
        features: Where features of frozen layers are kept, for several runs to share; None for the
            run's own folder, from where they go once they are not needed any more.
        report: Called after every batch.

    Raises:
        DatasetError: If there are fewer than two classes, or one of them has no film to train or
            to validate on.
        ArgumentError: If the folder holds another run, or the starting weights, a teacher or the
            external films do not fit.
        DivergedError: If the loss is no longer finite.
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
    if not (run.folder / "run.json").exists():
        _check_start(spec, recipe, len(classes), weights)
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
    with ONE_AT_A_TIME, computing_in(run.config["precision"]):
        while state.stage < len(recipe.stages):
            keras.utils.set_random_seed(seed + state.total_epochs)
            learner, network = _build(run, state, spec, data, weights)
            kept = features or run.folder / "features"
            _train_stage(run, state, data, learner, network, kept, report)
            if features is None:
                shutil.rmtree(kept, ignore_errors=True)
    return run


def train_plan(
    plan: Plan,
    manifest: Manifest,
    folder: Path,
    *,
    resume: bool = False,
    command: str | None = None,
    report: ProgressCallback = ignore,
    report_overlap: ProgressCallback = ignore,
) -> Run:
    """Trains what a plan asks for; see `train`.

    Args:
        plan: What is asked for.
        manifest: The plan's own.
        folder: Where to; created.
        resume: Go on where the folder's run stopped.
        command: Command line to note down.
        report: Called after every batch.
        report_overlap: Called while films to choose by are looked for in the others, which is
            before the folder is made.

    Raises:
        DatasetError: If a data set to choose by cannot be read.
    """
    external = [read_manifest(one) for one in plan.choose_on]
    external = drop_overlap(external, manifest, store=default_index(), report=report_overlap)
    return train(
        manifest,
        plan.spec,
        plan.recipe(),
        folder,
        weights=plan.weights,
        external=external,
        teachers=plan.teacher,
        precision=plan.precision,
        seed=plan.seed,
        resume=resume,
        command=command,
        report=report,
    )


def _check_start(spec: ModelSpec, recipe: TrainingConfig, classes: int, weights: str) -> None:
    """Refuses weights that do not fit, and features of frozen layers where none are frozen."""
    if weights == "none" and not recipe.feature_draws:
        return
    network = build_network(spec, classes, size=recipe.stages[0].size)
    load_pretrained(network, spec, weights)
    if recipe.feature_draws:
        for stage in recipe.stages:
            set_trainable(network, stage, freeze_batch_norm=recipe.freeze_batch_norm)
            split_frozen(network)


@dataclass(frozen=True)
class Data:
    """What a run trains on, validates on and chooses by, and how."""

    recipe: TrainingConfig
    classes: tuple[str, ...]
    train: ImageArray
    val: ImageArray
    external: tuple[ImageArray, ...]
    teacher: np.ndarray | None


def _build(
    run: Run, state: State, spec: ModelSpec, data: Data, weights: str
) -> tuple[Learner, keras.Model]:
    """What learns in the stage that a run is in, as far as it has come, and its network."""
    recipe, films = data.recipe, len(data.train.records)
    stage = recipe.stages[state.stage]
    network = build_network(spec, len(data.classes), size=stage.size, dropout=recipe.dropout)
    set_trainable(network, stage, freeze_batch_norm=recipe.freeze_batch_norm)
    steps = stage.epochs * math.ceil(films / recipe.batch_size)
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0,
        decay_steps=max(1, round(steps * (1 - recipe.warmup))),
        warmup_target=stage.learning_rate,
        warmup_steps=max(1, round(steps * recipe.warmup)),
    )
    trained = split_frozen(network)[1] if recipe.feature_draws else network
    learner = compile_for(trained, recipe, schedule, data.classes)
    if state.total_epochs and run.best_weights.exists():
        load_weights(network, run.best_weights)
    else:
        load_pretrained(network, spec, weights)
    if state.epoch:
        # Of what is trained only, where features of the rest are kept: that stays as loaded above.
        load_weights(learner, run.last_weights(state))
        if state.stale == 0:
            # The last epoch is the best one; a kill may have come before it was saved as such.
            with averaged(learner):
                run.save_best(network)
    return learner, network


def _train_stage(
    run: Run,
    state: State,
    data: Data,
    learner: Learner,
    network: keras.Model,
    features: Path,
    report: ProgressCallback,
) -> None:
    """Trains to the end of a stage, be it an early one, and commits the beginning of the next."""
    recipe, seed, films = data.recipe, run.config["seed"], len(data.train.records)
    stage = recipe.stages[state.stage]
    used = [one.at(stage.size) for one in (data.train, data.val, *data.external)]
    if recipe.feature_draws:
        used = with_features(
            network, used, recipe, data.classes, features, seed=seed, report=report
        )
    batches = BatchSequence(
        used[0],
        data.classes,
        learner.outputs[1].shape[1:3],
        batch_size=recipe.batch_size,
        augmentation=recipe.augmentation,
        balance=recipe.balance,
        synthetic_opacity_rate=recipe.synthetic_opacity_rate,
        teacher=data.teacher,
        seed=seed,
        epoch=state.total_epochs,
    )
    if state.stale < recipe.patience:
        learner.fit(
            batches,
            initial_epoch=state.epoch,
            epochs=stage.epochs,
            shuffle=False,
            verbose=0,
            callbacks=[
                SeedEpoch(state, batches, network, seed),
                ReportProgress(recipe, state, films, report),
                Validate(films, used[1], used[2:], data.classes),
                KeepEpochs(run, state, recipe, network),
            ],
        )
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
    teacher = run.load_teacher() if teachers else None
    if teachers and (teacher is None or len(teacher) != len(films[0].records)):
        teacher = teach(teachers, films[0], classes, report)
        run.save_teacher(teacher)
    return Data(recipe, classes, films[0], films[1], tuple(films[2:]), teacher)
