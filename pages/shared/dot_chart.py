"""Dots with intervals, a row a group: what is easier to compare as a picture than as a table."""

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from pages.shared.charts import MUTED, axis, laid_out
from xraycore.metrics.classification import Score


def dot_chart(
    groups: Sequence[str],
    scores: Mapping[str, Sequence[Score | None]],
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
