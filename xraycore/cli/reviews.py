"""Commands for whoever keeps the review database: reviews check."""

import json as json_module
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from xraycore.cli.app import Json, app
from xraycore.cli.console import emit_json, emit_table
from xraycore.errors import ArgumentError

reviews = typer.Typer(no_args_is_help=True, help="Look after the database of reader studies.")
app.add_typer(reviews, name="reviews")


@reviews.command()
def check(
    since: Annotated[
        Path | None,
        typer.Option(help="What an earlier check printed with --json: its links must be there."),
    ] = None,
    json: Json = False,
) -> None:
    """Check that stored answers are those that were given; exit code 1 where one is not.

    Keep what --json prints elsewhere: who can write the database can also write a new chain, but
    not one that has the links of an earlier check.
    """
    from xraycore.reader_study import check_answers, open_database

    engine = open_database()
    try:
        checks = check_answers(engine, _read_links(since) if since else None)
    finally:
        engine.dispose()
    if json:
        names = ("study", "name", "answers", "erased", "unlinked", "head", "faults")
        emit_json({"studies": [{name: getattr(one, name) for name in names} for one in checks]})
    else:
        emit_table(
            "Stored answers",
            ("study", "answers", "erased", "of before the chain", "last link", "what is wrong"),
            [
                (
                    *(one.name or str(one.study), one.answers, one.erased, one.unlinked),
                    *(one.head[:16], "; ".join(one.faults) or "nothing"),
                )
                for one in checks
            ],
        )
    if any(one.faults for one in checks):
        raise typer.Exit(1)


def _read_links(file: Path) -> Mapping[int, str]:
    try:
        studies = json_module.loads(file.read_text())["studies"]
        return {int(one["study"]): str(one["head"]) for one in studies}
    except (ValueError, KeyError, TypeError) as error:
        raise ArgumentError(
            f"{file}: expected what `reviews check --json` printed ({type(error).__name__})."
        ) from None
