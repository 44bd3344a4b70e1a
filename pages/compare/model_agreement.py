"""Where the maps of several models agree, and where they differ."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from pages.components.film_viewer import StyledMap, film_panel
from pages.shared.open_films import OpenFilm
from xraycore.attribution.metrics.agreement import MapAgreement, consensus_map, map_agreement
from xraycore.report.film_report import ModelResult
from xraycore.utils.text import percent

if TYPE_CHECKING:
    import pandas as pd


def show_model_agreement(film: OpenFilm, results: Sequence[ModelResult]) -> None:
    """Lays the models' maps over each other, once that is asked for."""
    heatmaps = {one.title: one.heatmap for one in results if np.any(one.heatmap.values)}
    if len(heatmaps) < 2:
        return
    shown = st.expander(
        "Where the maps agree", icon=":material/layers:", key="maps", on_change="rerun"
    )
    if not shown.open:
        return
    radiograph = film.analysis.radiograph()
    left, right = shown.columns([1, 2], gap="medium")
    with left:
        film_panel(
            film.analysis.picture(),
            key="film-votes",
            label="Where several models have their hottest tenth",
            heatmap=StyledMap(consensus_map(heatmaps, radiograph), 0.6, "viridis"),
        )
    with right:
        agreement = map_agreement(heatmaps, radiograph)
        st.markdown(agreement.reading)
        st.caption(
            "The picture lays the hottest tenths over each other: the brighter, the more models "
            "look there. Full colour is where all of them do."
        )
        st.table(_overlaps(agreement), border="horizontal")
        st.caption(
            "Common part of two hottest tenths (intersection over union); two random maps have 5 %."
        )


def _overlaps(agreement: MapAgreement) -> "pd.DataFrame":
    """Overlaps of each two maps, in words that need no colour."""
    import pandas as pd  # Late: a page is painted sooner without.

    names = agreement.names
    cells = [
        ["" if i == j else percent(agreement.iou[i, j]) for j in range(len(names))]
        for i in range(len(names))
    ]
    return pd.DataFrame(cells, index=names, columns=names)
