"""Commands that train: train, lr-find."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer

from xraycore.cli.app import Classes, Json, Seed, app
from xraycore.cli.console import emit_json, emit_table, err, progress_bar
from xraycore.data.film_facts import default_store
from xraycore.data.labels import parse_classes
from xraycore.data.manifest import read_manifest
from xraycore.data.splits import limit_training, read_splits
from xraycore.data.strangers import leave_out_known
from xraycore.models.spec import ModelSpec, get_spec
from xraycore.training.recorder import recorded

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from xraycore.training.lr_find import RateCurve
    from xraycore.training.progress import Progress

Datasets = Annotated[list[Path], typer.Argument(help="Data set folders or CSV files.")]
Model = Annotated[str, typer.Option(help="Network to train; see `models`.")]
Where = Annotated[
    str | None, typer.Option("--end", help="Where the network ends: full, or a place before.")
]
Preset = Annotated[str, typer.Option(help="cpu, gpu, quick or shipped.")]
Weights = Annotated[
    str, typer.Option(help="Start from: imagenet (downloaded), none, or a .weights.h5 file.")
]
Films = Annotated[
    int | None, typer.Option(help="Train on at most this many films, as many of each label.")
]
Augment = Annotated[str | None, typer.Option(help="E.g. 'shear=0.2,zoom=0.2,flip=0.5', or none.")]
BatchSize = Annotated[int | None, typer.Option(help="Images a step.")]
View = Annotated[
    str | None, typer.Option(help="What the network sees: lungs (the lung field) or film.")
]
Evidence = Annotated[
    float | None, typer.Option(help="Weight of the loss on evidence outside the lungs.")
]
LesionEvidence = Annotated[
    float | None, typer.Option(help="Weight of the loss on evidence beside drawn lesions.")
]
Painted = Annotated[
    float | None,
    typer.Option(help="Share of the normal films into which opacities are painted, 0 to 1."),
]

# Heading -> key of a history row.
HISTORY = {
    "epoch": "epoch",
    "stage": "stage",
    "px": "size",
    "loss": "loss",
    "acc.": "accuracy",
    "val loss": "val_loss",
    "val acc.": "val_accuracy",
    "val AUC": "val_auc",
    "in lungs": "val_inside",
    "choice": "choice",
    "img/s": "images_per_second",
}
SHOWN = 25
BAR = 30


@app.command()
def train(
    datasets: Datasets,
    model: Model,
    out: Annotated[Path, typer.Option(help="Folder of the run.")],
    end: Where = None,
    preset: Preset = "cpu",
    weights: Weights = "none",
    resume: Annotated[bool, typer.Option("--resume", help="Go on where the run stopped.")] = False,
    classes: Classes = None,
    films: Films = None,
    epochs: Annotated[int | None, typer.Option(help="Epochs of the last stage.")] = None,
    lr: Annotated[
        float | None,
        typer.Option(help="Peak learning rate of the last stage; earlier stages keep theirs."),
    ] = None,
    augment: Augment = None,
    batch_size: BatchSize = None,
    view: View = None,
    evidence: Evidence = None,
    lesion_evidence: LesionEvidence = None,
    painted: Painted = None,
    choose_on: Annotated[
        list[str] | None,
        typer.Option(help="A data set to choose the best epoch by, never trained on."),
    ] = None,
    teacher: Annotated[
        list[str] | None, typer.Option(help="A shipped model to imitate as well.")
    ] = None,
    precision: Annotated[str, typer.Option(help="auto, float32 or mixed_bfloat16.")] = "auto",
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Train a network on folders of films: transfer learning in stages, resumable."""
    spec = _ended(model, end)
    manifest = read_splits(datasets, parse_classes(classes) if classes else None, seed=seed)
    if films is not None:
        manifest = limit_training(manifest, films, seed=seed)

    from xraycore.training.recipe import preset as get_preset

    recipe = get_preset(preset, spec, pretrained=weights != "none").adapted(
        epochs=epochs,
        lr=lr,
        augment=augment,
        batch_size=batch_size,
        view=view,
        evidence=evidence,
        lesion_evidence=lesion_evidence,
        painted=painted,
    )
    external = [read_manifest(one) for one in choose_on or []]

    facts = {
        "datasets": [str(Path(dataset).absolute()) for dataset in datasets],
        "classes": classes,
        "films": films,
    }
    try:
        with recorded(out, facts) as record, progress_bar() as update:
            external = leave_out_known(external, manifest, store=default_store(), report=update)
            # Late: a mistake in the options is told before TensorFlow takes its seconds to start.
            import keras

            from xraycore.training.fit import train

            # Keras writes the progress of a download to stdout.
            keras.config.disable_interactive_logging()

            def report(progress: "Progress") -> None:
                update(*_described(progress))
                record(progress)

            run = train(
                manifest,
                spec,
                recipe,
                out,
                weights=weights,
                external=external,
                teachers=teacher or [],
                precision=precision,
                seed=seed,
                resume=resume,
                command=shlex.join(["python", "-m", "xraycore", *sys.argv[1:]]),
                report=report,
            )
    except KeyboardInterrupt:
        raise ValueError(f"stopped. Go on with the same command and --resume ({out}).") from None
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
    rows = [[row[key] for key in HISTORY.values()] for row in state.history]
    emit_table(f"{spec.title}: {out}", list(HISTORY), [[*row[:-1], round(row[-1])] for row in rows])
    options = {"--classes": classes, "--films": films}
    given = [str(word) for option in options.items() if option[1] for word in option]
    ship = shlex.join(["python", "-m", "xraycore", "ship", *map(str, [out, *datasets]), *given])
    err.print(f"Best weights: {run.best_weights}. Ship them with: {ship}", soft_wrap=True)


