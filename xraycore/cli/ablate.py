"""Commands that compare ways to train: ablate, and recipe, one of the field's first experiments."""

import sys
from json import loads
from pathlib import Path
from typing import Annotated

import typer

from xraycore.cli.app import Classes, Json, Seed, app
from xraycore.cli.console import emit_json, emit_table, progress_bar
from xraycore.cli.loading import EngineName, Scheduler, open_engine
from xraycore.cli.train import Datasets, Model, Weights, Where
from xraycore.datasets.audit.leakage import drop_overlap
from xraycore.datasets.index import default_index
from xraycore.datasets.labels import parse_classes
from xraycore.datasets.manifest import read_manifest
from xraycore.datasets.splits import read_splits
from xraycore.errors import ArgumentError
from xraycore.jobs.process import show_command
from xraycore.models.registry import MODELS, get_spec
from xraycore.models.spec import FULL
from xraycore.training.experiments import EXPERIMENTS, run_experiment
from xraycore.utils.files import write_json


@app.command()
def ablate(
    datasets: Datasets,
    model: Model,
    out: Annotated[Path, typer.Option(help="JSON file for the table; lines it has stay.")],
    runs: Annotated[Path, typer.Option(help="Folder for the runs; an interrupted one goes on.")],
    choose_on: Annotated[
        list[str] | None, typer.Option(help="A data set that is never trained on.")
    ] = None,
    weights: Weights = "none",
    epochs: Annotated[int, typer.Option(min=1, help="Epochs of each variant.")] = 3,
    size: Annotated[int, typer.Option(min=75, help="Height and width of the films.")] = 128,
    table: Annotated[
        str, typer.Option(help="shortcuts; or lesions, which tunes a trained network.")
    ] = "shortcuts",
    end: Where = None,
    added: Annotated[
        list[str] | None,
        typer.Option(
            help="A source that the first lines of the table do without; it gets a line without it."
        ),
    ] = None,
    cache_features: Annotated[
        int, typer.Option(min=0, help="See train; the lines share what is kept.")
    ] = 0,
    classes: Classes = None,
    seed: Seed = 0,
    engine: EngineName = "local",
    scheduler: Scheduler = None,
    json: Json = False,
) -> None:
    """Train with one more ingredient each time: crop, evidence loss, set labels, and so on.

    The table lesions says what a trained network gains by tuning (see the preset tune): evidence on
    drawn lesions, more hospitals, generated films, and what else was tried.
    """
    spec = get_spec(model, end or (get_spec(model).default_end if table == "lesions" else FULL))
    manifest = read_splits(datasets, parse_classes(classes) if classes else None, seed=seed)
    external = [read_manifest(one) for one in choose_on or []]

    import keras

    from xraycore.training.ablation import ablate
    from xraycore.utils.files import write_json

    keras.config.disable_interactive_logging()
    with progress_bar() as report, open_engine(engine, scheduler, {}) as opened:
        external = drop_overlap(external, manifest, store=default_index(), report=report)
        found = ablate(
            manifest,
            external,
            spec,
            runs,
            epochs=epochs,
            size=size,
            table=table,
            added=added or (),
            feature_draws=cache_features,
            weights=weights,
            seed=seed,
            known=loads(out.read_text()) if out.exists() else None,
            engine=opened,
            report=report,
        )
    found["command"] = show_command(sys.argv[1:])
    out.parent.mkdir(parents=True, exist_ok=True)
    write_json(out, found)
    if json:
        emit_json(found)
        return
    shown = ("val_", "auc_", "heat_", "hit_")
    of_rows = [row["last"] for row in found["rows"]]
    keys = dict.fromkeys(key for row in of_rows for key in row if key.startswith(shown))
    rows = [[row["name"], *(row["last"].get(key, "–") for key in keys)] for row in found["rows"]]
    emit_table(found["text"], ["recipe", *keys], rows)


@app.command()
def recipe(
    name: Annotated[str, typer.Argument(help=f"{', '.join(EXPERIMENTS)}; see docs/recipes.md.")],
    data: Annotated[Path, typer.Option(help="Folder of the data sets.")],
    runs: Annotated[Path, typer.Option(help="Folder for the runs; an interrupted one goes on.")],
    pretrained: Annotated[
        Path | None,
        typer.Option(help="Folder of NAME_imagenet_notop.weights.h5, in place of a download."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="JSON file for what is measured.")] = None,
    json: Json = False,
) -> None:
    """Train, ship and judge the networks of a small experiment, one command after the other."""
    if name not in EXPERIMENTS:
        raise ArgumentError(f"recipe must be one of {', '.join(EXPERIMENTS)}. Received: {name!r}")
    experiment = EXPERIMENTS[name]
    found = {
        "command": show_command(sys.argv[1:]),
        "walk": experiment.to_json(),
        **run_experiment(experiment, data, runs, pretrained),
    }
    if out:
        out.parent.mkdir(parents=True, exist_ok=True)
        write_json(out, found)
    if json:
        emit_json(found)
        return
    rows = []
    for arm, facts in zip(experiment.arms, found["arms"], strict=True):
        scores = found["stores"][arm.store]["models"][arm.model]["scores"]
        values = (scores[key]["value"] for key in ("accuracy", "macro_f1", "macro_auroc"))
        rows.append([MODELS[arm.model].title, facts["start"], *values])
    emit_table(experiment.title, ["network", "start", "accuracy", "macro F1", "AUC"], rows)
