"""The command that writes what was measured as text and pictures: results."""

from pathlib import Path
from typing import Annotated

import typer

from xraycore.cli.app import app
from xraycore.cli.console import err


@app.command()
def results(
    out: Annotated[Path, typer.Option(help="Folder to write the texts into.")] = Path("docs"),
    measured: Annotated[Path, typer.Option(help="Folder of what other commands measured.")] = Path(
        "docs/measured"
    ),
) -> None:
    """Write results.md with its picture, explanations.md and recipes.md from what was measured."""
    from xraycore.report.explanations import write_explanations
    from xraycore.report.plots import draw
    from xraycore.report.recipes import write_recipes
    from xraycore.report.results import write_results
    from xraycore.report.stored import read_stored

    stored = read_stored()
    draw(stored, out / "images" / "results.png")
    write_results(stored, measured, out / "results.md")
    write_explanations(measured, out / "explanations.md")
    write_recipes(measured, out / "recipes.md")
    titles = ", ".join(stored.titles.values())
    err.print(f"Wrote {out / 'results.md'}, explanations.md and recipes.md for {titles}.")
