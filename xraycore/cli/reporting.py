"""The command that writes what is known about the shipped models: results."""

from pathlib import Path
from typing import Annotated

import typer

from xraycore.cli.app import app
from xraycore.cli.console import err


@app.command()
def results(
    out: Annotated[Path, typer.Option(help="Folder to write results.md into.")] = Path("docs"),
) -> None:
    """Write results.md with its picture, and explanations.md, from what was measured."""
    from xraycore.report.explanations import write_explanations
    from xraycore.report.plots import draw
    from xraycore.report.results import write_results
    from xraycore.report.stored import read_stored

    stored = read_stored()
    draw(stored, out / "images" / "results.png")
    write_results(stored, out / "measured", out / "results.md")
    write_explanations(out / "measured", out / "explanations.md")
    err.print(
        f"Wrote {out / 'results.md'} and explanations.md for {', '.join(stored.titles.values())}."
    )
