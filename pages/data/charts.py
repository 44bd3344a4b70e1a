"""Plotly figures of a data set: how many films, how large, how bright, and what gives them away."""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from pages.shared.charts import ACCENT, MUTED, TEXT, axis, laid_out
from xraycore.datasets.audit.shortcuts import ShortcutScore
from xraycore.utils.text import percent

CLASS_COLORS = ("#4FB3BF", "#E0A458", "#C37DB0", "#7FB069", "#D1695B", "#9AA7B2")
SPLIT_TITLES = {"train": "Training", "val": "Validation", "test": "Test", "": "No split given"}
_QUARTERS = [0, 25, 50, 75, 100]


def class_colors(labels: Sequence[str]) -> dict[str, str]:
    """One colour a class, the same in every figure."""
    return {label: CLASS_COLORS[index % len(CLASS_COLORS)] for index, label in enumerate(labels)}


def balance_bars(counts: Mapping[str, Mapping[str, int]], colors: Mapping[str, str]) -> go.Figure:
    """One bar a split, divided by class; counts stand in the parts and totals beside the name."""
    totals = {split: sum(of_split.values()) for split, of_split in counts.items()}
    names = [f"{SPLIT_TITLES.get(split, split)} · {total:,}" for split, total in totals.items()]
    figure = go.Figure()
    for label, color in colors.items():
        films = [of_split.get(label, 0) for of_split in counts.values()]
        figure.add_bar(
            name=label,
            y=names,
            x=[100 * n / total for n, total in zip(films, totals.values(), strict=True)],
            orientation="h",
            marker={"color": color, "line": {"color": "#0B0E11", "width": 2}},
            text=[
                f"{n:,} · {percent(n / total)}" if n else ""
                for n, total in zip(films, totals.values(), strict=True)
            ],
            insidetextanchor="middle",
            textangle=0,
            textfont={"size": 14, "color": "#0B0E11"},
            customdata=films,
            hovertemplate=f"{label}: %{{customdata:,}} films, %{{x:.1f}} %<extra></extra>",
        )
    texts = [f"{tick} %" for tick in _QUARTERS]
    x = axis("Share of the split's films", range=[0, 101], tickvals=_QUARTERS, ticktext=texts)
    figure.update_layout(barmode="stack", bargap=0.35, legend_traceorder="normal")
    figure.update_layout(uniformtext={"minsize": 11, "mode": "hide"})
    return _lay_out(figure, 60 * len(names) + 96, x, _names_axis())


def distribution(
    values: Mapping[str, Sequence[float]],
    colors: Mapping[str, str],
    title: str,
    span: tuple[float, float] | None = None,
) -> go.Figure:
    """One line a class: which share of its films has which value.

    Args:
        values: Class -> a number for each film.
        colors: Class -> colour.
        title: Of the axis, with the unit.
        span: The axis; by default from the smallest to the largest value.
    """
    every = np.concatenate([np.asarray(of_class, float) for of_class in values.values()])
    low, high = span or (float(every.min()), float(every.max()))
    if low == high:
        low, high = low - 0.5, high + 0.5
    # As many steps as the smallest class can fill (the rule of Rice: twice the cube root).
    fewest = min(len(of_class) for of_class in values.values())
    edges = np.linspace(low, high, min(40, max(8, round(2 * fewest ** (1 / 3)))) + 1)
    figure = go.Figure()
    for label, of_class in values.items():
        shares = 100 * np.histogram(of_class, edges)[0] / len(of_class)
        figure.add_scatter(
            name=f"{label}, median {float(np.median(of_class)):.3g}",
            x=edges,
            y=[*shares, shares[-1]],
            mode="lines",
            line={"color": colors[label], "width": 2.5, "shape": "hv"},
            fill="tozeroy",
            fillcolor=f"{colors[label]}22",
            hovertemplate=f"{label}: %{{y:.1f}} % from %{{x:.3g}}<extra></extra>",
        )
    y = axis("Share of the class", rangemode="tozero", ticksuffix=" %")
    return _lay_out(figure, 330, axis(title, range=[low, high]), y)


def size_bubbles(
    sizes: Mapping[str, Sequence[tuple[int, int]]], colors: Mapping[str, str]
) -> go.Figure:
    """Width against height in pixels; a bubble's area counts the films of that size."""
    counts = {label: Counter(of_class) for label, of_class in sizes.items()}
    largest = max(number for of_class in counts.values() for number in of_class.values())
    figure = go.Figure()
    for label, of_class in counts.items():
        figure.add_scatter(
            name=label,
            x=[width for width, _ in of_class],
            y=[height for _, height in of_class],
            customdata=list(of_class.values()),
            mode="markers",
            marker={
                "color": colors[label],
                "opacity": 0.65,
                "size": [7 + 33 * (number / largest) ** 0.5 for number in of_class.values()],
                "line": {"width": 0},
            },
            hovertemplate=f"{label}: %{{customdata}} of %{{x}} × %{{y}} px<extra></extra>",
        )
    x, y = (axis(f"{side} in pixels", rangemode="tozero") for side in ("Width", "Height"))
    return _lay_out(figure, 330, x, y).update_layout(legend_itemsizing="constant")


def shortcut_bars(measured: ShortcutScore) -> go.Figure:
    """How often the class is told rightly from the file, beside what guessing reaches."""
    rows = {
        "File size, width, height": measured.file_auroc,
        "… and brightness, contrast": measured.grey_auroc,
    }
    limit = 100 * measured.chance_auroc_limit
    figure = go.Figure(
        go.Bar(
            y=list(rows),
            x=[100 * value for value in rows.values()],
            orientation="h",
            marker_color=[ACCENT if 100 * value > limit else MUTED for value in rows.values()],
            text=[f"{100 * value:.0f} of 100" for value in rows.values()],
            textposition="outside",
            textfont={"size": 14, "color": TEXT},
            cliponaxis=False,
            hoverinfo="skip",
        )
    )
    figure.add_vrect(x0=100 - limit, x1=limit, fillcolor="#26303A", line_width=0, layer="below")
    figure.add_annotation(
        text=f"guessing: 50, by luck {100 - limit:.0f} to {limit:.0f}",
        **{"x": 50, "y": 1, "yref": "paper", "yanchor": "bottom", "showarrow": False},
        font={"size": 13, "color": TEXT},
    )
    x = axis("Pairs told rightly", range=[0, 115], tickvals=_QUARTERS)
    laid_out(figure, 200, x, _names_axis())
    return figure.update_layout(bargap=0.45, margin={"t": 36})


def _lay_out(figure: go.Figure, height: int, x: dict, y: dict) -> go.Figure:
    """The figure in the look of all, with a legend above it."""
    legend = {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0}
    return laid_out(figure, height, x, y).update_layout(
        showlegend=True, legend=legend, margin={"t": 36, "r": 8}
    )


def _names_axis() -> dict:
    """An axis of names, the first on top."""
    return axis("", autorange="reversed", showgrid=False, ticks="", ticklabelstandoff=8)
