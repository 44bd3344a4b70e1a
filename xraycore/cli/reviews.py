"""Commands for whoever keeps the review database: reviews check, backup, restore, erase-reader."""

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


@reviews.command()
def backup(
    file: Annotated[Path, typer.Argument(help="New file to write; keep it off this computer.")],
    json: Json = False,
) -> None:
    """Write a copy of all studies, readers and answers, also while the app runs.

    One SQLite file, of whichever database; copying the database's own file would lose what is
    still in its log.
    """
    from xraycore.reader_study import open_database
    from xraycore.reader_study.backup import backup_database

    engine = open_database()
    try:
        checks = backup_database(engine, file)
    finally:
        engine.dispose()
    _tell(file, checks, json)


@reviews.command()
def restore(
    file: Annotated[Path, typer.Argument(help="What `reviews backup` wrote.")],
    replace: Annotated[
        bool, typer.Option(help="In place of studies that are there (SQLite; they are kept aside).")
    ] = False,
    json: Json = False,
) -> None:
    """Bring a copy back into the database that XRAYCORE_DATABASE names. Stop the app first."""
    from xraycore.reader_study.backup import restore_database

    checks, before = restore_database(file, replace=replace)
    _tell(file, checks, json, before)


@reviews.command("erase-reader")
def erase_reader(
    name: Annotated[str, typer.Argument(help="The reader's name, as results show it.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask whether it is meant.")] = False,
    json: Json = False,
) -> None:
    """Take a reader's name, login, sessions, comments and links out of the database, for good.

    What he judged and marked stays under a name that is no one's, and `reviews check` still finds
    it unchanged. Copies that were made before still hold him: make a new one, delete the others.
    """
    from xraycore.reader_study import open_database
    from xraycore.reader_study.erasure import erase_reader as erase

    if not yes:
        typer.confirm(f"Erase {name} for good?", abort=True, err=True)
    engine = open_database()
    try:
        pseudonym, answers = erase(engine, name, "command line")
    finally:
        engine.dispose()
    if json:
        emit_json({"reader": pseudonym, "answers": answers})
    else:
        rows = [(pseudonym, answers)]
        emit_table("Erased", ("is now", "answers without name and words"), rows)


def _tell(file: Path, checks: list, json: bool, before: Path | None = None) -> None:
    """What a copy holds; exit code 1 where its answers are not those that were given."""
    studies, answers = len(checks), sum(one.answers for one in checks)
    faults = [f"{one.name or one.study}: {fault}" for one in checks for fault in one.faults]
    kept = str(before) if before else None
    if json:
        found = {"file": str(file), "studies": studies, "answers": answers, "faults": faults}
        emit_json(found | {"before": kept})
    else:
        wrong = "; ".join(faults) or "nothing"
        columns = ("file", "studies", "answers", "what is wrong", "what was there before")
        emit_table("Copy", columns, [(str(file), studies, answers, wrong, kept or "–")])
    if faults:
        raise typer.Exit(1)


def _read_links(file: Path) -> Mapping[int, str]:
    try:
        studies = json_module.loads(file.read_text())["studies"]
        return {int(one["study"]): str(one["head"]) for one in studies}
    except (ValueError, KeyError, TypeError) as error:
        raise ArgumentError(
            f"{file}: expected what `reviews check --json` printed ({type(error).__name__})."
        ) from None
