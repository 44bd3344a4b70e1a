"""The command that trains with other settings each time: search."""

import sys
from typing import Annotated, Any

import typer

from xraycore.cli.app import Json, app
from xraycore.cli.console import deliver, emit_table, err, progress_bar
from xraycore.cli.loading import EngineName, Scheduler, open_engine
from xraycore.cli.model_selection.cross_validate import Out, Runs
from xraycore.cli.train import takes_plan
from xraycore.errors import ArgumentError
from xraycore.jobs.process import show_command
from xraycore.training.augmentation import Augmentation
from xraycore.training.config import DOMAIN_RANDOM, STYLES
from xraycore.training.plan import Plan
from xraycore.training.settings import SETTINGS

# What a table calls random changes of films that may be searched.
NAMED = {
    str(Augmentation.parse("none")): "none",
    str(DOMAIN_RANDOM): "exposure",
    str(STYLES): "exposure, curve",
}


@app.command()
@takes_plan
def search(
    plan: Plan,
    out: Out,
    runs: Runs,
    trials: Annotated[int, typer.Option(min=1, help="How many trainings in all.")] = 20,
    over: Annotated[
        list[str] | None,
        typer.Option(help="What to search: an option's word, or WORD=LOW:HIGH; repeatable."),
    ] = None,
    engine: EngineName = "local",
    scheduler: Scheduler = None,
    json: Json = False,
) -> None:
    """Train with other settings each time, and rank them by the score that chooses the epoch.

    Learning rate, weight decay, balance, weights of the losses and augmentation, unless --over says
    what. Test films stay unopened. The study is kept beside the table; the same command goes on.
    """
    plan.recipe()
    import keras

    from xraycore.training.model_selection.search import search
    from xraycore.training.model_selection.tasks import files_for

    keras.config.disable_interactive_logging()
    try:
        with progress_bar() as report, open_engine(engine, scheduler, files_for(plan)) as opened:
            found = search(
                plan,
                trials,
                runs.absolute(),
                out.stem,
                out.with_suffix(".sqlite"),
                over=over or (),
                engine=opened,
                report=report,
            )
    except KeyboardInterrupt:
        raise ArgumentError(f"stopped. Go on with the same command ({runs}).") from None
    found["command"] = show_command(sys.argv[1:])
    if deliver(found, out, as_json=json):
        return
    names = list(found["space"])
    rows = [
        [
            row["run"],
            row["state"] if row["choice"] is None else row["choice"],
            row["best"].get("val_auc", "–"),
            *(_shown(row["changes"].get(name)) for name in names),
        ]
        for row in found["trials"]
    ]
    words = [SETTINGS[name].word for name in names]
    emit_table(found["text"], ["run", "choice", "val AUC", *words], rows)
    err.print(f"Wrote {out}; the runs are in {runs}.", soft_wrap=True)


def _shown(value: Any) -> str:
    if isinstance(value, str) and "=" in value:  # Of ten random changes a table has no room.
        return NAMED.get(value, "the recipe's")
    return f"{value:.3g}" if isinstance(value, float) else str(value)
