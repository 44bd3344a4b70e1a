"""The app's colours, and bars that are drawn with them."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go
import streamlit as st
from jinja2 import Environment, StrictUndefined

from xraycore.utils.text import percent

if TYPE_CHECKING:
    # SciPy would come with it.
    from xraycore.metrics.intervals import Score

ACCENT = "#4FB3BF"
MUTED = "#4A5762"
TEXT = "#E6EAED"

# A line and a bar a class, in the model's order; panels may be too narrow for a plot.
_BARS = Environment(autoescape=True, undefined=StrictUndefined).from_string(
    """<style>
.answers { display: grid; gap: .45rem; font-size: .9rem; line-height: 1.25 }
.answers section > div { display: flex; justify-content: space-between; gap: .5rem }
.answers .said > div { font-weight: 600 }
.answers i { display: block; height: .4rem; background: #1C242B; border-radius: 2px }
.answers i i { background: {{ muted }} } .answers .said i i { background: {{ accent }} }
</style><div class="answers">{% for label, probability in probabilities.items() %}
<section{% if label == highlighted %} class="said"{% endif %}>
<div><span>{{ label }}</span><span>{{ percent(probability) }}</span></div>
<i><i style="width:{{ "%.1f" | format(100 * probability) }}%"></i></i></section>
{% endfor %}</div>"""
)


def probability_bars(probabilities: Mapping[str, float], highlighted: str) -> str:
    """HTML of a line and a bar a class, the highlighted one in colour."""
    return _BARS.render(
        probabilities=probabilities,
        highlighted=highlighted,
        percent=percent,
        muted=MUTED,
        accent=ACCENT,
    )


# Okabe & Ito's colours (jfly.uni-koeln.de/color), which colour-blind readers tell apart, without
# the two that vanish on black.
COLOURS = ("#56B4E9", "#E69F00", "#009E73", "#CC79A7", "#F0E442", "#D55E00")
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
GRID = "#232B33"
PLAIN = {"displayModeBar": False}


def colours_of(names: Sequence[str], ensemble: str) -> dict[str, tuple[str, str]]:
    """Colour and dash of each model; the ensemble's is white."""
    found = {
        name: (COLOURS[i % len(COLOURS)], DASHES[i // len(COLOURS) % len(DASHES)])
        for i, name in enumerate(names)
    }
    return found | {ensemble: (TEXT, "dash")}


def show_chart(figure: go.Figure, key: str, alt: str) -> None:
    """Draws a figure without a toolbar; `alt` says what it shows to those who do not see it."""
    st.plotly_chart(figure, key=key, config=PLAIN, alt=alt)


def axis(title: str, **more: object) -> dict:
    """An axis in the look of all figures."""
    return {
        "title": {"text": title, "font": {"size": 13}, "standoff": 8},
        "gridcolor": GRID,
        "zeroline": False,
        "fixedrange": True,
        "automargin": True,
        "tickfont": {"size": 12},
        **more,
    }


def share_axis(title: str, low: float = -0.02, high: float = 1.02) -> dict:
    """An axis of shares, ticked in per cent."""
    ticks = [tick / 10 for tick in range(0, 11, 2) if tick / 10 >= low]
    texts = [f"{100 * tick:.0f} %" for tick in ticks]
    return axis(title, range=[low, high], tickvals=ticks, ticktext=texts)


def laid_out(figure: go.Figure, height: int, x: dict, y: dict, title: str = "") -> go.Figure:
    """The figure with its axes, in the look of all figures."""
    figure.update_layout(
        height=height,
        margin={"l": 0, "r": 12, "t": 36 if title else 8, "b": 0},
        title={"text": title, "font": {"size": 14}, "x": 0, "xanchor": "left"},
        showlegend=False,
        xaxis=x,
        yaxis=y,
        hoverlabel={"font": {"size": 13}},
    )
    return figure


def history_chart(
    rows: Sequence[Mapping],
    columns: Mapping[str, str],
    *,
    title: str,
    kept: float | None = None,
) -> go.Figure:
    """Columns of a training history against the epoch, each named at its end or in a legend.

    One value far from the others is drawn at the edge as a triangle, so that it does not flatten
    the rest.

    Args:
        rows: One an epoch, with `epoch`, maybe `stage`.
        columns: Column -> name to show; those that no row has are left out.
        title: Of the figure.
        kept: Epoch whose weights are kept, to be marked.
    """
    there = {c: text for c, text in columns.items() if any(c in row for row in rows)}
    low, high = robust_span([row[c] for c in there for row in rows if c in row])
    margin = 0.05 * (high - low or 1)
    figure = go.Figure()
    lasts = []
    for index, column in enumerate(there):
        points = [(row["epoch"], row[column]) for row in rows if column in row]
        lasts.append(min(max(points[-1][1], low), high))
        chooses = column == CHOICE
        colour = TEXT if chooses else COLOURS[index % len(COLOURS)]
        dash = DASHES[index // len(COLOURS) % len(DASHES)]
        figure.add_scatter(
            x=[x for x, _ in points],
            y=[y for _, y in points],
            name=there[column],
            mode="lines+markers",
            line={"color": colour, "width": 3 if chooses else 2, "dash": dash},
            marker={"size": 5},
            hovertemplate="epoch %{x:.0f}: %{y:.3f}<extra>%{fullData.name}</extra>",
        )
        beyond = [(x, y) for x, y in points if not low <= y <= high]
        if beyond:
            figure.add_scatter(
                x=[x for x, _ in beyond],
                y=[high if y > high else low for _, y in beyond],
                customdata=[y for _, y in beyond],
                name=there[column],
                mode="markers",
                showlegend=False,
                marker={
                    "symbol": ["triangle-up" if y > high else "triangle-down" for _, y in beyond],
                    "size": 11,
                    "color": colour,
                },
                hovertemplate="epoch %{x:.0f}: %{customdata:.3f}, off the scale"
                "<extra>%{fullData.name}</extra>",
            )
    crowded = len(there) > MOST_NAMED
    places = spread_apart(lasts, 0.085 * (high - low + 2 * margin))
    for index, (column, place) in enumerate(zip(there, places, strict=True)):
        colour = TEXT if column == CHOICE else COLOURS[index % len(COLOURS)]
        if not crowded:
            label_at(figure, 1.01, place, there[column], colour)
    before = None
    for row in rows:
        if before and row.get("stage") != before:
            figure.add_vline(x=row["epoch"] - 0.5, line={"color": MUTED, "width": 1, "dash": "dot"})
        before = row.get("stage")
    if kept is not None:
        figure.add_vline(x=kept, line={"color": TEXT, "width": 1})
        figure.add_annotation(
            **{"x": kept, "y": 1, "yref": "paper", "xanchor": "left", "yanchor": "bottom"},
            **{"showarrow": False, "text": "kept", "font": {"size": 12, "color": TEXT}},
        )
    x = axis("Epoch", tickformat="d", dtick=max(1, round(len(rows) / 8)))
    y = axis("", range=[low - margin, high + margin])
    figure = laid_out(figure, 280 if not crowded else 420, x, y, title)
    if crowded:
        legend = {"x": 1.01, "y": 1, "font": {"size": 12}}
        return figure.update_layout(showlegend=True, legend=legend)
    return figure.update_layout(margin={"r": 170})


def robust_span(values: Sequence[float]) -> tuple[float, float]:
    """From the least to the largest value, without those far from the others.

    Tukey's far fence: three times the interquartile range beyond the quartiles. Where nobody lies
    beyond it is the whole range.
    """
    if not len(values):
        return 0.0, 1.0
    first, third = np.percentile(values, [25, 75])
    fence = 3 * (third - first)
    # Of fewer values quartiles say nothing, and of equal ones every other is far.
    if len(values) < 8 or fence == 0:
        return float(min(values)), float(max(values))
    near = [value for value in values if first - fence <= value <= third + fence]
    return float(min(near)), float(max(near))


# More curves than this are named in a legend, not at their ends.
MOST_NAMED = 8
# Column of a history: what the epoch whose weights are kept has most of.
CHOICE = "choice"
LOSSES = {"loss": "Training", "val_loss": "Validation"}
SCORES = {
    CHOICE: "Chooses the epoch",
    "val_auc": "Validation, AUC",
    "val_accuracy": "Validation, accuracy",
    "accuracy": "Training, accuracy",
    "val_inside": "Evidence in lungs",
    "auc_nih": "NIH, AUC",
    "auc_cohen": "Cohen, AUC",
}


def spread_apart(places: Sequence[float], gap: float) -> list[float]:
    """Heights of labels at these places or below, no two closer than the gap."""
    found = [0.0] * len(places)
    free = np.inf
    for index in reversed(np.argsort(places, kind="stable")):
        found[index] = min(places[index], free)
        free = found[index] - gap
    return found


def label_at(figure: go.Figure, x: float, y: float, text: str, colour: str) -> None:
    """Writes a curve's name beside its end, from x in shares of the figure on."""
    figure.add_annotation(
        x=x,
        y=y,
        xref="paper",
        xanchor="left",
        showarrow=False,
        text=text,
        font={"size": 12, "color": colour},
    )


def dot_chart(
    groups: Sequence[str],
    scores: "Mapping[str, Sequence[Score | None]]",
    titles: Mapping[str, str],
    colours: Mapping[str, tuple[str, str]],
    x_title: str,
    shares: bool,
) -> go.Figure:
    """A row a group and a dot a series with its 95 % interval.

    Args:
        groups: Names of the rows, the first on top; a line break parts two lines.
        scores: Series -> its score of each group; None where it is not defined.
        titles: Series -> name to show.
        colours: Series -> colour and dash.
        x_title: Of the axis.
        shares: Whether scores are shares, to be told in per cent.
    """
    figure = go.Figure()
    step = 0.7 / max(1, len(scores))
    factor, unit, form = (100, " %", ".1f") if shares else (1, "", ".3f")
    for place, (name, each) in enumerate(scores.items()):
        shift = step * (place - (len(scores) - 1) / 2)
        rows = [(row, score) for row, score in enumerate(each) if score is not None]
        figure.add_scatter(
            x=[factor * score["value"] for _, score in rows],
            y=[row + shift for row, _ in rows],
            name=titles[name],
            mode="markers",
            marker={"color": colours[name][0], "size": 8},
            error_x={
                "type": "data",
                "array": [factor * (score["high"] - score["value"]) for _, score in rows],
                "arrayminus": [factor * (score["value"] - score["low"]) for _, score in rows],
                "color": colours[name][0],
                "thickness": 1.5,
                "width": 0,
            },
            customdata=[groups[row].replace("\n", ", ") for row, _ in rows],
            hovertemplate=f"%{{customdata}}: %{{x:{form}}}{unit}<extra>%{{fullData.name}}</extra>",
        )
    for edge in range(1, len(groups)):
        figure.add_hline(y=edge - 0.5, line={"color": MUTED, "width": 1, "dash": "dot"})
    y = axis(
        "",
        range=[len(groups) - 0.5, -0.5],
        tickvals=list(range(len(groups))),
        ticktext=[name.replace("\n", "<br>") for name in groups],
        showgrid=False,
    )
    height = max(26 + 15 * len(scores), 44) * len(groups) + 84
    figure = laid_out(figure, height, axis(x_title, ticksuffix=unit), y)
    legend = {"orientation": "h", "x": 0, "y": 1.0, "yanchor": "bottom", "font": {"size": 13}}
    return figure.update_layout(showlegend=True, legend=legend, margin={"t": 40})
