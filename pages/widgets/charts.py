"""Plotly figures in the app's colours."""

from collections.abc import Mapping

import plotly.graph_objects as go

ACCENT = "#4FB3BF"
MUTED = "#4A5762"
TEXT = "#E6EAED"


def probability_bars(probabilities: Mapping[str, float], highlighted: str) -> go.Figure:
    """One bar a class, in the model's order, with the percentage beside it."""
    labels = list(probabilities)
    values = [100 * probabilities[label] for label in labels]
    figure = go.Figure(
        go.Bar(
            x=values,
            y=labels,
            orientation="h",
            marker_color=[ACCENT if label == highlighted else MUTED for label in labels],
            text=[f"{value:.0f} %" if value >= 1 else "< 1 %" for value in values],
            textposition="outside",
            textfont={"size": 13, "color": TEXT},
            cliponaxis=False,
            hoverinfo="skip",
        )
    )
    figure.update_layout(
        height=34 * len(labels) + 8,
        margin={"l": 0, "r": 0, "t": 4, "b": 4},
        bargap=0.45,
        showlegend=False,
        xaxis={"range": [0, 122], "visible": False, "fixedrange": True},
        yaxis={
            "autorange": "reversed",
            "automargin": True,
            "fixedrange": True,
            "ticks": "",
            "tickfont": {"size": 13, "color": TEXT},
            "ticklabelstandoff": 6,
        },
    )
    return figure
