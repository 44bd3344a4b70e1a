"""Plotly figures of scores: curves, reliability, thresholds, training and cost."""

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from pages.shared.charts import (
    COLOURS,
    MUTED,
    TEXT,
    axis,
    label_at,
    laid_out,
    share_axis,
    spread_apart,
)
from xraycore.metrics.calibration import reliability_curve
from xraycore.metrics.intervals import Score, wilson_interval


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
    probability: np.ndarray, y_true: np.ndarray, colour: str, title: str
) -> go.Figure:
    """Stated probability against the share that is right, with Wilson intervals."""
    bins = reliability_curve(probability.max(axis=1), probability.argmax(axis=1) == y_true)
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
            hovertemplate="%{x:.1%}: %{y:.1%}<extra>%{fullData.name}</extra>",
        )
    ends = {name: values[~np.isnan(values)] for name, values in lines.items()}
    places = spread_apart([v[-1] if len(v) else 0 for v in ends.values()], 0.085)
    for (name, values), place, colour in zip(ends.items(), places, COLOURS, strict=False):
        if len(values):
            label_at(figure, 1.01, place, name, colour)
    figure.add_vline(x=threshold, line={"color": TEXT, "width": 1})
    x = share_axis("Threshold of the probability", 0, 1)
    figure = laid_out(figure, 300, x, share_axis(""))
    return figure.update_layout(margin={"r": 96})


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
    places = spread_apart(
        [100 * score["value"] for _, score in points.values()], 0.075 * (high - low)
    )
    for name, place in zip(points, places, strict=True):
        label_at(figure, 1.01, place, titles[name], colours[name][0])
    x = axis(unit, type="log", range=[costs.min() - 0.5, costs.max() + 0.5], dtick=1)
    y = axis("Accuracy", range=[low, high], ticksuffix=" %")
    return laid_out(figure, 330, x, y).update_layout(margin={"r": 110})


# Better and worse, told apart by colour-blind readers too; between them nothing is told.
_BETTER, _WORSE, _UNTOLD = "#1F5E8C", "#8C5A1F", "#1B2228"


def pair_matrix(
    names: Sequence[str], values: np.ndarray, told: np.ndarray, texts: Sequence[Sequence[str]]
) -> go.Figure:
    """Every model against every other; in colour where the difference is told from chance.

    Args:
        names: Of the models.
        values: Row less column, float (n, n); NaN where nothing is said.
        told: Whether it is told from chance, bool (n, n).
        texts: What stands in each cell.
    """
    shown = np.where(np.isnan(values), np.nan, np.where(told, np.sign(values), 0.0))
    figure = go.Figure(
        go.Heatmap(
            z=shown,
            x=list(names),
            y=list(names),
            zmin=-1,
            zmax=1,
            colorscale=[[0, _WORSE], [0.5, _UNTOLD], [1, _BETTER]],
            showscale=False,
            xgap=2,
            ygap=2,
            text=texts,
            texttemplate="%{text}",
            textfont={"size": 12, "color": TEXT},
            hovertemplate="%{y} against %{x}: %{text}<extra></extra>",
            hoverongaps=False,
        )
    )
    y = axis("", autorange="reversed", showgrid=False)
    x = axis("", showgrid=False, tickangle=0 if len(names) < 5 else -30, side="top")
    return laid_out(figure, 52 * len(names) + 90, x, y)
