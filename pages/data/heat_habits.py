"""Where a network looks, film by film in clusters: does it have a habit that is no disease?"""

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
import streamlit as st

from pages.components.film_grid import Tile, film_grid
from pages.shared.layout import plain
from xraycore.imaging.overlay import colorize
from xraycore.imaging.resample import upsample
from xraycore.retrieval.features import FilmFeatures
from xraycore.retrieval.heat_clusters import FEWEST, HeatCluster, cluster_heatmaps, order_by_lungs
from xraycore.utils.text import join_names, percent, pluralise

SIDE = 160
# Evidence that lies outside the lungs for the most part.
OUTSIDE = 0.5


def show_habits(
    features: FilmFeatures, called: Sequence[str], on_films: Callable[[list[int]], None]
) -> None:
    """Clusters of the heat, each with its mean map, its classes, and its films where asked for.

    Args:
        features: What a network finds on the films.
        called: The class that it calls each.
        on_films: Draws the films with these indices.
    """
    st.subheader("Where it looks, in clusters", anchor=False)
    st.caption(
        "Films on which its heat (Grad-CAM of what it calls them) lies alike, by spectral "
        "clustering (SpRAy). A cluster in a corner, or of one class outside the lungs, is a habit "
        "that is no disease. Each map is the mean over what the network sees of the films."
    )
    clusters = _clusters(features)
    if not clusters:
        st.info(f"Fewer than {FEWEST} films have heat: there are no habits to find.")
        return
    tiles, names = [], []
    for number, (one, share) in enumerate(clusters, start=1):
        names.append(f"Cluster {number}")
        labels = Counter(features.records[i].label for i in one.places)
        calls = Counter(called[i] for i in one.places)
        in_lungs = "no lungs found" if np.isnan(share) else f"{percent(share)} of the heat in lungs"
        tiles.append(
            Tile(
                colorize(upsample(one.mean / one.mean.max(), (SIDE, SIDE))),
                f"{names[-1]} · {pluralise(len(one.places), 'film')}",
                (
                    in_lungs,
                    "is " + join_names([f"{label} {n:,}" for label, n in labels.most_common()]),
                    "called " + join_names([f"{label} {n:,}" for label, n in calls.most_common()]),
                ),
            )
        )
    film_grid(tiles, key="habits", tile=210, fixed=True)
    outside = [name for name, (_, share) in zip(names, clusters, strict=True) if share < OUTSIDE]
    if outside:
        verb = "lie" if len(outside) > 1 else "lies"
        st.warning(
            f"{plain(join_names(outside))} {verb} outside the lungs for the most part.",
            icon=":material/warning:",
        )
    chosen = st.segmented_control("Films of", names, key="habit")
    if chosen in names:
        on_films([int(i) for i in clusters[names.index(chosen)][0].places])


def _clusters(features: FilmFeatures) -> list[tuple[HeatCluster, float]]:
    cached = st.session_state.get("habits-of")
    if cached is None or cached[0] is not features:
        clusters = order_by_lungs(cluster_heatmaps(features.heatmaps), features.in_lungs)
        cached = st.session_state["habits-of"] = (features, clusters)
    return cached[1]
