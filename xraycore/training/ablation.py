"""What each ingredient against shortcuts brings: the same short training, one more each time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras

from xraycore.datasets.labels import members
from xraycore.datasets.manifest import Manifest
from xraycore.models.architectures import build_network
from xraycore.models.spec import ModelSpec
from xraycore.training.batches import load_images
from xraycore.training.config import DOMAIN_RANDOM, Stage, TrainingConfig
from xraycore.training.learner import averaged, compile_for, set_trainable
from xraycore.training.run import Run
from xraycore.training.trainer import train
from xraycore.training.validation import scores_of, selection_score
from xraycore.utils.checkpoints import load_weights
from xraycore.utils.precision import computing_in
from xraycore.utils.progress import ProgressCallback, ignore, part_of


@dataclass(frozen=True)
class Variant:
    """One line of the ablation table.

    Attributes:
        name: What it adds; with a plus, to the line above.
        changes: What `TrainingConfig` has otherwise; evidence on lesions is off unless named.
        sets: Whether films whose label is a set of classes are trained on.
        mirrored: Whether the network of the line above is asked of mirror images too (see
            `predict`), instead of a training.
    """

    name: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    sets: bool = True
    mirrored: bool = False


_OFF = {"lung_loss_weight": 0.0}
_LESION = {"lesion_loss_weight": 2.0, "against": "normal"}
VARIANTS = (
    Variant("whole film", {**_OFF, "view": "film"}, sets=False),
    Variant("+ lung-field crop", _OFF, sets=False),
    Variant("+ loss on evidence outside the lungs", sets=False),
    Variant("+ labels that are sets"),
    # Painted opacities are lesions, of the weight that they had as lungs.
    Variant(
        "+ opacities painted into normal films",
        {"lesion_loss_weight": 1.0, "synthetic_opacity_rate": 0.5},
    ),
    Variant("with set labels, not painted; weights averaged over steps", {"ema_momentum": 0.99}),
    Variant("+ mirror images asked too", {"ema_momentum": 0.99}, mirrored=True),
    Variant("with set labels, and evidence on the drawn lesion", {"lesion_loss_weight": 2.0}),
    Variant("+ evidence against Normal", _LESION),
    Variant("+ normal films pay for evidence of disease", {**_LESION, "normal_loss_weight": 0.3}),
    Variant("without that, and squared logits cost", {**_LESION, "decoupling": 0.01}),
)


def ablate(
    manifest: Manifest,
    external: Sequence[Manifest],
    spec: ModelSpec,
    folder: Path,
    *,
    epochs: int,
    size: int,
    weights: str = "none",
    seed: int = 0,
    known: Mapping | None = None,
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
        weights: Start, see `load_pretrained`.
        seed: Of everything random.
        known: What this returned before: lines of the same training, on the same films, are
            taken from it.
        report: Called after every batch, with the variant's name.
    """
    text = (
        f"{spec.title} at {size} px, {epochs} epochs, start {Path(weights).name}, seed {seed}; "
        f"{len(manifest.split('train'))} training films with those of set labels."
    )
    facts = {"text": text, "films": [one.fingerprint() for one in (manifest, *external)]}
    known = known or {}
    same = all(known.get(key) == fact for key, fact in facts.items())
    found = {row["name"]: row for row in known["rows"]} if same else {}
    start = weights != "none"
    since = spec.cpu_unfreeze_from if start else ""
    rows = []
    for number, variant in enumerate(VARIANTS):
        if variant.name in found:
            rows.append(found[variant.name])
            continue
        recipe = TrainingConfig(
            (Stage("ablation", epochs, size, 2e-4 if start else 2e-3, since),),
            freeze_batch_norm=start,
            patience=epochs,
            augmentation=DOMAIN_RANDOM,
            **{"lesion_loss_weight": 0.0, "against": "others", **variant.changes},
        )
        run = train(
            manifest if variant.sets else _without_sets(manifest),
            spec,
            recipe,
            folder / f"variant-{number - variant.mirrored}",
            weights=weights,
            external=external,
            seed=seed,
            resume=True,
            report=part_of(report, number, len(VARIANTS), variant.name),
        )
        last = run.state().history[-1]
        if variant.mirrored:
            last |= _mirrored(run, spec, recipe, manifest, external)
        rows.append({"name": variant.name, "last": last})
    return {**facts, "rows": rows}


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


def _without_sets(manifest: Manifest) -> Manifest:
    """All films but the training films of several classes: validation stays the same."""
    classes = manifest.classes
    return Manifest(
        tuple(
            record
            for record in manifest.records
            if record.split != "train" or len(members(record.label, classes)) == 1
        )
    )
