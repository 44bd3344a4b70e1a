"""What each ingredient against shortcuts brings: the same short training, one more each time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras

from xraycore.datasets.labels import members
from xraycore.datasets.manifest import Manifest
from xraycore.models.architectures import build_network
from xraycore.models.spec import ModelSpec
from xraycore.training.batches import load_images
from xraycore.training.config import DOMAIN_RANDOM, Stage, TrainingConfig
from xraycore.training.learner import averaged, compile_for, computing_in, set_trainable
from xraycore.training.run import Run
from xraycore.training.trainer import train
from xraycore.training.validation import scores_of, selection_score
from xraycore.utils.progress import ProgressCallback, ignore, part_of


@dataclass(frozen=True)
class Variant:
    """One line of the ablation table.

    Attributes:
        name: What it adds; with a plus, to the line above.
        view: See `TrainingConfig`.
        evidence: See `TrainingConfig`.
        lesion_evidence: See `TrainingConfig`.
        against: See `TrainingConfig`.
        normal_evidence: See `TrainingConfig`.
        decoupling: See `TrainingConfig`.
        sets: Whether films whose label is a set of classes are trained on.
        painted: See `TrainingConfig`.
        averaged: See `TrainingConfig`.
        mirrored: Whether the network of the line above is asked of mirror images too (`judge`),
            instead of a training.
    """

    name: str
    view: str = "lungs"
    evidence: float = 1.0
    lesion_evidence: float = 0.0
    against: str = "others"
    normal_evidence: float = 0.0
    decoupling: float = 0.0
    sets: bool = True
    painted: float = 0.0
    averaged: float = 0.0
    mirrored: bool = False


_LESION = {"lesion_evidence": 2.0, "against": "normal"}
VARIANTS = (
    Variant("whole film", view="film", evidence=0.0, sets=False),
    Variant("+ lung-field crop", evidence=0.0, sets=False),
    Variant("+ loss on evidence outside the lungs", sets=False),
    Variant("+ labels that are sets"),
    # Painted opacities are lesions, of the weight that they had as lungs.
    Variant("+ opacities painted into normal films", lesion_evidence=1.0, painted=0.5),
    Variant("with set labels, not painted; weights averaged over steps", averaged=0.99),
    Variant("+ mirror images asked too", averaged=0.99, mirrored=True),
    Variant("with set labels, and evidence on the drawn lesion", lesion_evidence=2.0),
    Variant("+ evidence against Normal", **_LESION),
    Variant("+ normal films pay for evidence of disease", **_LESION, normal_evidence=0.3),
    Variant("without that, and squared logits cost", **_LESION, decoupling=0.01),
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
    same = known is not None and all(known.get(key) == fact for key, fact in facts.items())
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
            view=variant.view,
            evidence=variant.evidence,
            lesion_evidence=variant.lesion_evidence,
            against=variant.against,
            normal_evidence=variant.normal_evidence,
            decoupling=variant.decoupling,
            painted=variant.painted,
            averaged=variant.averaged,
            augmentation=DOMAIN_RANDOM,
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
    home, *abroad = (
        load_images(records, stage.size, recipe.view)
        for records in (manifest.split("val"), *(one.records for one in external))
    )
    with computing_in(run.config["precision"]):
        network = build_network(spec, len(classes), size=stage.size, dropout=recipe.dropout)
        set_trainable(network, stage, freeze_batch_norm=recipe.freeze_batch_norm)
        # A schedule, as in training: a rate of its own would be a variable that no file has.
        schedule = keras.optimizers.schedules.CosineDecay(stage.learning_rate, 1)
        learner = compile_for(network, recipe, schedule, classes)
        learner.load_weights(run.last_weights(run.state()))
        with averaged(learner):
            own, foreign = scores_of(learner, home, abroad, classes, mirrored=True)
    scores = {**own, **foreign, "choice": selection_score(own, foreign)}
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
