"""What all commands share: where output goes, how a table looks, how time left is shown."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from rich import progress as bars
from rich.console import Console
from rich.table import Table

from xraycore.datasets.records import LeftOut
from xraycore.utils.files import write_json
from xraycore.utils.progress import Progress, ProgressCallback, TimeLeft

# Tables go to stdout; progress and remarks to stderr, so that --json leaves stdout to the document.
# Plain text: a file's name may hold [brackets] or :colons:, which rich would take for its own.
out = Console(markup=False, highlight=False, emoji=False)
err = Console(markup=False, highlight=False, emoji=False, stderr=True)

_EXAMPLES = 2


def emit_json(data: object) -> None:
    """Writes one JSON value as one line on stdout."""
    sys.stdout.write(json.dumps(data, ensure_ascii=False, allow_nan=False) + "\n")
    sys.stdout.flush()


def deliver(document: dict, file: Path | None, *, as_json: bool) -> bool:
    """Writes what a command measured into the file that it was told; on stdout too as JSON.

    Returns:
        Whether stdout has it, and nothing else may follow there.
    """
    if file:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_json(file, document)
    if as_json:
        emit_json(document)
    return as_json


def emit_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Prints a table; numbers are set to the right."""
    table = Table(title=title, title_justify="left", show_edge=False)
    for index, column in enumerate(columns):
        numeric = bool(rows) and all(isinstance(row[index], int | float) for row in rows)
        table.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(_cell(value) for value in row))
    out.print(table)


def emit_left_out(left_out: Mapping[str, LeftOut]) -> None:
    """Prints what of the data sets was not used, and why."""
    if left_out:
        emit_table(
            "Not used",
            ["number", "why", "for instance"],
            [
                [left.count, reason, ", ".join(left.examples[:_EXAMPLES])]
                for reason, left in sorted(left_out.items(), key=lambda one: -one[1].count)
            ],
        )


def format_score(score: Mapping[str, float] | None, digits: str = ".3f") -> str:
    """A figure with its interval in brackets; a dash where there is none."""
    if score is None:
        return "–"
    value, low, high = (f"{score[key]:{digits}}" for key in ("value", "low", "high"))
    return f"{value} [{low}, {high}]"


def _cell(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)


@contextmanager
def progress_bar() -> Iterator[ProgressCallback]:
    """A bar with time left on stderr, as the report to hand to what takes long."""
    columns = (
        bars.TextColumn("{task.description}", markup=False),
        bars.BarColumn(),
        bars.TaskProgressColumn(),
        bars.TextColumn("{task.fields[left]}", markup=False),
    )
    # A log file gets no bar; disabled, because rich would leave an empty line there.
    hidden = not err.is_terminal
    with bars.Progress(*columns, console=err, transient=True, disable=hidden) as bar:
        task = bar.add_task("", total=1.0, left="")
        time_left = TimeLeft()

        def report(progress: Progress) -> None:
            # A stage of training has a speed of its own; other activities count films in words.
            phase = progress.activity if progress.epochs else ""
            seconds = time_left(progress.done, phase)
            left = "" if seconds is None else f"{timedelta(seconds=round(seconds))} left"
            bar.update(task, description=_describe(progress), completed=progress.done, left=left)

        yield report


def _describe(progress: Progress) -> str:
    text = progress.activity
    if progress.epochs:
        text += f", epoch {progress.epoch}/{progress.epochs}"
    if progress.loss is not None:
        text += f", loss {progress.loss:.3f}"
    return text
