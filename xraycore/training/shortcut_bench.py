"""A bench of planted shortcuts: what a recipe makes of them, which maps and checks tell of them.

Something that has nothing to do with lungs is planted into a share of the films of one class, and
into a few of the others. The same recipe is trained with and without what is to keep a network from
it. Then the plant moves to the other classes: a network that looked at the lungs does not mind.
"""

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from xraycore.attribution.registry import METHODS
from xraycore.datasets.audit.audit import audit
from xraycore.datasets.audit.findings import describe
from xraycore.datasets.manifest import Manifest, Record
from xraycore.datasets.splits import trainable_classes
from xraycore.datasets.synthetic.planting import plant_films
from xraycore.datasets.synthetic.plants import PLANTS
from xraycore.errors import ArgumentError, DatasetError
from xraycore.models.spec import ModelSpec
from xraycore.training.augmentation import Augmentation
from xraycore.training.config import DOMAIN_RANDOM, Stage, TrainingConfig
from xraycore.training.export import store_weights
from xraycore.training.shortcut_measures import (
    auroc_of,
    heat_on_plant,
    hits_on_plant,
    predict_planted,
)
from xraycore.training.trainer import train
from xraycore.utils.progress import ProgressCallback, ignore, part_of

# What keeps a network from shortcuts, each added to those above it; the first is a recipe without.
REMEDIES: Mapping[str, Mapping[str, object]] = {
    "none": {},
    "+ lung-field crop": {"view": "lungs"},
    "+ loss on evidence outside the lungs": {"lung_loss_weight": 1.0},
    "+ changes of shape, exposure and noise": {"augmentation": DOMAIN_RANDOM},
    "+ balance of classes and sources": {"balance": 0.7},
}
WITHOUT, WITH = next(iter(REMEDIES)), "all"
# Share of the other classes' films that bear the plant too: hardly any habit has no exception.
OTHERS = 0.05


def bench_shortcuts(
    manifest: Manifest,
    spec: ModelSpec,
    folder: Path,
    *,
    label: str,
    plants: Sequence[str] = tuple(PLANTS),
    shares: Sequence[float] = (0.0, 0.5, 1.0),
    epochs: int = 10,
    size: int = 96,
    methods: Sequence[str] = tuple(METHODS),
    weights: str = "none",
    seed: int = 0,
    only_ends: bool = False,
    known: Mapping | None = None,
    keep: Callable[[dict], None] = lambda found: None,
    report: ProgressCallback = ignore,
) -> dict:
    """Trains on planted films and measures who falls for the plant; resumable.

    Args:
        manifest: Records with their splits.
        spec: What to train.
        folder: Where planted films and runs go.
        label: The class that the plant comes with.
        plants: Names of `PLANTS`.
        shares: Of that class's films that bear it; every step between no remedy and all is tried at
            the greatest.
        epochs: Of each training.
        size: Height and width of the films in pixels.
        methods: Heatmap methods that are asked whether they find the plant.
        weights: Start, see `load_pretrained`.
        seed: Of everything random.
        only_ends: Train without any remedy and with all, and nothing between.
        known: What this returned before: what was measured in the same way is taken from it.
        keep: Called with all that was measured so far, after each training.
        report: Called after every batch.

    Returns:
        `rows`: a training each, with AUROC of the class `home` and once the plant has `moved`, the
        share of `heat` on the plant and the `area` that it covers; `methods`: plant -> method ->
        how often its hottest point is on the plant, of the network without remedies; `checks`:
        what the audit says of each planted training set.

    Raises:
        ArgumentError: If there is no such class or plant, or a share is none.
        DatasetError: See `train`; and if the class or the others have no test films.
    """
    classes = trainable_classes(manifest)
    _check(manifest, classes, label, plants, shares)
    facts = {
        "text": f"{spec.title} at {size} px, {epochs} epochs, start {Path(weights).name}, seed "
        f"{seed}; {len(manifest.split('train'))} training and {len(manifest.split('test'))} test "
        f"films, the plant in {label} and in {OTHERS:.0%} of the others.",
        "films": manifest.fingerprint(),
        "label": label,
    }
    same = known is not None and all(known.get(key) == fact for key, fact in facts.items())
    found: dict[str, Any] = {**facts, "rows": [], "methods": {}, "checks": []}
    if same and known is not None:
        found |= {key: known[key] for key in ("rows", "methods", "checks")}
    trainings = list(_trainings(plants, shares, only_ends))
    for number, (kind, share, remedy) in enumerate(trainings):
        name = {"plant": kind, "share": share, "remedies": remedy}
        asked = [one for one in methods if one not in found["methods"].get(kind, {})]
        judged = remedy == WITHOUT and share == max(shares) and PLANTS[kind].placed and asked
        if not judged and any(name.items() <= row.items() for row in found["rows"]):
            continue
        place, rare = folder / f"{kind}-{share:g}", OTHERS if share else 0.0
        learnt = plant_films(manifest, place / "home", kind, label, share, rare, seed)
        run = train(
            Manifest(learnt.records),
            spec,
            bench_recipe(remedy, spec, epochs, size, weights),
            place / f"run-{list(REMEDIES).index(remedy) if remedy in REMEDIES else WITH}",
            weights=weights,
            seed=seed,
            resume=True,
            report=part_of(report, number, len(trainings), f"{kind}, {share:.0%}, {remedy}"),
        )
        with tempfile.TemporaryDirectory() as temporary:
            classifier = store_weights(run, Path(temporary))
        moved = plant_films(manifest, place / "moved", kind, label, rare, share, seed)
        home_films = predict_planted(classifier, learnt)
        row = {
            **name,
            "home": auroc_of(home_films, label),
            "moved": auroc_of(predict_planted(classifier, moved), label),
            **heat_on_plant(classifier, home_films, learnt.places, label),
        }
        others = [one for one in found["rows"] if not name.items() <= one.items()]
        found["rows"] = [*others, row]
        if remedy == WITHOUT:
            checks = [c for c in found["checks"] if (c["plant"], c["share"]) != (kind, share)]
            # The audit is not told which films are planted.
            sources = {r.group: r.source for r in manifest.records}
            records = tuple(
                replace(r, split="", source=sources[r.group])
                for r in learnt.records
                if r.split == "train"
            )
            found["checks"] = [*checks, {"plant": kind, "share": share, **_audit(records)}]
        if judged:
            hits = hits_on_plant(classifier, home_films, learnt.places, label, asked)
            found["methods"][kind] = found["methods"].get(kind, {}) | hits
        keep(found)
    return found


