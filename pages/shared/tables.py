"""Numbers, tables and curves that several pages show alike."""

from collections.abc import Iterable, Mapping, Sequence

import pandas as pd
import streamlit as st

from pages.shared.charts import LOSSES, SHARES, history_chart, show_chart
from pages.shared.layout import plain
from xraycore.datasets.records import LeftOut
from xraycore.metrics.classification import Score
from xraycore.utils.text import csv_safe


def show_metrics(figures: Sequence[tuple[str, str, str | None]]) -> None:
    """A row of figures: name, value, what it means."""
    for column, (label, value, meaning) in zip(st.columns(len(figures)), figures, strict=True):
        column.metric(plain(label), value, help=plain(meaning) if meaning else None)


def show_table(table: pd.DataFrame, **options: object) -> None:
    """A table that can be sorted, searched and saved as CSV: of its texts none is a formula.

    Args:
        table: Texts and numbers.
        options: Of `st.dataframe`.
    """
    safe = table.rename(columns=lambda name: csv_safe(str(name)))
    safe = safe.map(lambda cell: csv_safe(cell) if isinstance(cell, str) else cell)
    st.dataframe(safe, **{"hide_index": True, **options})


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


def show_scores(scores: Iterable[tuple[str, Score]], heading: str = "Score") -> None:
    """A table of scores by their names, with intervals."""
    rows = [
        {
            heading: title,
            "Value": f"{score['value']:.3f}",
            "95 % interval": f"{score['low']:.3f} – {score['high']:.3f}",
            "Films": score["n"],
        }
        for title, score in scores
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


def show_history(rows: Sequence[Mapping], key: str, of: str = "") -> None:
    """Losses and scores of a training by epoch, side by side; see `history_chart`."""
    panels = ((LOSSES, False, "Loss"), (SHARES, True, "Scores"))
    for column, (columns, shares, title) in zip(st.columns(2), panels, strict=True):
        with column:
            figure = history_chart(rows, columns, shares=shares, title=title)
            show_chart(figure, f"{key}-{title}", f"{title}{of} by epoch")
