"""Numbers, tables and curves that several pages show alike."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from pages.shared.charts import CHOICE, LOSSES, SCORES, history_chart, show_chart
from pages.shared.layout import plain
from xraycore.datasets.records import LeftOut
from xraycore.metrics.intervals import Score
from xraycore.utils.text import csv_safe

NONE = "–"
# Scores that are shares of films are told in per cent, all others as decimals.
SHARES = {"accuracy", "balanced_accuracy", "sensitivity", "specificity", "recall", "precision"}


def format_score(score: Score | None, share: bool) -> str:
    """A value with its 95 % interval, so that texts sort as the numbers do.

    Args:
        score: None where it is not defined.
        share: Whether it is a share of films, to be told in per cent; else it has three decimals.

    >>> format_score({"value": 0.85, "low": 0.709, "high": 0.929, "n": 40}, True)
    ' 85.0 % (70.9–92.9)'
    """
    if score is None:
        return NONE
    value, low, high = (score[key] for key in ("value", "low", "high"))
    if share:
        return f"{100 * value:5.1f} % ({100 * low:.1f}–{100 * high:.1f})"
    return f"{value:.3f} ({low:.3f}–{high:.3f})"


def show_metrics(figures: Sequence[tuple[str, str, str | None]]) -> None:
    """A row of figures: name, value, what it means."""
    for column, (label, value, meaning) in zip(st.columns(len(figures)), figures, strict=True):
        column.metric(plain(label), value, help=plain(meaning) if meaning else None)


def show_table(table: pd.DataFrame, **options: object) -> Any:
    """A table that can be sorted, searched and saved as CSV: of its texts none is a formula.

    Args:
        table: Texts and numbers.
        options: Of `st.dataframe`.

    Returns:
        What `st.dataframe` does: with `on_select` what is selected.
    """
    safe = table.rename(columns=lambda name: csv_safe(str(name)))
    safe = safe.map(lambda cell: csv_safe(cell) if isinstance(cell, str) else cell)
    return st.dataframe(safe, **{"hide_index": True, **options})


def show_left_out(left_out: Mapping[str, LeftOut]) -> None:
    """A table of what of data sets is not used, a row a reason, the most first."""
    if not left_out:
        return
    st.markdown("**Not used, and why**")
    rows = [
        {"Why": reason, "Number": left.count, "For instance": ", ".join(left.examples)}
        for reason, left in sorted(left_out.items(), key=lambda one: -one[1].count)
    ]
    show_table(pd.DataFrame(rows))


def show_plain_table(table: pd.DataFrame, **settings: object) -> None:
    """A table whose every word is drawn as it is."""

    def shown(cell: object) -> object:
        return plain(cell) if isinstance(cell, str) else cell

    table = table.map(shown).rename(index=shown, columns=shown)
    st.table(table, border="horizontal", **settings)


def show_scores(scores: Iterable[tuple[str, Score, bool]], heading: str = "Score") -> None:
    """A table of scores with intervals: of each its name, and whether it is a share of films."""
    rows = [
        {
            heading: title,
            "Value (95 % interval)": format_score(score, share).strip(),
            "Films": f"{score['n']:,}",
        }
        for title, score, share in scores
    ]
    show_plain_table(pd.DataFrame(rows), hide_index=True)


def show_counts(
    counts: Mapping[str, Mapping[str, int]],
    titles: Mapping[str, str] | None = None,
    columns: Sequence[str] | None = None,
) -> None:
    """A table of numbers of films, a row a split or source, a column a class.

    Args:
        counts: Row -> class -> films.
        titles: Rows to show in their order, with their names; all as they are where None. Splits
            have a column of sums too.
        columns: Order of the classes.
    """
    table = pd.DataFrame(counts).T.fillna(0).astype(int)
    table = table.reindex(columns=columns, fill_value=0) if columns else table
    if titles:
        table = table.reindex([name for name in titles if name in table.index])
        table["All"] = table.sum(axis=1)
    if titles:
        table = table.rename(index=titles)
    show_plain_table(table.map("{:,}".format))


def show_history(
    rows: Sequence[Mapping], key: str, of: str = "", kept: float | None = None
) -> None:
    """Losses and scores of a training by epoch, side by side; see `history_chart`."""
    losses, scores = LOSSES, SCORES
    # Without films of other hospitals the loss chooses, and the choice is the loss turned round.
    if any(row.get(CHOICE, 0.0) < 0 for row in rows):
        losses = LOSSES | {"val_loss": "Validation, chooses"}
        scores = {name: title for name, title in SCORES.items() if name != CHOICE}
    panels = ((losses, "Loss"), (scores, "Scores, 1 is best"))
    for column, (columns, title) in zip(st.columns(2), panels, strict=True):
        with column:
            figure = history_chart(rows, columns, title=title, kept=kept)
            show_chart(figure, f"{key}-{title}", f"{title}{of} by epoch")
