"""Commands that compare ways to train: ablate, shortcut, and recipe, a first experiment."""

import sys
from json import loads
from pathlib import Path
from typing import Annotated

import typer

from xraycore.anatomy.segmenter import segmenter_files
from xraycore.cli.app import Classes, Json, Seed, app
from xraycore.cli.console import deliver, emit_table, err, format_score, progress_bar
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

Shares = Annotated[
    list[float] | None,
    typer.Option("--share", help="Of the class's films that bear it; repeat for several."),
]


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

    keras.config.disable_interactive_logging()
    with progress_bar() as report, open_engine(engine, scheduler, segmenter_files()) as opened:
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
    if deliver(found, out, as_json=json):
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
    if deliver(found, out, as_json=json):
        return
    rows = []
    for arm, facts in zip(experiment.arms, found["arms"], strict=True):
        scores = found["stores"][arm.store]["models"][arm.model]["scores"]
        values = (scores[key]["value"] for key in ("accuracy", "macro_f1", "macro_auroc"))
        rows.append([MODELS[arm.model].title, facts["start"], *values])
    emit_table(experiment.title, ["network", "start", "accuracy", "macro F1", "AUC"], rows)


@app.command()
def shortcut(
    out: Annotated[Path, typer.Option(help="JSON file for what is measured; what it has stays.")],
    runs: Annotated[
        Path, typer.Option(help="Folder for films and runs; an interrupted one goes on.")
    ],
    datasets: Annotated[
        list[str] | None, typer.Argument(help="Data sets; generated films by default.")
    ] = None,
    model: Annotated[str, typer.Option(help="Network to train.")] = "basic_cnn",
    plant: Annotated[
        list[str] | None,
        typer.Option(help="marker, border, contrast or tube; repeat for several. All by default."),
    ] = None,
    share: Shares = None,
    of_class: Annotated[
        str | None, typer.Option("--class", help="The class that the plant comes with.")
    ] = None,
    method: Annotated[
        list[str] | None, typer.Option(help="Heatmap method to judge; all by default.")
    ] = None,
    weights: Weights = "none",
    epochs: Annotated[int, typer.Option(min=1, help="Of each training.")] = 10,
    size: Annotated[int, typer.Option(min=32, help="Height and width of the films.")] = 96,
    films: Annotated[int, typer.Option(min=20, help="Generated films of each class.")] = 250,
    only_ends: Annotated[
        bool, typer.Option("--only-ends", help="Without any remedy and with all, nothing between.")
    ] = False,
    classes: Classes = None,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Plant a marker, border, contrast or tube, and measure who falls for it.

    The same recipe is trained without and with what is to keep a network from shortcuts. Beside the
    score at home stands the one once the plant has moved to the other classes, and how much heat
    lies on the plant; then which heatmap methods find it, and what the audit says before training.
    """
    spec = get_spec(model)
    import keras

    from xraycore.attribution.registry import METHODS, get_method
    from xraycore.datasets.labels import NORMAL
    from xraycore.datasets.splits import read_splits, trainable_classes
    from xraycore.datasets.synthetic.phantom import write_phantoms
    from xraycore.datasets.synthetic.plants import PLANTS
    from xraycore.report.shortcuts import list_checks, list_methods_found, list_trainings
    from xraycore.training.shortcut_bench import bench_shortcuts

    chosen = [get_method(one).name for one in method] if method else list(METHODS)
    if not datasets:
        made = runs / f"phantoms-{films}-{seed}"
        if not made.is_dir():
            write_phantoms(made, films, size=256, seed=seed)
        datasets = [str(made)]
    manifest = read_splits(datasets, parse_classes(classes) if classes else None, seed=seed)
    abnormal = [name for name in trainable_classes(manifest) if name != NORMAL]
    command = show_command(sys.argv[1:])
    out.parent.mkdir(parents=True, exist_ok=True)
    keras.config.disable_interactive_logging()
    with progress_bar() as report:
        found = bench_shortcuts(
            manifest,
            spec,
            runs,
            label=of_class or abnormal[-1],
            plants=plant or tuple(PLANTS),
            shares=sorted(share) if share else (0.0, 0.5, 1.0),
            epochs=epochs,
            size=size,
            methods=chosen,
            weights=weights,
            seed=seed,
            only_ends=only_ends,
            known=loads(out.read_text()) if out.exists() else None,
            keep=lambda so_far: write_json(out, {**so_far, "command": command}),
            report=report,
        )
    if deliver({**found, "command": command}, out, as_json=json):
        return
    for title, rows, digits in (
        (found["text"], list_trainings(found), ".3f"),
        (
            "Hottest point on the plant, of the network without remedies",
            list_methods_found(found),
            ".2f",
        ),
        ("What the audit says before training", list_checks(found), ".3f"),
    ):
        told = list(rows)
        cells = [
            [one if isinstance(one, str) else format_score(one, digits) for one in row.values()]
            for row in told
        ]
        emit_table(title, list(told[0]) if told else [], cells)
    err.print(f"Wrote {out}.", soft_wrap=True)
