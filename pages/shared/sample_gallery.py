"""The empty state: what the app does, and films to do it with."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from html import escape

import numpy as np
import streamlit as st

from pages.shared import cache
from pages.shared.layout import plain
from xraycore.datasets.samples import Sample
from xraycore.imaging import RadiographError
from xraycore.imaging.encode import data_url, encode_jpeg
from xraycore.imaging.overlay import to_uint8
from xraycore.imaging.resample import fit_within

# What a newcomer is told, in three sentences.
_TOUR = (
    ":material/radiology: **Open a film.** Every network says what it sees, side by side, with all "
    "its probabilities.",
    ":material/visibility: **Look at the heat.** It marks where each one found its evidence; heat "
    "beside the lungs raises an alarm.",
    ":material/fact_check: **Doubt.** A track record says how often such answers were right; "
    "*Metrics* and *Explain* test the networks and their maps.",
)
_ACROSS = 6
# Side of a picture in pixels: a sixth of a wide screen.
_SIDE = 320


def show_gallery(
    on_open: Callable[[str], None], beside: AbstractContextManager | None = None
) -> None:
    """The tour, and the samples by where they come from.

    Args:
        on_open: Called with the id of the sample that is chosen.
        beside: Where the tour is told, if not above the samples.
    """
    with beside or st.container():
        columns = st.columns(1 if beside else len(_TOUR), border=not beside)
        for place, sentence in enumerate(_TOUR):
            columns[place % len(columns)].markdown(sentence)
    st.subheader("Upload a chest X-ray, or start with one of these", anchor=False)
    samples = cache.samples()
    for heading, synthetic in (("Generated, no patient", True), ("Public data sets", False)):
        shown = [
            (sample, picture)
            for sample in samples.values()
            if sample.synthetic == synthetic and (picture := _picture(sample.id)) is not None
        ]
        if not shown:
            continue
        st.caption(heading)
        for start in range(0, len(shown), _ACROSS):
            row = shown[start : start + _ACROSS]
            for column, (sample, picture) in zip(st.columns(_ACROSS), row, strict=False):
                with column:
                    _show_sample(sample, picture, on_open)


def _show_sample(sample: Sample, picture: str, on_open: Callable[[str], None]) -> None:
    # A picture, not a viewer: the page scrolls over it. The button says what it is.
    st.html(f'<img src="{escape(picture)}" alt="" style="display: block; width: 100%">')
    st.button(
        plain(sample.title),
        key=f"open-{sample.id}",
        on_click=on_open,
        args=(sample.id,),
        width="stretch",
    )


def _picture(identifier: str) -> str | None:
    """The sample's picture as a data URL; None if its file is damaged."""
    try:
        return _square(identifier)
    except RadiographError:
        return None


@st.cache_resource(max_entries=64, show_spinner=False)
def _square(identifier: str) -> str:
    """The sample reduced, on a black square so that films of all shapes line up."""
    pixels = to_uint8(fit_within(cache.samples()[identifier].read().pixels, _SIDE))
    height, width = pixels.shape
    square = np.zeros((max(pixels.shape),) * 2, np.uint8)
    top, left = (len(square) - height) // 2, (len(square) - width) // 2
    square[top : top + height, left : left + width] = pixels
    return data_url(encode_jpeg(square))
