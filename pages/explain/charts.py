"""Plotly figures of what heatmaps are tested for."""

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from pages.shared.charts import ACCENT, COLOURS, TEXT, axis, laid_out, share_axis

# Of the map that is tested and of those that know nothing of the film; the dash says it too.
_STYLES = ((ACCENT, "solid", 3), (COLOURS[1], "dash", 2), (COLOURS[3], "dot", 2))


def share_chart(
    title: str,
    lines: Mapping[str, tuple[np.ndarray, np.ndarray]],
    areas: Mapping[str, float],
    x_title: str,
    y_title: str,
    low: float = 0.0,
    high: float = 1.02,
) -> go.Figure:
    """A class's probability against the share of the film that was changed.

    Args:
        title: Of the figure.
        lines: Name of the map -> shares and scores; the tested map first.
        areas: Name -> number to show beside it, above the curves.
        x_title: What the share is of.
        y_title: What the score is.
        low: Where the scale of the score begins.
        high: Where it ends.
    """
    figure = go.Figure()
    for (name, (shares, scores)), (colour, dash, width) in zip(lines.items(), _STYLES, strict=True):
        figure.add_scatter(
            x=shares,
            y=scores,
            name=name,
            mode="lines",
            line={"color": colour, "width": width, "dash": dash},
            hovertemplate="%{x:.0%} of the film: %{y:.2f}<extra>%{fullData.name}</extra>",
        )
    # Above the curves, where no line can run through them.
    shown = {name: f"{area:.2f}".replace("-", "−") for name, area in areas.items()}
    key = "<br>".join(
        f"<span style='color:{colour}'>{mark} {name} <b>{shown[name]}</b></span>"
        for name, (colour, _, _), mark in zip(lines, _STYLES, ("━", "╍", "┅"), strict=True)
    )
    figure.add_annotation(
        x=0,
        y=1.02,
        xref="paper",
        yref="paper",
        xanchor="left",
        yanchor="bottom",
        showarrow=False,
        text=key,
        align="left",
        font={"size": 13},
    )
    if low < 0:
        figure.add_hline(y=0, line={"color": TEXT, "width": 1, "dash": "dot"})
    y = axis(y_title, range=[low, high], tickformat=".1f")
    figure = laid_out(figure, 360, share_axis(x_title), y, title)
    return figure.update_layout(margin={"t": 96}, title={"y": 0.98, "yanchor": "top"})


def agreement_matrix(names: Sequence[str], values: np.ndarray, chance: float) -> go.Figure:
    """How far each two maps agree: the lower half of the table, from chance (dark) to 1.

    Args:
        names: Of the maps.
        values: Float (n, n).
        chance: What two maps that have nothing to do with each other come to.
    """
    shown = np.where(np.tri(len(names), k=-1, dtype=bool), values, np.nan)[1:, :-1]
    figure = go.Figure(
        go.Heatmap(
            z=shown,
            x=names[:-1],
            y=names[1:],
            zmin=chance,
            zmax=1.0,
            colorscale=[[0, "#151A1F"], [1, "#1F7480"]],
            showscale=False,
            xgap=2,
            ygap=2,
            texttemplate="%{z:.2f}",
            textfont={"size": 13, "color": TEXT},
            hovertemplate="%{y} and %{x}: %{z:.2f}<extra></extra>",
            hoverongaps=False,
        )
    )
    y = axis("", autorange="reversed", showgrid=False)
    x = axis("", showgrid=False, tickangle=-35 if len(names) > 3 else 0)
    return laid_out(figure, 34 * (len(names) - 1) + 96, x, y)


def cascade_chart(steps: int, lines: Mapping[str, Sequence[float]], marked: int) -> go.Figure:
    """How alike the map of each step is to the trained network's.

    Args:
        steps: Random steps; step 0 is the trained network.
        lines: Name of the measure -> its value at each random step.
        marked: The step that is shown.
    """
    figure = go.Figure()
    for (name, values), (colour, dash, width) in zip(lines.items(), _STYLES, strict=False):
        figure.add_scatter(
            x=list(range(steps + 1)),
            y=[1.0, *values],
            name=name,
            mode="lines+markers",
            line={"color": colour, "width": width, "dash": dash},
            marker={"size": 6},
            hovertemplate="step %{x}: %{y:.2f}<extra>%{fullData.name}</extra>",
        )
    figure.add_vline(x=marked, line={"color": TEXT, "width": 1})
    low = min(0.0, *(min(values) for values in lines.values()))
    x = axis("Step: layers made random, from the last to the first", dtick=1)
    figure = laid_out(figure, 330, x, axis("Like the trained network's map", range=[low, 1.05]))
    legend = {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "font": {"size": 13}}
    return figure.update_layout(showlegend=True, legend=legend, margin={"t": 40})
