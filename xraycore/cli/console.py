"""What all commands share: where output goes, how a table looks, how time left is shown."""

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

# Tables go to stdout; progress and remarks to stderr, so that --json leaves stdout to the document.
out = Console()
err = Console(stderr=True)


def emit_json(data: object) -> None:
    """Writes one JSON value as one line on stdout."""
    sys.stdout.write(json.dumps(data, ensure_ascii=False, allow_nan=False) + "\n")
    sys.stdout.flush()


def emit_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Prints a table; numbers are set to the right."""
    table = Table(title=title, title_justify="left")
    for index, column in enumerate(columns):
        numeric = bool(rows) and all(isinstance(row[index], int | float) for row in rows)
        table.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(_cell(value) for value in row))
    out.print(table)


def _cell(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)


@contextmanager
def progress_bar() -> Iterator[Callable[[str, float], None]]:
    """A bar with time left on stderr; yields `update(description, share done)`."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=err, transient=True) as bar:
        task = bar.add_task("", total=1.0)
        phase = ""

        def update(description: str, done: float) -> None:
            nonlocal phase
            name = description.split(",")[0]
            if name == "reading films" != phase:
                bar.reset(task, total=1.0)
            elif phase == "reading films" != name:
                bar.reset(task, total=1.0, completed=done)
            phase = name
            bar.update(task, description=description, completed=done)

        yield update
