"""What the bench of planted shortcuts measured: who falls for a plant, and what tells of it."""

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from pages.learn.routing import catalogue_link
from pages.shared.charts import COLOURS, axis, laid_out, share_axis, show_chart
from pages.shared.layout import plain
from pages.shared.tables import show_plain_table
from xraycore.cli.console import format_score
from xraycore.config import HOME
from xraycore.datasets.synthetic.plants import PLANTS
from xraycore.report.shortcuts import (
    list_checks,
    list_methods_found,
    list_trainings,
    read_bench,
)

MEASURED = HOME / "docs" / "measured" / "shortcut.json"
# Remedies of a row, what the line is called, its colour and dash.
_LINES = (
    ("none", "without remedies", COLOURS[5], "dash"),
    ("all", "with all remedies", COLOURS[0], "solid"),
)


def show_shortcuts() -> None:
    """A chart a plant, and the tables."""
    catalogue_link()
    found = read_bench(MEASURED)
    if found is None:
        st.info("Nothing was measured here: xraycore shortcut.", icon=":material/science:")
        return
    st.subheader("A shortcut bench", anchor=False)
    st.markdown(
        "Something that has nothing to do with lungs is planted into the films of one class, and "
        "the same network is trained without and with what is to keep it from that: the lung-field "
        "crop, the loss on evidence outside the lungs, changes of exposure and noise, balance. "
        "Then the plant **moves** to the other class. Who looks at lungs does not mind; who looks "
        "at the plant falls below 0.5."
    )
    plants = list(dict.fromkeys(row["plant"] for row in found["rows"]))
    for column, kind in zip(st.columns(len(plants)), plants, strict=True):
        with column:
            title = PLANTS[kind].title if kind in PLANTS else kind
            show_chart(
                _chart(found["rows"], kind, title),
                f"bench-{kind}",
                f"AUC against the share of ill films with a {title}",
            )
    st.caption("Lines: the AUC once the plant has moved. Dots: at home. " + plain(found["text"]))
    _show("By training", list_trainings(found))
    _show("Does a heatmap's hottest point lie on the plant?", list_methods_found(found), ".2f")
    _show("What the audit says before anything is trained", list_checks(found))


def _show(title: str, rows: Iterable[Mapping[str, Any]], digits: str = ".3f") -> None:
    cells = [
        {
            name: cell if isinstance(cell, str) else format_score(cell, digits)
            for name, cell in row.items()
        }
        for row in rows
    ]
    if cells:
        with st.expander(plain(title)):
            show_plain_table(pd.DataFrame(cells).set_index(next(iter(cells[0]))))


def _chart(rows: list[Mapping[str, Any]], kind: str, title: str) -> go.Figure:
    figure = go.Figure()
    for remedies, name, colour, dash in _LINES:
        points = sorted(
            (row["share"], row["moved"]["value"], row["home"]["value"])
            for row in rows
            if row["remedies"] == remedies
            and (row["plant"] == kind or not row["share"])
            and row["moved"]
            and row["home"]
        )
        shares, moved, home = zip(*points, strict=True) if points else ((), (), ())
        figure.add_scatter(
            x=shares,
            y=moved,
            name=name,
            mode="lines",
            line={"color": colour, "dash": dash, "width": 3},
            hovertemplate="in %{x:.0%}: %{y:.2f} once it moved<extra>%{fullData.name}</extra>",
        )
        figure.add_scatter(
            x=shares,
            y=home,
            mode="markers",
            marker={"color": colour, "size": 8},
            showlegend=False,
            hovertemplate="in %{x:.0%}: %{y:.2f} at home<extra></extra>",
        )
    y = axis("AUC", range=[-0.02, 1.05])
    figure = laid_out(figure, 300, share_axis("Share of ill films"), y, title)
    legend = {"orientation": "h", "x": 0, "y": -0.32, "yanchor": "top", "font": {"size": 11}}
    return figure.update_layout(showlegend=True, legend=legend, margin={"b": 70})
