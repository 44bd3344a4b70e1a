"""Plotly figures of the Train page."""

import math
from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from pages.shared.charts import ACCENT, MUTED, TEXT, axis, laid_out


def rate_chart(curve: Mapping[str, Sequence[float]], suggestion: float | None) -> go.Figure:
    """The loss against the learning rate on a logarithmic axis, the suggested rate marked.

    Args:
        curve: `rates`, `losses` and `smoothed`, see `xraycore.training.lr_finder.RateCurve`.
        suggestion: A rate; None where none is.
    """
    figure = go.Figure()
    figure.add_scatter(
        x=curve["rates"],
        y=curve["losses"],
        mode="markers",
        marker={"color": MUTED, "size": 5},
        hoverinfo="skip",
    )
    figure.add_scatter(
        x=curve["rates"],
        y=curve["smoothed"],
        mode="lines",
        line={"color": ACCENT, "width": 2},
        hovertemplate="rate %{x:.1e}: loss %{y:.3f}<extra></extra>",
    )
    if suggestion is not None:
        figure.add_vline(x=suggestion, line={"color": TEXT, "width": 1, "dash": "dot"})
        figure.add_annotation(
            # Lines take the value on a logarithmic axis, annotations its logarithm.
            x=math.log10(suggestion),
            y=1,
            yref="paper",
            xanchor="left",
            yanchor="bottom",
            showarrow=False,
            text=f"{suggestion:.1e}",
            font={"size": 13, "color": TEXT},
        )
    # A loss that runs away would press the rest of the curve flat.
    low, first = min(curve["smoothed"]), curve["smoothed"][0]
    top = max(first, min(max(curve["smoothed"]), 2 * first)) + 0.1 * first
    x = axis("Learning rate", type="log", dtick=1, exponentformat="power")
    y = axis("Training loss", range=[low - 0.15 * first, top])
    return laid_out(figure, 260, x, y).update_layout(margin={"t": 24})
