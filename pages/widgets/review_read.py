"""Reading: one heatmap of the worklist, the film on the left, the reader's answer on the right."""

from collections.abc import Sequence

import streamlit as st

from pages.widgets.frame import plain
from pages.widgets.heat_look import color_strip
from pages.widgets.review_answer import Desk
from pages.widgets.review_films import Drawable, heat_of, read_film, say_left_out
from pages.widgets.review_form import show_answer
from pages.widgets.review_store import RESULTS, go_to, stay_at
from pages.widgets.review_worklist import chosen, show_progress
from pages.widgets.viewer import Drawn, film_panel, size_and_depth
from xraycore.imaging import Radiograph
from xraycore.imaging.box import Box
from xraycore.review import Entry, Reader, Reviews, Study
from xraycore.review.records import DONE, corners
from xraycore.weightfiles import WeightsError


def show_reading(reviews: Reviews, study: Study, reader: Reader, can: Drawable) -> None:
    """The heatmap that the link names, or the first that is not judged yet."""
    entries = reviews.worklist(reader, study)
    readable = [entry for entry in entries if entry.item.id not in can.why_not]
    say_left_out(can)
    if not readable:
        st.info(
            "Nothing of this study can be read on this computer.", icon=":material/rate_review:"
        )
        return
    entry = chosen(readable)
    if entry is None:
        _show_end(study, reader, readable)
        return
    desk = Desk(reviews, reader, entry.item)
    desk.open(entry, _boxes_of_film(entry, entries))
    xray = read_film(entry.item.sha256, can.films[entry.item.sha256])
    left, right = st.columns([7, 5], gap="medium")
    with right:
        show_progress(entry, readable)
        show_answer(desk, study, entry, readable, xray)
    with left:
        if xray is None:
            st.error(
                "This film's file has changed or can no longer be read. Go on with the next.",
                icon=":material/broken_image:",
            )
        else:
            _show_film(desk, entry, xray)


def _boxes_of_film(entry: Entry, entries: Sequence[Entry]) -> tuple[Box, ...]:
    """The reader's newest boxes on the same film, for another heatmap of it."""
    reviews = [
        one.review
        for one in entries
        if one.review and one.item.sha256 == entry.item.sha256 and one.review.answer.boxes
    ]
    return max(reviews, key=lambda review: review.saved).answer.boxes if reviews else ()


def _show_film(desk: Desk, entry: Entry, xray: Radiograph) -> None:
    drawn = None
    if desk.heat_shown:
        try:
            with st.spinner("Drawing the heat …"):
                drawn = Drawn(heat_of(entry.item, xray), contour=0.5 if _outlined() else None)
        except (WeightsError, ValueError) as error:
            st.error(plain(str(error)), icon=":material/error:")
    # A file's name may tell the finding, and a model's name must not be told: neither is here.
    film_panel(
        xray,
        key=f"review-film-{entry.item.id}",
        label=f"Film of heatmap {entry.number}" + (", with heat" if drawn else ""),
        drawn=drawn,
        marks=[corners(box) for box in desk.answer.boxes],
        click="box",
        on_click=desk.draw,
        toolbar=True,
        group="review",
    )
    if drawn and drawn.contour is None:
        own = drawn.heat.scale is None
        color_strip(drawn.color_map, "this map's maximum" if own else "strong evidence")
    for warning in xray.warnings:
        st.warning(warning, icon=":material/warning:")
    st.caption(
        f"{size_and_depth(xray.info)}  \n"
        "Drag draws a box. Once the film was clicked the wheel zooms (Ctrl and the wheel, or two "
        "fingers, at once); Ctrl and drag or the arrow keys move, Shift and drag, or w and arrows, "
        "set the window, m and Enter measure, double click shows all; the space bar, held, hides "
        "the heat. By keys, with the film in focus: Enter begins a box, arrows move it, Shift and "
        "arrows size it, Enter sets it."
    )


def _outlined() -> bool:
    return bool(st.session_state.get("outline"))


def _show_end(study: Study, reader: Reader, readable: Sequence[Entry]) -> None:
    left = [entry for entry in readable if entry.state != DONE]
    if left:
        text = f"{len(left)} of {len(readable)} heatmaps are still to be judged."
        st.info(text, icon=":material/rate_review:")
        st.button("Go on", key="go-on", type="primary", on_click=stay_at, args=(left[0].number,))
        return
    st.success(
        f"All {len(readable)} heatmaps are judged and stored. Thank you, {plain(reader.name)}.",
        icon=":material/task_alt:",
    )
    with st.container(horizontal=True):
        st.button(
            "See the results",
            key="to-results",
            type="primary",
            icon=":material/bar_chart:",
            on_click=lambda: go_to(study, reader, part=RESULTS),
        )
        st.button(
            "Look through my answers",
            key="look-back",
            icon=":material/chevron_left:",
            on_click=stay_at,
            args=(readable[0].number,),
        )
