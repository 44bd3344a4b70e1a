"""`python -m tools.results`: writes what was measured as text and pictures."""

from pathlib import Path
from typing import Annotated

import typer

from xraycore.cli.console import err


def results(
    out: Annotated[Path, typer.Option(help="Folder to write the texts into.")] = Path("docs"),
    measured: Annotated[Path, typer.Option(help="Folder of what other commands measured.")] = Path(
        "docs/measured"
    ),
) -> None:
    """Write results.md with its picture, explanations.md and recipes.md from what was measured."""
    from tools.results.attribution import write_explanations
    from tools.results.experiments import write_recipes
    from tools.results.figures import draw
    from tools.results.results import write_results
    from tools.results.shortcut import draw_shortcuts
    from tools.results.stored import read_stored

    stored = read_stored()
    draw(stored, out / "images" / "results.png")
    draw_shortcuts(measured / "shortcut.json", out / "images" / "shortcuts.png")
    write_results(stored, measured, out / "results.md")
    write_explanations(measured, out / "explanations.md")
    write_recipes(measured, out / "recipes.md")
    titles = ", ".join(stored.titles.values())
    err.print(f"Wrote {out / 'results.md'}, explanations.md and recipes.md for {titles}.")


if __name__ == "__main__":
    typer.run(results)
