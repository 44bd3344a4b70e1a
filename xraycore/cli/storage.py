"""Commands about what lies on the disk: storage list, delete, expire."""

from typing import Annotated

import typer

from xraycore.cli.app import Json, app
from xraycore.cli.console import emit_json, emit_table
from xraycore.config import limits
from xraycore.errors import StorageError
from xraycore.jobs.process import is_at_work
from xraycore.jobs.storage import (
    CACHE,
    PHANTOMS,
    RUN,
    UPLOADED,
    StoredItem,
    delete,
    expire,
    format_bytes,
    list_stored,
)

storage = typer.Typer(no_args_is_help=True, help="See and delete runs, drawn films and caches.")
app.add_typer(storage, name="storage")
COLUMNS = ("what", "name", "size", "days since written")


@storage.command("list")
def list_all(json: Json = False) -> None:
    """List what is kept in the folders of runs and caches, the largest first."""
    kept = list_stored()
    if json:
        emit_json({"limit_gb": limits().disk_gb, "kept": list(map(_entry, kept))})
    else:
        emit_table("On the disk", COLUMNS, list(map(_row, kept)))


@storage.command("delete")
def delete_some(
    names: Annotated[list[str], typer.Argument(help="As `storage list` names them.")],
    json: Json = False,
) -> None:
    """Delete runs, drawn films or caches by name, for good. Where a process works, nothing is."""
    kept = {one.name: one for one in list_stored()}
    if missing := [name for name in names if name not in kept]:
        raise StorageError(f"{', '.join(missing)}: expected names that `storage list` shows.")
    gone = [kept[name] for name in dict.fromkeys(names)]
    for one in gone:
        delete(one, is_at_work)
    _tell(gone, json)


@storage.command("expire")
def expire_old(
    days: Annotated[float, typer.Option(help="Not written for so many days.")] = 30.0,
    runs: Annotated[bool, typer.Option(help="Runs too, not only what can be made again.")] = False,
    json: Json = False,
) -> None:
    """Delete drawn films and caches that were not written for long; for a timer, say."""
    kinds = (PHANTOMS, UPLOADED, CACHE, *([RUN] if runs else []))
    _tell(expire(days, is_at_work, kinds), json)


def _tell(gone: list[StoredItem], json: bool) -> None:
    if json:
        emit_json({"deleted": list(map(_entry, gone))})
    else:
        emit_table("Deleted", COLUMNS, list(map(_row, gone)))


def _row(one: StoredItem) -> tuple:
    return one.kind, one.name, format_bytes(one.bytes), round(one.days)


def _entry(one: StoredItem) -> dict:
    about = {"kind": one.kind, "name": one.name, "path": str(one.path)}
    return about | {"bytes": one.bytes, "days": round(one.days, 2)}
