"""Reading: one heatmap of the worklist, the film on the left, the reader's answer on the right."""

from collections.abc import Sequence
from functools import partial

import streamlit as st

from pages.components.film_viewer import StyledMap, film_panel, size_and_depth
from pages.review.answer import Reading, reading_session
from pages.review.films import Drawable, draw_heatmap, read_same_film, show_left_out
from pages.review.form import show_form
from pages.review.identity import authorise
from pages.review.routing import RESULTS, go_to, stay_at
from pages.review.worklist import choose_entry, show_progress
from pages.shared.analysis import Analysis
from pages.shared.heatmap_controls import color_strip
from pages.shared.layout import plain
from xraycore.errors import XrayCoreError
from xraycore.imaging.box import Box
from xraycore.reader_study import Reader, ReaderStudyRepository, Review, Study, WorklistEntry
from xraycore.reader_study.records import DONE, corners


def show_reading(
    repository: ReaderStudyRepository, study: Study, reader: Reader, can: Drawable
) -> None:
    """The heatmap that the link names, or the first that is not judged yet."""
    entries = repository.worklist(reader, study)
    readable = [entry for entry in entries if entry.item.id not in can.why_not]
    show_left_out(can)
    if not readable:
        st.info(
            "Nothing of this study can be read on this computer.", icon=":material/rate_review:"
        )
        return
    entry = choose_entry(readable)
    if entry is None:
        _show_end(study, reader, readable)
        return
    reviews = [e.review for e in entries if e.review and e.item.sha256 == entry.item.sha256]
    first = _boxes_before_heatmap(reviews)
    offered = _newest_boxes(reviews) if first is None else first
    reading = reading_session().open(
        repository,
        reader,
        entry,
        authorise=partial(authorise, repository, study, reader),
        before_heat=first,
        offered=offered,
    )
    film = can.films[entry.item.sha256]
    radiograph = read_same_film(entry.item.sha256, film)
    left, right = st.columns([7, 5], gap="medium")
    with right:
        show_progress(entry, readable)
        show_form(reading, study, entry, readable, film if radiograph else None)
    with left:
        if radiograph is None:
            st.error(
                "This film's file has changed or can no longer be read. Go on with the next.",
                icon=":material/broken_image:",
            )
        else:
            _show_film(reading, study, entry, film)


def _boxes_before_heatmap(reviews: Sequence[Review]) -> tuple[Box, ...] | None:
    """The reader's boxes on a film before any of its heatmaps; None where that is not known.

    A box that one heatmap has drawn must not be held against the next.
    """
    known = [one for one in reviews if one.answer.before_heat is not None]
    return min(known, key=lambda one: one.saved).answer.before_heat if known else None


def _newest_boxes(reviews: Sequence[Review]) -> tuple[Box, ...]:
    """The reader's newest boxes on a film."""
    marked = [one for one in reviews if one.answer.boxes]
    return max(marked, key=lambda one: one.saved).answer.boxes if marked else ()


def _show_film(reading: Reading, study: Study, entry: WorklistEntry, film: Analysis) -> None:
    drawn = None
    if reading.heatmap_shown:
        try:
            with st.spinner("Drawing the heat …"):
                heatmap = draw_heatmap(entry.item, film)
            # Only methods of one forward pass have a scale: to draw by it would tell them apart.
            heatmap = heatmap.stretched() if study.blinded else heatmap
            drawn = StyledMap(heatmap, contour=0.5 if _outlined() else None)
        except XrayCoreError as error:
            st.error(plain(str(error)), icon=":material/error:")
    # A file's name may tell the finding, and a model's name must not be told: neither is here.
    film_panel(
        film.picture(),
        key=f"review-film-{entry.item.id}",
        label=f"Film of heatmap {entry.number}" + (", with heat" if drawn else ""),
        heatmap=drawn,
        marks=[corners(box) for box in reading.answer.boxes],
        click="box",
        on_click=reading.draw,
        toolbar=True,
        group="review",
    )
    if drawn and drawn.contour is None:
        own = drawn.heatmap.scale is None
        color_strip(drawn.color_map, "this map's maximum" if own else "strong evidence")
    for warning in film.radiograph().warnings:
        st.warning(plain(warning), icon=":material/warning:")
    st.caption(
        f"{size_and_depth(film.picture().info)}  \n"
        "Drag draws a box. Once the film was clicked the wheel zooms; Ctrl and drag moves, double "
        "click shows all; the space bar, held, hides the heat.",
        help="Ctrl and the wheel, or two fingers, zoom without a click. Shift and drag sets the "
        "window. By keys, once the film was clicked: Enter begins a box, arrows move it, Shift and "
        "arrows size it, Enter sets it; else arrows move the film, + and − zoom, w and then arrows "
        "set the window, m and then Enter measure.",
    )


def _outlined() -> bool:
    return bool(st.session_state.get("outline"))


def _show_end(study: Study, reader: Reader, readable: Sequence[WorklistEntry]) -> None:
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
