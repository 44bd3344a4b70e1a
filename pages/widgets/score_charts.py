"""Plotly figures of scores: curves, reliability, thresholds, training and cost."""

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from pages.widgets.charts import MUTED, TEXT
from xraycore.metrics.calibration import reliability_curve
from xraycore.metrics.classification import Score, wilson_interval

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


def curve_chart(
    kind: str,
    found: Mapping[str, Mapping],
    areas: Mapping[str, Score],
    titles: Mapping[str, str],
    colours: Mapping[str, tuple[str, str]],
    share: float,
) -> go.Figure:
    """ROC ("roc") or precision-recall ("pr") curves, each named in its own colour with its area.

    Args:
        kind: Which.
        found: Model -> what `xraycore.evaluation.evaluator.curves` gave.
        areas: Model -> area under the curve.
        titles: Model -> name to show.
        colours: Model -> colour and dash.
        share: Of the films that show the finding: what guessing comes to.
    """
    roc = kind == "roc"
    figure = go.Figure()
    # What guessing would give.
    figure.add_scatter(
        x=[0, 1],
        y=[0, 1] if roc else [share, share],
        mode="lines",
        line={"color": MUTED, "width": 1, "dash": "dot"},
        hoverinfo="skip",
    )
    for name, one in found.items():
        colour, dash = colours[name]
        points = one[kind]
        figure.add_scatter(
            x=points["false_positive_rate" if roc else "recall"],
            y=points["true_positive_rate" if roc else "precision"],
            name=titles[name],
            mode="lines",
            line={"color": colour, "width": 2, "dash": dash, "shape": "linear" if roc else "hv"},
            hovertemplate="%{x:.1%} · %{y:.1%}<extra>%{fullData.name}</extra>",
        )
    best = sorted(found, key=lambda name: -areas[name]["value"])
    for place, name in enumerate(reversed(best)):
        area = areas[name]
        figure.add_annotation(
            x=0.97 if roc else 0.03,
            y=0.04 + 0.068 * place,
            xref="paper",
            yref="paper",
            xanchor="right" if roc else "left",
            yanchor="bottom",
            showarrow=False,
            bgcolor="rgba(11, 14, 17, 0.75)",
            text=f"{titles[name]}  <b>{area['value']:.3f}</b> "
            f"({area['low']:.3f}–{area['high']:.3f})",
            font={"size": 13, "color": colours[name][0]},
        )
    if roc:
        x = share_axis("False alarms (1 − specificity)")
        y = share_axis("Found (sensitivity)")
    else:
        x = share_axis("Found (recall, sensitivity)")
        y = share_axis("Right among the called (precision, PPV)")
    return laid_out(figure, 430, x, y)


def reliability_chart(
    probability: np.ndarray, target: np.ndarray, colour: str, title: str
) -> go.Figure:
    """Stated probability against the share that is right, with Wilson intervals."""
    bins = reliability_curve(probability.max(axis=1), probability.argmax(axis=1) == target)
    shares = [wilson_interval(round(one["accuracy"] * one["films"]), one["films"]) for one in bins]
    films = np.array([one["films"] for one in bins])
    figure = go.Figure()
    figure.add_scatter(
        x=[0, 1],
        y=[0, 1],
        mode="lines",
        line={"color": MUTED, "width": 1, "dash": "dot"},
        hoverinfo="skip",
    )
    figure.add_scatter(
        x=[one["confidence"] for one in bins],
        y=[share["value"] for share in shares],
        error_y={
            "type": "data",
            "array": [share["high"] - share["value"] for share in shares],
            "arrayminus": [share["value"] - share["low"] for share in shares],
            "color": colour,
            "thickness": 1,
            "width": 0,
        },
        customdata=films,
        mode="markers+lines",
        line={"color": colour, "width": 1},
        # Area stands for films.
        marker={"color": colour, "size": 5 + 17 * np.sqrt(films / films.max())},
        hovertemplate="says %{x:.1%}, right %{y:.1%} of %{customdata} films<extra></extra>",
    )
    least = min(0.5, 1 / probability.shape[1])
    x = share_axis("Says (mean probability)", least - 0.03, 1.06)
    return laid_out(figure, 320, x, share_axis("Is right (share of films)", high=1.07), title)


def sweep_chart(
    thresholds: np.ndarray, lines: Mapping[str, np.ndarray], threshold: float
) -> go.Figure:
    """Shares against the threshold, with the chosen one marked."""
    figure = go.Figure()
    styles = zip(COLOURS, ("solid", "dash", "dot", "dashdot"), strict=False)
    for (name, values), (colour, dash) in zip(lines.items(), styles, strict=False):
        figure.add_scatter(
            x=thresholds,
            y=values,
            name=name,
            mode="lines",
            line={"color": colour, "width": 2, "dash": dash},
            hovertemplate="%{x:.2f}: %{y:.1%}<extra>%{fullData.name}</extra>",
        )
    ends = {name: values[~np.isnan(values)] for name, values in lines.items()}
    places = _apart([v[-1] if len(v) else 0 for v in ends.values()], 0.085)
    for (name, values), place, colour in zip(ends.items(), places, COLOURS, strict=False):
        if len(values):
            _label(figure, 1.01, place, name, colour)
    figure.add_vline(x=threshold, line={"color": TEXT, "width": 1})
    x = axis("Threshold of the probability", range=[0, 1], dtick=0.2)
    figure = laid_out(figure, 300, x, share_axis(""))
    return figure.update_layout(margin={"r": 96})


