"""The sidebar of Compare: which heat is shown and how, and when a film is called abnormal."""

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from pages.shared.heatmap_controls import (
    HeatmapStyle,
    choose_class,
    choose_method,
    choose_style,
)
from xraycore.attribution.registry import ANALYTIC, METHODS
from xraycore.models.cards import read_card

OWN_ANSWER = "Each model's answer"


@dataclass(frozen=True)
class HeatmapChoice:
    """Which heatmaps are shown, and how; a change of how runs no model.

    Attributes:
        target_class: The class that is explained; each model's answer where None.
        method: Name of the method.
        style: How they are drawn.
    """

    target_class: str | None
    method: str
    style: HeatmapStyle


def choose_heatmap(classes: Sequence[str]) -> HeatmapChoice:
    """The controls of the heat."""
    with st.sidebar:
        st.divider()
        target_class = choose_class(
            OWN_ANSWER, classes, "Heat marks where a model found evidence for this class."
        )
        method = choose_method(
            "Heatmap method",
            ANALYTIC,
            "\n".join(f"- **{METHODS[m].title}**: {METHODS[m].summary}" for m in ANALYTIC),
        )
        return HeatmapChoice(target_class, method, choose_style())


def choose_operating_point(names: Sequence[str]) -> str | None:
    """The operating point by which a film is called abnormal; None for none."""
    titles = {}
    for name in names:
        for key, point in read_card(name).get("operating_points", {}).items():
            titles.setdefault(key, point["title"])
    if not titles:
        return None
    with st.sidebar:
        return st.selectbox(
            "Call a film abnormal at",
            list(titles),
            index=None,
            format_func=titles.get,
            placeholder="The most probable class",
            key="point",
            bind="query-params",
            help="The operating point: from which probability of any disease on a model calls a "
            "film abnormal. Thresholds were chosen on each model's validation films; beside the "
            "call stands what came of it on test films.",
        )