def _check(
    manifest: Manifest,
    classes: Sequence[str],
    label: str,
    plants: Sequence[str],
    shares: Sequence[float],
) -> None:
    if label not in classes:
        raise ArgumentError(f"class must be one of {', '.join(classes)}. Received: {label!r}")
    if unknown := [one for one in plants if one not in PLANTS]:
        raise ArgumentError(f"plant must be one of {', '.join(PLANTS)}. Received: {unknown[0]!r}")
    if not shares or not all(0 <= share <= 1 for share in shares):
        raise ArgumentError(f"shares must lie in [0, 1]. Received: {', '.join(map(str, shares))}")
    tested = {record.label == label for record in manifest.split("test")}
    if len(tested) < 2:
        raise DatasetError(f"expected test films of {label} and of other classes.")


def _trainings(
    plants: Sequence[str], shares: Sequence[float], only_ends: bool
) -> Iterator[tuple[str, float, str]]:
    for kind in plants:
        for share in shares:
            # Without a plant, which it is not is the same: trained once.
            if share == 0 and kind != plants[0]:
                continue
            between = share == max(shares) and not only_ends
            steps = list(REMEDIES)[1:-1] if between else []
            yield from ((kind, share, remedy) for remedy in (WITHOUT, *steps, WITH))


def bench_recipe(
    remedy: str, spec: ModelSpec, epochs: int, size: int, weights: str
) -> TrainingConfig:
    """What is trained with these remedies: one of `REMEDIES` with those above it, or `WITH`."""
    pretrained = weights != "none"
    since = spec.cpu_unfreeze_from if pretrained else ""
    stage = Stage("bench", epochs, size, 2e-4 if pretrained else 2e-3, since)
    plain = TrainingConfig(
        (stage,),
        batch_size=16,
        balance=0.0,
        patience=epochs,
        freeze_batch_norm=pretrained,
        view="film",
        lung_loss_weight=0.0,
        lesion_loss_weight=0.0,
        augmentation=Augmentation.parse("none"),
    )
    steps = list(REMEDIES)
    for name in steps if remedy == WITH else steps[: steps.index(remedy) + 1]:
        plain = plain.adapted(REMEDIES[name])
    return plain


def _audit(records: tuple[Record, ...]) -> dict[str, object]:
    """What the audit says of films before anything is trained on them."""
    found = audit(Manifest(records))
    told = found.confounding
    return {
        "findings": {finding.topic: finding.severity for finding in reversed(describe(found))},
        "file_auroc": told and round(told.file_auroc, 4),
        "grey_auroc": told and round(told.grey_auroc, 4),
        "chance_limit": told and round(told.chance_auroc_limit, 4),
    }