@app.command()
def lr_find(
    datasets: Datasets,
    model: Model,
    end: Where = None,
    preset: Preset = "cpu",
    weights: Weights = "none",
    classes: Classes = None,
    films: Films = None,
    augment: Augment = None,
    batch_size: BatchSize = None,
    view: View = None,
    evidence: Evidence = None,
    painted: Painted = None,
    steps: Annotated[int, typer.Option(help="Number of rates, a batch each.")] = 100,
    out: Annotated[Path | None, typer.Option(help="HTML file to draw the curve into.")] = None,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Raise the learning rate from 1e-7 to 1, watch the loss, and suggest a peak rate.

    Trains what the preset's first stage beyond the head trains, at that stage's size.
    """
    spec = _ended(model, end)
    manifest = read_splits(datasets, parse_classes(classes) if classes else None, seed=seed)
    if films is not None:
        manifest = limit_training(manifest, films, seed=seed)
    if out:
        out.parent.mkdir(parents=True, exist_ok=True)

    from xraycore.training.recipe import preset as get_preset

    recipe = get_preset(preset, spec, pretrained=weights != "none").adapted(
        augment=augment, batch_size=batch_size, view=view, evidence=evidence, painted=painted
    )
    with recorded() as record, progress_bar() as update:
        import keras

        from xraycore.training.lr_find import find_learning_rate

        keras.config.disable_interactive_logging()

        def report(progress: "Progress") -> None:
            update(*_described(progress))
            record(progress)

        curve = find_learning_rate(
            manifest, spec, recipe, weights=weights, steps=steps, seed=seed, report=report
        )
    if out:
        _draw(curve, spec.title).write_html(out, include_plotlyjs=True)
    if json:
        emit_json({"model": model, "weights": Path(weights).name, **curve.to_json()})
        return
    _print(curve, f"{spec.title}, {curve.stage.name}, {curve.stage.size} px")


def _ended(model: str, end: str | None) -> ModelSpec:
    spec = get_spec(model)
    return spec.ending(end or spec.default_end)


def _described(progress: "Progress") -> tuple[str, float, str]:
    text = progress.activity
    if progress.epochs:
        text += f", epoch {progress.epoch}/{progress.epochs}"
    if progress.loss is not None:
        text += f", loss {progress.loss:.3f}"
    return text, progress.done, progress.activity


def _print(curve: "RateCurve", title: str) -> None:
    top = curve.smoothed.max()
    shown = np.unique(np.linspace(0, len(curve.rates) - 1, SHOWN).round().astype(int))
    emit_table(
        title,
        ["rate", "loss", "smoothed", ""],
        [
            [
                f"{curve.rates[i]:.1e}",
                float(curve.losses[i]),
                float(curve.smoothed[i]),
                "█" * max(1, round(BAR * curve.smoothed[i] / top)),
            ]
            for i in shown
        ],
    )
    end = f"Above {curve.rates[-1]:.1e} the loss diverges." if curve.diverged else "No divergence."
    if curve.suggestion is None:
        err.print(f"{end} The loss never fell, so no rate is suggested.")
    else:
        err.print(f"{end} The loss fell fastest at {curve.suggestion:.1e}; try --lr about there.")


def _draw(curve: "RateCurve", title: str) -> "go.Figure":
    import plotly.graph_objects as go

    figure = go.Figure(
        [
            go.Scatter(x=curve.rates, y=curve.losses, name="loss", mode="markers", opacity=0.4),
            go.Scatter(x=curve.rates, y=curve.smoothed, name="smoothed", mode="lines"),
        ]
    )
    figure.update_xaxes(type="log", title="learning rate", exponentformat="power")
    figure.update_yaxes(title="training loss")
    if curve.suggestion is not None:
        figure.add_vline(
            x=curve.suggestion,
            line_dash="dot",
            annotation_text=f"fastest fall: {curve.suggestion:.1e}",
        )
    figure.update_layout(
        title=f"{title}: learning-rate range test, {curve.stage.name}, {curve.stage.size} px"
    )
    return figure
