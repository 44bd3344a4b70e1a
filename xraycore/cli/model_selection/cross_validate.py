"""The command that trains once without each fold of patients: cross-validate."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from xraycore.cli.app import Json, app
from xraycore.cli.console import deliver, emit_table, err, progress_bar
from xraycore.cli.loading import EngineName, Scheduler, open_engine
from xraycore.cli.train import takes_plan
from xraycore.errors import ArgumentError
from xraycore.jobs.process import show_command
from xraycore.training.plan import Plan

Out = Annotated[
    Path, typer.Option(help="JSON file for the table; the runs' folders begin with its name.")
]
Runs = Annotated[Path, typer.Option(help="Folder for the runs; an interrupted one goes on.")]


@app.command()
@takes_plan
def cross_validate(
    plan: Plan,
    out: Out,
    runs: Runs,
    folds: Annotated[int, typer.Option(help="How many folds of patients.")] = 5,
    engine: EngineName = "local",
    scheduler: Scheduler = None,
    json: Json = False,
) -> None:
    """Train once without each fold of patients, and judge each fold by who has not seen it.

    Test films stay unopened: it says how well a recipe does before anything is chosen by them.
    """
    plan.recipe()
    import keras

    from xraycore.training.model_selection.cross_validation import cross_validate
    from xraycore.training.model_selection.tasks import files_for

    keras.config.disable_interactive_logging()
    try:
        with progress_bar() as report, open_engine(engine, scheduler, files_for(plan)) as opened:
            found = cross_validate(
                plan, folds, runs.absolute(), out.stem, engine=opened, report=report
            )
    except KeyboardInterrupt:
        raise ArgumentError(f"stopped. Go on with the same command ({runs}).") from None
    found["command"] = show_command(sys.argv[1:])
    if deliver(found, out, as_json=json):
        return
    names = list(found["scores"])
    rows = [
        [row["fold"], row["films"]["test"], *(row["held_out"].get(name, "–") for name in names)]
        for row in found["folds"]
    ]
    told = ["mean", "", *(found["scores"][name]["mean"] for name in names)]
    limits = [
        f"{one['low']:.3f} to {one['high']:.3f}" for one in (found["scores"][n] for n in names)
    ]
    emit_table(found["text"], ["fold", "films", *names], [*rows, told, ["95 %", "", *limits]])
    err.print(f"Wrote {out}; the runs are in {runs}.", soft_wrap=True)
