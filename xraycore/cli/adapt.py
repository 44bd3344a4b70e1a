"""The command that fits how answers are read at a site of one's own: adapt."""

import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from xraycore.cli.app import Json, app
from xraycore.cli.console import emit_json, emit_table, err, out, progress_bar
from xraycore.cli.loading import chosen_models, load_models, read_films
from xraycore.errors import ArgumentError
from xraycore.models.registry import list_models
from xraycore.models.sites import SiteProfile, list_sites, read_site, remove_site, write_site
from xraycore.utils.progress import part_of
from xraycore.utils.text import percent


@app.command()
def adapt(
    model: Annotated[str | None, typer.Argument(help="A model, or all.")] = None,
    films: Annotated[
        list[Path] | None, typer.Argument(help="Local normal films, 20 to 100; or folders of them.")
    ] = None,
    site: Annotated[str | None, typer.Option(help="Name of the site.")] = None,
    abnormal: Annotated[
        list[Path] | None, typer.Option(help="Local films with an opacity, or folders of them.")
    ] = None,
    specificity: Annotated[
        float, typer.Option(help="Share of normal films that are not to be called.")
    ] = 0.9,
    show: Annotated[bool, typer.Option("--list", help="List the profiles there are.")] = False,
    remove: Annotated[bool, typer.Option("--remove", help="Forget the profile of --site.")] = False,
    json: Json = False,
) -> None:
    """Fit threshold and temperature to local films, as a site profile; weights stay as they are.

    Answer by it with `predict --site NAME`.
    """
    names = chosen_models([model]) if model else list_models()
    if show:
        _show([read_site(name, one) for name in names for one in list_sites(name)], json)
        return
    if site is None:
        raise ArgumentError("adapt needs the name of a site: --site NAME, or --list.")
    if remove:
        held = [name for name in names if site in list_sites(name)]
        if not held:
            raise ArgumentError(f"there is no profile of the site {site!r}.")
        for name in held:
            remove_site(name, site)
        out.print(f"Forgot {site} of {', '.join(held)}.")
        return
    if model is None or not films:
        raise ArgumentError("adapt needs a model and local normal films.")

    from xraycore.evaluation.adaptation import fit_site, read_opacities
    from xraycore.jobs.process import show_command

    about = {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": show_command(sys.argv[1:]),
    }
    normals, others = read_films(films), read_films(abnormal) if abnormal else []
    profiles = []
    classifiers = load_models(names)
    with progress_bar() as report:
        for number, one in enumerate(classifiers):
            asked = part_of(report, number, len(classifiers), f"{one.spec.name} reads films")
            clear, left = read_opacities(one, normals, asked)
            dense, more = read_opacities(one, others)
            if left + more:
                err.print(f"{one.spec.name}: {left + more} films get no answer and were left out.")
            profile = fit_site(site, one.card, clear, dense, specificity=specificity, fitted=about)
            write_site(profile)
            profiles.append(profile)
    _show(profiles, json)


def _show(profiles: list[SiteProfile], json: bool) -> None:
    if json:
        emit_json([asdict(one) for one in profiles])
        return
    table = []
    for one in profiles:
        low, high = one.threshold_interval
        cleared, found = one.specificity, one.sensitivity
        table.append(
            [
                one.name,
                one.model,
                f"{percent(one.threshold, 1)} ({percent(low, 1)} to {percent(high, 1)})",
                f"{percent(cleared['value'])} ({percent(cleared['low'])} to "
                f"{percent(cleared['high'])})",
                "not measured" if found is None else percent(found["value"]),
                f"{one.normals} + {one.abnormals}",
                f"{one.temperature:.2f}",
            ]
        )
    columns = ["site", "model", "called from", "normals not called", "opacities found"]
    emit_table("Site profiles", [*columns, "films", "temperature"], table)
    for text in dict.fromkeys(text for one in profiles for text in one.warnings):
        err.print(text)
