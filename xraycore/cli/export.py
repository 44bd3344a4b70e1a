"""Commands from trained runs to the app's models: average, ship, rescore."""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from xraycore.cli.app import Classes, Json, Labels, app
from xraycore.cli.console import emit_json, emit_table, err, progress_bar
from xraycore.datasets.audit.leakage import drop_overlap
from xraycore.datasets.index import default_index
from xraycore.datasets.labelling import LabelPolicy
from xraycore.datasets.labels import parse_classes
from xraycore.datasets.manifest import Manifest, read_manifest
from xraycore.datasets.splits import limit_training, read_splits
from xraycore.jobs.process import show_command
from xraycore.jobs.recorder import recorded
from xraycore.utils.progress import both

DataSets = Annotated[list[Path], typer.Argument(help="The data sets it was trained on.")]
External = Annotated[
    list[str] | None, typer.Option(help="A data set it never saw; FILE.csv#COLUMN for labels.")
]
Limits = Annotated[
    Path | None, typer.Option(help="Text file: what users must know, a sentence a line.")
]
Films = Annotated[int | None, typer.Option(help="As in its training.")]


@app.command()
def average(
    runs: Annotated[list[Path], typer.Argument(help="Folders of finished runs of one network.")],
    out: Annotated[Path, typer.Option(help="Folder of the averaged run.")],
    json: Json = False,
) -> None:
    """Average the weights of runs that started from the same ones, into a run to ship."""
    from xraycore.training.model_selection.averaging import average_runs
    from xraycore.training.run import Run

    run = average_runs([Run(one) for one in runs], out)
    if json:
        emit_json({"run": str(run.folder), "averaged": run.config["averaged"]})
        return
    err.print(f"the mean of {len(runs)} runs lies in {run.folder}: judge it, or ship it.")


@app.command()
def ship(
    run: Annotated[Path, typer.Argument(help="Folder of a finished run.")],
    datasets: DataSets,
    external: External = None,
    limits: Limits = None,
    classes: Classes = None,
    labels: Labels = None,
    films: Films = None,
    index: Annotated[
        bool, typer.Option(help="Make the index of films that `similar` searches, too.")
    ] = True,
    json: Json = False,
) -> None:
    """Score a finished run on its test split and install it under weights/, once."""
    from xraycore.training.export import export_run
    from xraycore.training.run import Run

    opened = Run(run)
    manifest = _manifest(datasets, classes, labels, films, opened.config["seed"])
    exporting = partial(export_run, opened, manifest, index=index)
    _measured(exporting, manifest, external, limits, json)


@app.command()
def rescore(
    model: Annotated[str, typer.Argument(help="A shipped model; see `models`.")],
    datasets: DataSets,
    external: External = None,
    limits: Limits = None,
    classes: Classes = None,
    labels: Labels = None,
    films: Films = None,
    json: Json = False,
) -> None:
    """Calibrate and score a shipped model anew; its weights stay as they are."""
    from xraycore.models.cards import read_card
    from xraycore.training.export import recalibrate

    seed = read_card(model)["training"].get("seed", 0)
    manifest = _manifest(datasets, classes, labels, films, seed)
    _measured(partial(recalibrate, model, manifest), manifest, external, limits, json)


def _manifest(
    datasets: list[Path], classes: str | None, labels: str | None, films: int | None, seed: int
) -> Manifest:
    asked = parse_classes(classes) if classes else None
    manifest = read_splits(datasets, asked, LabelPolicy.parse(labels), seed=seed)
    return manifest if films is None else limit_training(manifest, films, seed=seed)


def _measured(
    install: Callable[..., Path],
    manifest: Manifest,
    external: list[str] | None,
    limits: Path | None,
    json: bool,
) -> None:
    """Installs a model with progress, and prints what its card says."""
    from xraycore.models.cards import read_card
    from xraycore.training.export import read_limits

    with recorded() as record, progress_bar() as show:
        report = both(show, record)
        others = [read_manifest(one) for one in external or []]
        folder = install(
            external=drop_overlap(others, manifest, store=default_index(), report=report),
            limits=read_limits(limits) if limits else [],
            command=show_command(sys.argv[1:]),
            report=report,
        )
    card = read_card(folder.name)
    if json:
        emit_json({"folder": str(folder), "card": card})
        return
    rows = [
        ["all classes, all sources: " + name, *_cells(card["scores"]["all"][name])]
        for name in ("accuracy", "macro_f1")
    ]
    for name, score in card["scores"].get("pneumonia", {}).items():
        if name == "at":
            continue
        rows.append(["Normal / Pneumonia, chest_xray: " + name, *_cells(score)])
    for source, found in card["external"].items():
        rows.append([f"Normal / Pneumonia, {source}: auc", *_cells(found["pneumonia"]["auc"])])
    emit_table(f"{card['title']}: {folder}", ["score", "value", "low", "high", "films"], rows)
    emit_table(
        "Evidence in the lungs, beside the lungs' share of the film",
        ["films of", "evidence", "lungs", "films"],
        [
            [source, found["evidence"], found["area"], found["films"]]
            for source, found in card["inside_lungs"].items()
        ],
    )


def _cells(score: dict) -> list:
    return [score["value"], score["low"], score["high"], score["n"]]
