"""Commands that make weights: train, lr-find, ship, phantoms."""

import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from xraycore.cli.app import Classes, Json, Seed, app
from xraycore.cli.console import emit_json, emit_table, err, progress_bar
from xraycore.data.labels import parse_classes
from xraycore.data.splits import read_splits
from xraycore.models.spec import get_spec

Datasets = Annotated[list[Path], typer.Argument(help="Data set folders or CSV files.")]
Model = Annotated[str, typer.Option(help="Network to train; see `models`.")]
Weights = Annotated[
    str, typer.Option(help="Start from: imagenet (downloaded), none, or a .weights.h5 file.")
]


@app.command()
def train(
    datasets: Datasets,
    model: Model,
    out: Annotated[Path, typer.Option(help="Folder of the run.")],
    preset: Annotated[str, typer.Option(help="cpu, gpu or quick.")] = "cpu",
    weights: Weights = "none",
    resume: Annotated[bool, typer.Option("--resume", help="Go on where the run stopped.")] = False,
    classes: Classes = None,
    epochs: Annotated[int | None, typer.Option(help="Epochs of the last stage.")] = None,
    augment: Annotated[
        str | None, typer.Option(help="E.g. 'shear=0.2,zoom=0.2,flip=0.5', or none.")
    ] = None,
    batch_size: Annotated[int | None, typer.Option(help="Images a step.")] = None,
    precision: Annotated[str, typer.Option(help="auto, float32 or mixed_bfloat16.")] = "auto",
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Train a network on folders of films: transfer learning in stages, resumable."""
    spec = get_spec(model)
    manifest = read_splits(datasets, parse_classes(classes) if classes else None, seed=seed)

    from xraycore.training.augmentation import Augmentation
    from xraycore.training.fit import Progress, train
    from xraycore.training.recipe import preset as get_preset

    recipe = get_preset(preset, spec, pretrained=weights != "none")
    if epochs is not None:
        recipe = recipe.with_epochs(epochs)
    if augment is not None:
        recipe = replace(recipe, augmentation=Augmentation.parse(augment))
    if batch_size is not None:
        recipe = replace(recipe, batch_size=batch_size)
    with progress_bar() as update:

        def report(progress: Progress) -> None:
            text = progress.activity
            if progress.loss is not None:
                text += f", epoch {progress.epoch}/{progress.epochs}, loss {progress.loss:.3f}"
            update(text, progress.done)

        run = train(
            manifest,
            spec,
            recipe,
            out,
            weights=weights,
            precision=precision,
            seed=seed,
            resume=resume,
            command=shlex.join(["python", "-m", "xraycore", *sys.argv[1:]]),
            report=report,
        )
    state = run.state()
    if json:
        emit_json(
            {
                "run": str(out),
                "classes": list(manifest.classes),
                "split_sizes": manifest.counts(),
                "epochs": state.total_epochs,
                "history": state.history,
            }
        )
        return
    columns = list(state.history[-1])
    emit_table(
        f"{spec.title}: {out}", columns, [[row[c] for c in columns] for row in state.history]
    )
    err.print(f"Best weights: {run.best_weights}. Ship them with: python -m xraycore ship {out}")
