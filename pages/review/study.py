"""The Review page with a study: its head, and reading or results below."""

import streamlit as st

from pages.review.films import check_drawable, find_films
from pages.review.identity import has_claimed, leads, signs_in
from pages.review.leading import show_end, show_readers
from pages.review.reading import show_reading
from pages.review.routing import PART, READ, RESULTS, go_to, reads_only
from pages.review.setup import show_refused
from pages.review.studies import ask_name, begin, confirm_reader, show_link
from pages.shared.layout import name_tab, plain
from xraycore.reader_study import Reader, ReaderStudyRepository, Study


def show_study(repository: ReaderStudyRepository, study: Study, reader: Reader | None) -> None:
    """What the link names of the study."""
    name_tab("Review", study.name)
    _head(repository, study, reader)
    show_refused()
    reading = st.query_params.get(PART) != RESULTS
    if signs_in() and reader is None and (reading or not leads(study)):
        st.warning("You are not invited to this study.", icon=":material/block:")
        return
    if reading and reader is None:
        with st.container(width=520):
            ask_name()
            st.button(
                "Read",
                key="join",
                type="primary",
                icon=":material/play_arrow:",
                on_click=begin,
                args=(repository, study),
            )
        return
    if reader and not signs_in() and not has_claimed(reader):
        confirm_reader(repository, study, reader)
        return
    items = repository.items(study)
    films = find_films(items)
    if films is None:
        return
    can = check_drawable(items, films)
    if reading:
        show_reading(repository, study, reader, can)
        return
    # SciPy and statsmodels take a second or more to import.
    with st.spinner("Reading what is stored …"):
        from pages.review.results import show_results
    show_results(repository, study, reader, items, can)


def _head(repository: ReaderStudyRepository, study: Study, reader: Reader | None) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(plain(study.name), anchor=False, width="content")
        st.caption(
            (f"Reader: {plain(reader.name)} · " if reader and _is_known(reader) else "")
            + ("blinded" if study.blinded else "not blinded")
            + (" · finished: answers are locked" if study.finished else ""),
            width="content",
            help="Which network made a heatmap, how, and what the network says is not shown."
            if study.blinded
            else "Readers see which network made a heatmap, how, and what the network says.",
        )
        if reads_only():
            return
        show_link(study)
        if signs_in() and leads(study):
            show_readers(repository, study)
        show_end(repository, study)
        st.space("stretch")
        part = RESULTS if st.query_params.get(PART) == RESULTS else READ
        other = READ if part == RESULTS else RESULTS
        st.button(
            other,
            key="other-part",
            icon=":material/bar_chart:" if other == RESULTS else ":material/play_arrow:",
            on_click=lambda: go_to(study, reader, part=other),
        )
        st.button(
            "All studies", key="leave", icon=":material/arrow_back:", on_click=lambda: go_to(None)
        )


def _is_known(reader: Reader) -> bool:
    return signs_in() or has_claimed(reader)
