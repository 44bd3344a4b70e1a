"""Commands that ask a PACS and write to it: pacs list, check, search, fetch, report; listen."""

import typer

from xraycore.cli.app import app

pacs = typer.Typer(no_args_is_help=True, help="Search a PACS, fetch its films, write back to it.")
app.add_typer(pacs, name="pacs")
