"""The command that runs one of the field's first experiments from films to scores: recipe."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from xraycore.cli.app import Json, app
from xraycore.cli.console import emit_json, emit_table
from xraycore.errors import ArgumentError
from xraycore.jobs.process import show_command
from xraycore.models.registry import MODELS
from xraycore.training.experiments import EXPERIMENTS, run_experiment
from xraycore.utils.files import write_json


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
