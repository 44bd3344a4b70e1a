"""What each ingredient of a recipe brings: the same short training, one more each time."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras

from xraycore.datasets.manifest import Manifest
from xraycore.errors import ArgumentError
from xraycore.jobs.engines import Engine
from xraycore.models.architectures import build_network
from xraycore.models.spec import ModelSpec
from xraycore.training.ablation_variants import TABLES, Variant, films_of, left_out_films
from xraycore.training.batches import load_images
from xraycore.training.config import DOMAIN_RANDOM, Stage, TrainingConfig, preset
from xraycore.training.learner import averaged, compile_for, set_trainable
from xraycore.training.run import Run
from xraycore.training.trainer import train
from xraycore.training.validation import scores_of, selection_score
from xraycore.utils.checkpoints import load_weights
from xraycore.utils.precision import computing_in
from xraycore.utils.progress import Progress, ProgressCallback, ignore, part_of


def ablate(
    manifest: Manifest,
    external: Sequence[Manifest],
    spec: ModelSpec,
    folder: Path,
    *,
    epochs: int,
    size: int,
    table: str = "shortcuts",
    added: Sequence[str] = (),
    feature_draws: int = 0,
    weights: str = "none",
    seed: int = 0,
    known: Mapping | None = None,
    engine: Engine | None = None,
    report: ProgressCallback = ignore,
) -> dict:
    """Trains every variant and returns the last epoch of each; resumable, a folder a variant.

    Args:
        manifest: Records with their splits, films with set labels among them.
        external: Data sets that are never trained on.
        spec: What to train.
        folder: Where the runs go.
        epochs: Of each variant.
        size: Height and width of the films in pixels.
        table: Which variants: "shortcuts", from whatever `weights` are; or "lesions", by the preset
            "tune" from trained ones.
        added: Sources that the table's first lines do without. Each gets a line of the full recipe
            without it, which is judged on its own validation films too, where it has abnormal ones.
        feature_draws: See `TrainingConfig`.
        weights: Start, see `load_pretrained`.
        seed: Of everything random.
        known: What this returned before: lines of the same training, on the same films, are
            taken from it.
        engine: Where variants are trained, several at once; here, one after another, where None.
            Its workers see films, start weights and `folder` under the same paths.
        report: Called after every batch, with the variant's name; after every variant of an engine.

    Raises:
        ArgumentError: If there is no such table, or an added source has no training film.
    """
    if table not in TABLES:
        raise ArgumentError(f"table must be one of {', '.join(TABLES)}. Received: {table!r}")
    if table == "lesions" and weights == "none":
        raise ArgumentError("the table lesions needs --weights: it tunes a trained network.")
    trained_on = {record.source for record in manifest.split("train")}
    if unknown := sorted(set(added) - trained_on):
        raise ArgumentError(
            f"added sources must be among {', '.join(sorted(trained_on))}. "
            f"Received: {', '.join(unknown)}"
        )
    text = (
        f"{spec.title} at {size} px, {epochs} epochs, start {Path(weights).name}, seed {seed}; "
        f"{len(manifest.split('train'))} training films with those of set labels."
    )
    if feature_draws:
        text += f" Random changes of the films from {feature_draws} fixed draws."
    facts = {"text": text, "films": [one.fingerprint() for one in (manifest, *external)]}
    facts |= {"table": table} if table != "shortcuts" else {}
    known = known or {}
    same = all(known.get(key) == fact for key, fact in facts.items())
    found = {row["name"]: row for row in known["rows"]} if same else {}
    variants = (*TABLES[table], *(Variant(f"without {one}", without=(one,)) for one in added))
    plain = _recipe(table, spec, epochs, size, weights != "none", feature_draws)
    # Lines of one folder are one task: the second is of the network that the first has trained.
    tasks: dict[Path, list[Variant]] = {}
    for number, variant in enumerate(variants):
        if variant.name not in found:
            own = folder / f"variant-{number - variant.mirrored}"
            tasks.setdefault(own, []).append(variant)
    # Lines that differ in their loss alone share what frozen layers make of the films; those that
    # are trained at once do not.
    shared = folder / "features" if feature_draws else None
    lines = _Lines(manifest, tuple(external), spec, plain, tuple(added), weights, seed)
    if engine:
        apart = [(own, each, own / "features" if shared else None) for own, each in tasks.items()]
        trained = engine.run(train_lines, ((lines, *task) for task in apart))
        for done, rows in enumerate(trained, 1):
            found |= {row["name"]: row for row in rows}
            report(Progress(done / len(tasks), rows[-1]["name"]))
    else:
        for number, (own, each) in enumerate(tasks.items()):
            part = part_of(report, number, len(tasks))
            found |= {row["name"]: row for row in train_lines(lines, own, each, shared, part)}
    for features in (shared, *(own / "features" for own in tasks)) if shared else ():
        shutil.rmtree(features, ignore_errors=True)
    return {**facts, "rows": [found[variant.name] for variant in variants]}


@dataclass(frozen=True)
class _Lines:
    """What all lines of a table have in common."""

    manifest: Manifest
    external: tuple[Manifest, ...]
    spec: ModelSpec
    plain: TrainingConfig
    added: tuple[str, ...]
    weights: str
    seed: int


def train_lines(
    lines: _Lines,
    folder: Path,
    variants: Sequence[Variant],
    features: Path | None,
    report: ProgressCallback = ignore,
) -> list[dict[str, Any]]:
    """The lines of variants that are of one training, which goes on where it was.

    Args:
        lines: What all lines have in common.
        folder: Of the run.
        variants: One; and one of its mirror images, or that alone.
        features: Where what frozen layers make of the films is kept; None where it is not.
        report: Called after every batch, with the variant's name.
    """
    rows = []
    for number, variant in enumerate(variants):
        recipe = replace(lines.plain, **variant.changes)
        left_out = left_out_films(lines.manifest, variant) if lines.external else []
        run = train(
            films_of(lines.manifest, variant, lines.added),
            lines.spec,
            recipe,
            folder,
            weights=lines.weights,
            external=[*lines.external, *left_out],
            seed=lines.seed,
            resume=True,
            features=features,
            report=part_of(report, number, len(variants), variant.name),
        )
        last = run.state().history[-1]
        if variant.mirrored:
            last |= _mirrored(run, lines.spec, recipe, lines.manifest, lines.external)
        rows.append({"name": variant.name, "last": last})
    return rows


def _recipe(
    table: str, spec: ModelSpec, epochs: int, size: int, pretrained: bool, feature_draws: int
) -> TrainingConfig:
    """What the variants of a table change."""
    if table == "lesions":
        tuning = preset("tune", spec, pretrained=True)
        stage = replace(tuning.stages[-1], epochs=epochs, size=size)
        return replace(tuning, stages=(stage,), patience=epochs, feature_draws=feature_draws)
    since = spec.cpu_unfreeze_from if pretrained else ""
    return TrainingConfig(
        (Stage("ablation", epochs, size, 2e-4 if pretrained else 2e-3, since),),
        freeze_batch_norm=pretrained,
        patience=epochs,
        lesion_loss_weight=0.0,
        against="others",
        feature_draws=feature_draws,
        augmentation=DOMAIN_RANDOM,
    )


def _mirrored(
    run: Run,
    spec: ModelSpec,
    recipe: TrainingConfig,
    manifest: Manifest,
    external: Sequence[Manifest],
) -> dict[str, float]:
    """What a finished run's last epoch scores where it is asked of mirror images too."""
    classes, (stage,) = run.config["classes"], recipe.stages
    internal, *others = (
        load_images(records, stage.size, recipe.view)
        for records in (manifest.split("val"), *(one.records for one in external))
    )
    with computing_in(run.config["precision"]):
        network = build_network(spec, len(classes), size=stage.size, dropout=recipe.dropout)
        set_trainable(network, stage, freeze_batch_norm=recipe.freeze_batch_norm)
        # A schedule, as in training: a rate of its own would be a variable that no file has.
        schedule = keras.optimizers.schedules.CosineDecay(stage.learning_rate, 1)
        learner = compile_for(network, recipe, schedule, classes)
        load_weights(learner, run.last_weights(run.state()))
        with averaged(learner):
            own, outside = scores_of(learner, internal, others, classes, mirrored=True)
    scores = {**own, **outside, "choice": selection_score(own, outside)}
    return {name: round(value, 5) for name, value in scores.items()}
