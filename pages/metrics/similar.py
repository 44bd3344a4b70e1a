"""What a network learnt from that is like a film on which it fails."""

from functools import partial
from pathlib import Path

import streamlit as st

from pages.metrics.cache import DisplayedComparison, file_key
from pages.shared.cache import film_analysis
from pages.shared.faults import describe_error
from pages.shared.layout import plain, plain_option
from pages.shared.similar_films import show_similar
from xraycore.errors import XrayCoreError
from xraycore.imaging import Radiograph, read_radiograph
from xraycore.models.cards import list_trained
from xraycore.retrieval.index_file import has_index


def show_films_like(display: DisplayedComparison, place: int, path: Path, film: Radiograph) -> None:
    """The films most alike to one, to a network that is chosen: at first the most surely wrong."""
    searchable = [name for name in list_trained() if has_index(name)]
    names = [name for name in display.names if name in searchable]
    if not names:
        return
    models, truth = display.comparison.models, display.comparison.y_true[place]

    def doubt(name: str) -> float:
        return float(models[name].probability[place, truth])

    # One key a film: of another another network errs.
    name = st.segmented_control(
        "What is like it, to",
        names,
        default=min(names, key=doubt),
        required=True,
        format_func=lambda name: plain_option(display.titles[name]),
        key=f"similar-model-{place}",
    )
    try:
        with st.spinner(f"{plain(display.titles[name])} looks at the film …"):
            read = partial(read_radiograph, path)
            prediction = film_analysis(file_key(path), read).prediction(name)
    except XrayCoreError as error:
        st.error(describe_error(error), icon=":material/error:")
        return
    show_similar(prediction, film.info.sha256, key="metrics-similar", opens=False)
