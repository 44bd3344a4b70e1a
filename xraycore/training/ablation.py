"""What each ingredient against shortcuts brings: the same short training, one more each time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from xraycore.data.labels import members
from xraycore.data.manifest import Manifest
from xraycore.models.spec import ModelSpec
from xraycore.training.fit import train
from xraycore.training.progress import Progress
from xraycore.training.recipe import DOMAIN_RANDOM, Recipe, Stage


@dataclass(frozen=True)
class Variant:
    """One line of the ablation table.

    Attributes:
        name: What it adds to the line above.
        view: See `Recipe`.
        evidence: See `Recipe`.
        sets: Whether films whose label is a set of classes are trained on.
        painted: See `Recipe`.
    """

    name: str
    view: str
    evidence: float
    sets: bool
    painted: float = 0.0


VARIANTS = (
    Variant("whole film", "film", 0.0, False),
    Variant("+ lung-field crop", "lungs", 0.0, False),
    Variant("+ loss on evidence outside the lungs", "lungs", 1.0, False),
    Variant("+ labels that are sets", "lungs", 1.0, True),
    Variant("+ opacities painted into normal films", "lungs", 1.0, True, 0.5),
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
    report: Callable[[str, Progress], None] = lambda _, __: None,
) -> dict:
    """Trains every variant and returns the last epoch of each; resumable, a folder a variant.

    Args:
        manifest: Records with their splits, films with set labels among them.
        external: Data sets that are never trained on.
        spec: What to train.
        folder: Where the runs go.
        epochs: Of each variant.
        size: Height and width of the films in pixels.
        weights: Start, see `load_start`.
        seed: Of everything random.
        report: Called with the variant's name and its progress.
    """
    start = weights != "none"
    since = spec.cpu_unfreeze_from if start else ""
    rows = []
    for number, variant in enumerate(VARIANTS):
        recipe = Recipe(
            (Stage("ablation", epochs, size, 2e-4 if start else 2e-3, since),),
            freeze_batch_norm=start,
            patience=epochs,
            view=variant.view,
            evidence=variant.evidence,
            painted=variant.painted,
            augmentation=DOMAIN_RANDOM,
        )
        run = train(
            _without_sets(manifest) if not variant.sets else manifest,
            spec,
            recipe,
            folder / f"variant-{number}",
            weights=weights,
            external=external,
            seed=seed,
            resume=True,
            report=lambda progress, name=variant.name: report(name, progress),
        )
        rows.append({"name": variant.name, "last": run.state().history[-1]})
    return {
        "text": f"{spec.title} at {size} px, {epochs} epochs, start {Path(weights).name}, seed "
        f"{seed}; {len(manifest.split('train'))} training films with those of set labels.",
        "rows": rows,
    }


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