def history_chart(
    rows: Sequence[Mapping], columns: Mapping[str, str], *, shares: bool, title: str
) -> go.Figure:
    """Columns of a training history against the epoch, each named at its end.

    Args:
        rows: One an epoch, with `epoch`, maybe `stage`.
        columns: Column -> name to show; those that no row has are left out.
        shares: Whether they are shares, to draw from 0 to 100 %.
        title: Of the figure.
    """
    there = {c: text for c, text in columns.items() if any(c in row for row in rows)}
    factor = 100 if shares else 1
    figure = go.Figure()
    lasts = []
    for index, column in enumerate(there):
        points = [(row["epoch"], factor * row[column]) for row in rows if column in row]
        lasts.append(points[-1][1])
        figure.add_scatter(
            x=[x for x, _ in points],
            y=[y for _, y in points],
            name=there[column],
            mode="lines+markers",
            line={"color": COLOURS[index % len(COLOURS)], "width": 2},
            marker={"size": 5},
            hovertemplate=f"epoch %{{x:.0f}}: %{{y:{'.1f' if shares else '.3f'}}}"
            f"{' %' if shares else ''}<extra>%{{fullData.name}}</extra>",
        )
    values = [factor * row[c] for c in there for row in rows if c in row] or [0.0, 1.0]
    low = min(values) - 0.05 * (np.ptp(values) or 1)
    high = max(values) + 0.05 * (np.ptp(values) or 1)
    for index, (column, place) in enumerate(
        zip(there, _apart(lasts, 0.085 * (high - low)), strict=True)
    ):
        _label(figure, 1.01, place, there[column], COLOURS[index % len(COLOURS)])
    before = None
    for row in rows:
        if before and row.get("stage") != before:
            figure.add_vline(x=row["epoch"] - 0.5, line={"color": MUTED, "width": 1, "dash": "dot"})
        before = row.get("stage")
    x = axis("Epoch", tickformat="d", dtick=max(1, round(len(rows) / 8)))
    y = axis("", range=[low, high], ticksuffix=" %" if shares else "")
    return laid_out(figure, 280, x, y, title).update_layout(margin={"r": 150})


def cost_chart(
    points: Mapping[str, tuple[float, Score]],
    titles: Mapping[str, str],
    colours: Mapping[str, tuple[str, str]],
    unit: str,
) -> go.Figure:
    """Accuracy with its interval against what a model costs, on a logarithmic axis."""
    figure = go.Figure()
    for name, (cost, score) in points.items():
        colour = colours[name][0]
        figure.add_scatter(
            x=[cost],
            y=[100 * score["value"]],
            error_y={
                "type": "data",
                "array": [100 * (score["high"] - score["value"])],
                "arrayminus": [100 * (score["value"] - score["low"])],
                "color": colour,
                "thickness": 1.5,
                "width": 4,
            },
            mode="markers",
            marker={"color": colour, "size": 10},
            hovertemplate=f"{titles[name]}: %{{x:,.3g}} {unit}, %{{y:.1f}} %<extra></extra>",
        )
    costs = np.log10([cost for cost, _ in points.values()])
    low = 100 * min(score["low"] for _, score in points.values()) - 1
    high = 100 * max(score["high"] for _, score in points.values()) + 1
    places = _apart([100 * score["value"] for _, score in points.values()], 0.075 * (high - low))
    for name, place in zip(points, places, strict=True):
        _label(figure, 1.01, place, titles[name], colours[name][0])
    x = axis(unit, type="log", range=[costs.min() - 0.5, costs.max() + 0.5], dtick=1)
    y = axis("Accuracy", range=[low, high], ticksuffix=" %")
    return laid_out(figure, 330, x, y).update_layout(margin={"r": 110})


def _apart(places: Sequence[float], gap: float) -> list[float]:
    """Heights of labels at these places or below, no two closer than the gap."""
    found = [0.0] * len(places)
    free = np.inf
    for index in reversed(np.argsort(places, kind="stable")):
        found[index] = min(places[index], free)
        free = found[index] - gap
    return found


def _label(figure: go.Figure, x: float, y: float, text: str, colour: str) -> None:
    figure.add_annotation(
        x=x,
        y=y,
        xref="paper",
        xanchor="left",
        showarrow=False,
        text=text,
        font={"size": 12, "color": colour},
    )
