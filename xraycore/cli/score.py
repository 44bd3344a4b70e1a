"""The command that scores archives: score."""

from pathlib import Path
from typing import Annotated, Any

import typer

from xraycore.cli.app import Json, app
from xraycore.cli.console import emit_json, emit_table, err, format_score, progress_bar
from xraycore.cli.loading import EngineName, Models, Scheduler, chosen_models, open_engine
from xraycore.config import NOTICE
from xraycore.jobs.engines import LocalEngine
from xraycore.models.answer import DEFAULT_ERROR_RATE
from xraycore.models.runtime import RUNTIMES
from xraycore.scoring.drift import TITLES
from xraycore.scoring.lines import check_error_rate
from xraycore.scoring.setup import files_of, make_setup
from xraycore.utils.text import pluralise


@app.command()
def score(
    place: Annotated[
        str,
        typer.Argument(
            metavar="INPUT",
            help="Folder of films, or a list of them in CSV or Parquet: a column path, and date, "
            "device, site and uid where they are known.",
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder for the results; a run of before goes on.")],
    model: Models = None,
    site: Annotated[
        str | None, typer.Option(help="Site profile to answer by, see `adapt`.")
    ] = None,
    error_rate: Annotated[
        float, typer.Option(help="See `predict`; 0 to answer by the operating point alone.")
    ] = DEFAULT_ERROR_RATE,
    keep: Annotated[
        list[str] | None,
        typer.Option(
            help="What to store beside the rows, as NPY: features (pooled) or maps (heat for the "
            "class that is called); repeatable."
        ),
    ] = None,
    shards: Annotated[
        int | None, typer.Option(min=1, help="Into how many; of 1,000 films each by default.")
    ] = None,
    engine: EngineName = "local",
    scheduler: Scheduler = None,
    runtime: Annotated[
        str, typer.Option(help=f"What networks run in: {' or '.join(RUNTIMES)}.")
    ] = RUNTIMES[0],
    json: Json = False,
) -> None:
    """Score an archive of any length into Parquet shards; what was stopped goes on.

    Each shard is written once and whole. Run it again with a list that has grown, and only the new
    films are scored. See docs/archives.md.
    """
    setup = make_setup(
        chosen_models(model),
        site=site,
        error_rate=check_error_rate(error_rate),
        keep=keep or (),
        runtime=runtime,
    )
    # Late: it needs pyarrow, which core does not install.
    from xraycore.scoring.archive import score_archive
    from xraycore.scoring.tasks import close_scorers

    try:
        with progress_bar() as report, open_engine(engine, scheduler, files_of(setup)) as opened:
            found = score_archive(
                place, out, setup, opened or LocalEngine(), shards=shards, report=report
            )
    finally:
        close_scorers()
    if json:
        emit_json(found)
        return
    _show(found, out)


def _show(found: dict[str, Any], out: Path) -> None:
    err.print(
        f"{pluralise(found['films'], 'film')} in {pluralise(found['shards'], 'shard')} under "
        f"{out}, {found['unread']:,} of them cannot be read."
    )
    for name, said in found["models"].items():
        for group, of in said["groups"].items():
            words = list(dict.fromkeys(word for entry in of.values() for word in entry["rates"]))
            rows = [
                [value, entry["films"], *(format_score(entry["rates"].get(word)) for word in words)]
                for value, entry in of.items()
            ]
            if group == "all" or list(of) != ["not said"]:
                emit_table(f"{name}: share of films by {group}", [group, "films", *words], rows)
        drift = [
            [TITLES[measure], one["archive"]["median"], *_against(one)]
            for measure, one in said["drift"].items()
            if one
        ]
        columns = ["measure", "median", "of the card's", "distance", ""]
        emit_table(f"{name}: drift", columns, drift)
    _show_features(found["features"])
    err.print(NOTICE)


def _show_features(found: dict[str, Any] | None) -> None:
    if found is None:
        return
    from xraycore.scoring.feature_drift import is_far_from_home

    rows = [
        [
            "all films" if group == "all" else f"{group} {value}",
            one["films"],
            one["distance"],
            f"{one['low']:.2f} to {one['high']:.2f}",
            "not known" if one["usual"] is None else f"{one['usual']:.2f}",
            "different" if is_far_from_home(one) else "",
        ]
        for group, of in found["groups"].items()
        for value, one in of.items()
        if one["distance"] is not None and (group == "all" or list(of) != ["not said"])
    ]
    columns = ["features of", "films", "distance", "95 %", "usual at home, up to", ""]
    emit_table("Features: distance from known films", columns, rows)


def _against(one: dict[str, Any]) -> list[object]:
    if not one["card"]:
        return ["not known", "", ""]
    from xraycore.scoring.summary import is_far

    far = "different" if is_far(one) else ""
    return [f"{one['card']['median']:.3f}", f"{one['distance']:.3f}", far]
