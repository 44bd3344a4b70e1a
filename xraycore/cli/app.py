"""The typer application that the command modules register with, and the options they share."""

from typing import Annotated

import typer

from xraycore.datasets.labelling import POLICY_HELP

app = typer.Typer(
    help="Look inside chest X-ray classifiers. For education and research, never for diagnosis.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout, nothing else.")]
Seed = Annotated[int, typer.Option(help="Seed of the split and of everything random.")]
Classes = Annotated[
    str | None,
    typer.Option(help="Classes to use, e.g. 'Normal; Pneumonia = bacteria | virus'."),
]
Labels = Annotated[
    str | None,
    typer.Option(help=f"How labels are read, e.g. 'uncertain=positive'. {POLICY_HELP}."),
]


@app.callback()
def _commands() -> None:
    """Keeps `python -m xraycore COMMAND` one form, however many commands there are."""
