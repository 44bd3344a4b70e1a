"""The command that asks whether the films most alike share the class: retrieve."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from xraycore.cli.app import Json, app
from xraycore.cli.console import deliver, emit_table, err, format_score, progress_bar
from xraycore.cli.evaluate import seed_of
from xraycore.cli.loading import Models, load_models
from xraycore.datasets.labels import CHEST4
from xraycore.datasets.manifest import Manifest, Record, read_manifest
from xraycore.datasets.splits import limit_training, read_splits
from xraycore.errors import ArgumentError
from xraycore.retrieval.feature_store import default_store
from xraycore.retrieval.features import FilmFeatures, gather_features
from xraycore.retrieval.precision import (
    ACROSS,
    K,
    Retrieval,
    compare_retrieval,
    fit_on_training,
    measure_retrieval,
    score_retrieval,
)
from xraycore.utils.files import sha256
from xraycore.utils.progress import ProgressCallback, part_of

if TYPE_CHECKING:
    from xraycore.models.classifier import Classifier

HOME, ELSEWHERE = "home", "elsewhere"
OPACITY_ACROSS = f"{ACROSS}, opacity"
# Set -> what was asked -> film by film.
RetrievalTable = Mapping[str, Mapping[str, Retrieval]]


@app.command()
def retrieve(
    datasets: Annotated[list[Path], typer.Argument(help="The data sets that they learnt from.")],
    external: Annotated[
        list[str] | None, typer.Option(help="A hospital's films, never trained on; FILE.csv#COLUMN")
    ] = None,
    pretrained: Annotated[
        Path | None,
        typer.Option(help="Folder with NETWORK_imagenet_notop.weights.h5, to compare with."),
    ] = None,
    model: Models = None,
    films: Annotated[
        int | None,
        typer.Option(help="At most so many training films, and a quarter of it of validation."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="JSON file for the figures.")] = None,
    json: Json = False,
) -> None:
    """Measure how many of the ten films most alike are of the same class, by chance and in truth.

    Validation films, and those of other hospitals, are looked up among training films: in their
    own source and in others. Beside it ImageNet's networks as they come, on the same crops.
    """
    from xraycore.datasets.audit.leakage import drop_overlap
    from xraycore.datasets.index import default_index

    models = load_models(model)
    seed = seed_of([one.card for one in models])
    with progress_bar() as report:
        home = read_splits(datasets, seed=seed)
        others = drop_overlap(
            [read_manifest(one) for one in external or []],
            home,
            store=default_index(),
            report=part_of(report, 0, 20, "looking for copies"),
        )
        records = _chosen(home, films, seed)
        asked = [replace(r, split="external") for one in others for r in one.records]
        imagenet = _imagenet(models, pretrained)
        found = _found(models, [*records, *asked], part_of(report, 0.05, 2.2))
        plain = _found(imagenet, [*records, *asked], part_of(report, 1.1, 2.2)) if imagenet else {}
    document = {
        "datasets": [str(one) for one in datasets],
        "external": list(external or []),
        "k": K,
        "films": {
            split: sum(record.split == split for record in (*records, *asked))
            for split in ("train", "val", "external")
        },
        "all_films": films is None,
        "weights": {one.spec.name: one.card["weights"]["sha256"] for one in models},
        "models": {name: _scored(one) for name, one in found.items()},
        "imagenet": {name: _scored(one) for name, one in plain.items()},
        "beyond_imagenet": {
            name: {other: _beyond(one, theirs) for other, theirs in plain.items()}
            for name, one in found.items()
        },
    }
    if deliver(document, out, as_json=json):
        return
    _print(document)


def _chosen(home: Manifest, films: int | None, seed: int) -> list[Record]:
    """The training and validation films, or as many as asked for, spread over the labels."""
    records: list[Record] = []
    for split, most in (("train", films), ("val", films and max(1, films // 4))):
        part = home.having(replace(record, split="train") for record in home.split(split))
        if most is not None and len(part.records) > most:
            part = limit_training(part, most, seed=seed)
        records += [replace(record, split=split) for record in part.records]
    return records


def _imagenet(models: Sequence["Classifier"], folder: Path | None) -> list["Classifier"]:
    """The same architectures with ImageNet's weights, those that a folder has."""
    if folder is None:
        return []
    from xraycore.models.architectures import build_network
    from xraycore.models.classifier import Classifier
    from xraycore.models.pretrained import load_pretrained
    from xraycore.models.registry import MODELS
    from xraycore.utils.precision import computing_in

    found = []
    for name, spec in MODELS.items():
        file = folder / f"{name}_imagenet_notop.weights.h5"
        if not file.is_file():
            continue
        with computing_in("float32"):
            network = build_network(spec, len(CHEST4))
        load_pretrained(network, spec, str(file))
        card = {"view": models[0].view, "weights": {"sha256": sha256(file)}}
        found.append(Classifier(spec, network, CHEST4, card))
    if not found:
        raise ArgumentError(f"{folder}: expected files NETWORK_imagenet_notop.weights.h5.")
    return found


def _found(
    models: Sequence["Classifier"], records: Sequence[Record], report: ProgressCallback
) -> dict[str, RetrievalTable]:
    with default_store() as store:
        gathered = gather_features(models, records, store, report)
    return {name: _retrieve(features) for name, features in gathered.items()}


def _retrieve(features: FilmFeatures) -> RetrievalTable:
    """Validation films and each hospital's, looked up among the training films."""
    index = fit_on_training(
        features,
        {
            "model": "training films",
            "weights_sha256": "0" * 64,
            "lungs_sha256": "0" * 64,
            "complete": False,
            "manifest_sha256": "0" * 64,
        },
    )
    elsewhere = features.of_split("external")
    found = {HOME: measure_retrieval(index, features.of_split("val"))}
    if elsewhere.records:
        found[ELSEWHERE] = measure_retrieval(index, elsewhere)
    return found


def _scored(found: RetrievalTable) -> dict[str, Any]:
    return {
        name: {what: score_retrieval(one) for what, one in of_set.items() if one.records}
        for name, of_set in found.items()
    }


def _beyond(found: RetrievalTable, theirs: RetrievalTable) -> dict[str, Any]:
    """Set -> by how much more neighbours in other sources share opacity or none; paired."""
    return {
        name: compare_retrieval(of_set[OPACITY_ACROSS], theirs[name][OPACITY_ACROSS])
        for name, of_set in found.items()
    }


def _print(document: dict[str, Any]) -> None:
    named = {
        **document["models"],
        **{f"{name}, ImageNet": one for name, one in document["imagenet"].items()},
    }
    rows = [
        [name, where, what, kind, of["films"], format_score(of["precision"]), of["chance"]]
        for name, sets in named.items()
        for where, asked in sets.items()
        for what, kinds in asked.items()
        for kind, of in kinds.items()
    ]
    columns = ["features", "films of", "neighbours", "kind", "films", f"of {K}", "by chance"]
    emit_table("Neighbours of the same kind", columns, rows)
    for name, others in document["beyond_imagenet"].items():
        for other, sets in others.items():
            for where, score in sets.items():
                err.print(f"{name} beyond ImageNet's {other}, {where}: {format_score(score)}")
