"""Markdown tables and how figures are written in them."""

from collections.abc import Sequence

import numpy as np

from xraycore.metrics.classification import Score


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A Markdown table."""
    lines = ["| " + " | ".join(columns) + " |", "|" + " --- |" * len(columns)]
    return [*lines, *("| " + " | ".join(row) + " |" for row in rows), ""]


def interval(score: Score | None) -> str:
    """A value with its 95 % interval."""
    if score is None:
        return "–"
    return f"{score['value']:.3f} [{score['low']:.3f}, {score['high']:.3f}]"


def shown(value: float | None) -> str:
    """Three decimals, or a dash."""
    return "–" if value is None or np.isnan(value) else f"{value:.3f}"
