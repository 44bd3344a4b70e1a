"""Commands that train: train, lr-find."""

import inspect
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from xraycore.cli.app import Classes, Json, Labels, Seed, app
from xraycore.cli.console import emit_json, emit_table, err, progress_bar
from xraycore.datasets.manifest import describe_left_out
from xraycore.errors import ArgumentError
from xraycore.jobs.process import show_command
from xraycore.jobs.recorder import recorded
from xraycore.training.config import PRESETS
from xraycore.training.plan import Plan
from xraycore.training.settings import SETTINGS, changes_of
from xraycore.utils.progress import both

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from xraycore.training.lr_finder import RateCurve

Datasets = Annotated[list[Path], typer.Argument(help="Data set folders or CSV files.")]
Model = Annotated[str, typer.Option(help="Network to train; see `models`.")]
Where = Annotated[
    str | None, typer.Option("--end", help="Where the network ends: full, or a place before.")
]
Preset = Annotated[str, typer.Option(help=f"{', '.join(PRESETS)}.")]
Weights = Annotated[
    str, typer.Option(help="Start from: imagenet (downloaded), none, or a .weights.h5 file.")
]
Films = Annotated[
    int | None, typer.Option(help="Train on at most this many films, as many of each label.")
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


def _options_of_changes(*, of_stage: bool) -> list[inspect.Parameter]:
    """An option for every line of `SETTINGS`."""
    return [
        inspect.Parameter(
            setting.word.replace("-", "_"),
            inspect.Parameter.KEYWORD_ONLY,
            default=None,
            annotation=Annotated[setting.type | None, typer.Option(help=setting.help)],
        )
        for setting in SETTINGS.values()
        if of_stage or not setting.of_stage
    ]


def _takes_changes(command: Callable) -> Callable:
    """Gives a command the settings as options in place of its `**changes`, not the last stage's."""
    signature = inspect.signature(command)
    own = [one for one in signature.parameters.values() if one.kind is not one.VAR_KEYWORD]
    options = [*own, *_options_of_changes(of_stage=False)]
    vars(command)["__signature__"] = signature.replace(parameters=options)
    return command


def _make_plan(
    datasets: Datasets,
    model: Model,
    end: Where = None,
    preset: Preset = "cpu",
    weights: Weights = "none",
    classes: Classes = None,
    labels: Labels = None,
    films: Films = None,
    choose_on: Annotated[
        list[str] | None,
        typer.Option(help="A data set to choose the best epoch by, never trained on."),
    ] = None,
    teacher: Annotated[
        list[str] | None, typer.Option(help="A shipped model to imitate as well.")
    ] = None,
    precision: Annotated[str, typer.Option(help="auto, float32 or mixed_bfloat16.")] = "auto",
    seed: Seed = 0,
    **changes: object,
) -> Plan:
    """The plan that a command line of `train` names."""
    return Plan(
        *(tuple(map(str, datasets)), model, preset, weights, films, changes_of(changes)),
        classes=classes,
        labels=labels,
        choose_on=tuple(choose_on or ()),
        teacher=tuple(teacher or ()),
        precision=precision,
        seed=seed,
        end=end,
    )


def takes_plan(command: Callable) -> Callable:
    """Gives a command the options of a training in place of its first parameter, the plan."""
    of_plan = [
        one.replace(kind=one.KEYWORD_ONLY)
        for one in inspect.signature(_make_plan).parameters.values()
        if one.kind is not one.VAR_KEYWORD
    ] + _options_of_changes(of_stage=True)
    _, *own = inspect.signature(command).parameters.values()

    @wraps(command)
    def run(**options: Any) -> None:
        plan = _make_plan(**{one.name: options.pop(one.name) for one in of_plan})
        command(plan, **options)

    parameters = [*of_plan, *(one.replace(kind=one.KEYWORD_ONLY) for one in own)]
    vars(run)["__signature__"] = inspect.Signature(parameters)
    return run


@app.command()
@takes_plan
def train(
    plan: Plan,
    out: Annotated[Path, typer.Option(help="Folder of the run.")],
    resume: Annotated[bool, typer.Option("--resume", help="Go on where the run stopped.")] = False,
    fold: Annotated[
        str | None,
        typer.Option(help="Hold that fold of the patients out, such as 2/5; see cross-validate."),
    ] = None,
    json: Json = False,
) -> None:
    """Train a network on folders of films: transfer learning in stages, resumable."""
    plan = replace(plan, fold=fold)
    spec, manifest = plan.spec, plan.manifest()
    plan.recipe()
    try:
        with recorded(out, plan.train_arguments(out)) as record, progress_bar() as show:
            # Late: a mistake in the options is told before TensorFlow takes its seconds to start.
            import keras

            from xraycore.training.trainer import train_plan

            # Keras writes the progress of a download to stdout.
            keras.config.disable_interactive_logging()
            run = train_plan(
                plan,
                manifest,
                out,
                resume=resume,
                command=show_command(sys.argv[1:]),
                report=both(show, record),
                report_overlap=show,
            )
    except KeyboardInterrupt:
        raise ArgumentError(f"stopped. Go on with the same command and --resume ({out}).") from None
    state = run.state()
    if json:
        emit_json(
            {
                "run": str(out),
                "classes": list(manifest.classes),
                "split_sizes": manifest.counts(),
                **manifest.reading_to_json(),
                "epochs": state.total_epochs,
                "history": state.history,
            }
        )
        return
    rows = [[row[key] for key in HISTORY.values()] for row in state.history]
    emit_table(f"{spec.title}: {out}", list(HISTORY), [[*row[:-1], round(row[-1])] for row in rows])
    if said := describe_left_out(manifest.left_out):
        err.print(f"Not used: {said}.", soft_wrap=True)
    said = f"Best weights: {run.best_weights}."
    if not plan.fold:  # A network of a fold is made to be judged by it.
        said += f" Ship them with: {show_command(plan.ship_arguments(out))}"
    err.print(said, soft_wrap=True)


@app.command()
@_takes_changes
def lr_find(
    datasets: Datasets,
    model: Model,
    end: Where = None,
    preset: Preset = "cpu",
    weights: Weights = "none",
    classes: Classes = None,
    labels: Labels = None,
    films: Films = None,
    steps: Annotated[int, typer.Option(help="Number of rates, a batch each.")] = 100,
    out: Annotated[Path | None, typer.Option(help="HTML file to draw the curve into.")] = None,
    seed: Seed = 0,
    json: Json = False,
    **changes: object,
) -> None:
    """Raise the learning rate from 1e-7 to 1, watch the loss, and suggest a peak rate.

    Trains what the preset's first stage beyond the head trains, at that stage's size.
    """
    plan = Plan(
        *(tuple(map(str, datasets)), model, preset, weights, films, changes_of(changes)),
        classes=classes,
        labels=labels,
        seed=seed,
        end=end,
    )
    spec, manifest = plan.spec, plan.manifest()
    if out:
        out.parent.mkdir(parents=True, exist_ok=True)
    recipe = plan.recipe()
    with recorded() as record, progress_bar() as show:
        import keras

        from xraycore.training.lr_finder import find_learning_rate

        keras.config.disable_interactive_logging()
        curve = find_learning_rate(
            manifest,
            spec,
            recipe,
            weights=plan.weights,
            steps=steps,
            seed=seed,
            report=both(show, record),
        )
    if out:
        _draw(curve, spec.title).write_html(out, include_plotlyjs=True)
    if json:
        emit_json({"model": model, "weights": Path(weights).name, **curve.to_json()})
        return
    _print(curve, f"{spec.title}, {curve.stage.name}, {curve.stage.size} px")


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
