"""The Review page without a study: which to read, and setting up another."""

import streamlit as st

from pages.widgets.frame import counted, plain
from pages.widgets.review_setup import show_setup
from pages.widgets.review_store import RESULTS, go_to, link_of
from xraycore.review import Reader, ReviewError, Reviews, Study
from xraycore.review.records import MAX_NAME, finished_readers

PER_PAGE = 6
_NAME, _PROBLEM = "reader-name", "review-name-problem"


def show_start(reviews: Reviews) -> None:
    """The studies that there are, and the form of a new one."""
    left, right = st.columns([5, 6], gap="large")
    with left:
        _show_studies(reviews)
    with right:
        show_setup(reviews)


def ask_name() -> None:
    """The field for the reader's name, and what is wrong with it."""
    st.text_input(
        "Your name as a reader",
        key=_NAME,
        max_chars=MAX_NAME,
        placeholder="A pseudonym is fine, e.g. Reader 1",
        persist_state="session",
        help="It stands beside your answers in the database and in the export. The same name "
        "goes on where it left off, on any computer; use one that nobody else uses.",
    )
    if problem := st.session_state.pop(_PROBLEM, None):
        st.error(plain(problem), icon=":material/person_off:")


def show_link(study: Study) -> None:
    """The link for readers, to be copied."""
    with st.popover("Link for readers", icon=":material/link:", type="tertiary"):
        st.caption("Each reader opens it and enters a name of his own.")
        st.code(link_of(study), None)


def begin(reviews: Reviews, study: Study) -> None:
    """Goes to the study as the reader whose name stands in the field; fit for a callback."""
    name = st.session_state.get(_NAME) or ""
    if not name.strip():
        st.session_state[_PROBLEM] = "Enter your name first; a pseudonym is fine."
        return
    try:
        reader: Reader = reviews.add_reader(name)
    except ReviewError as error:
        st.session_state[_PROBLEM] = str(error)
        return
    go_to(study, reader)


def _show_studies(reviews: Reviews) -> None:
    st.subheader("Read a study", anchor=False)
    studies = reviews.studies()
    if not studies:
        st.info(
            "There is no study yet. Set one up, then send its link to the readers.",
            icon=":material/rate_review:",
        )
        return
    ask_name()
    page = 1
    if (pages := -(-len(studies) // PER_PAGE)) > 1:
        page = st.pagination(pages, key="studies-page")
    for study in studies[(page - 1) * PER_PAGE : page * PER_PAGE]:
        _show_study(reviews, study)


def _show_study(reviews: Reviews, study: Study) -> None:
    with st.container(border=True):
        st.markdown(f"**{plain(study.name)}**")
        st.caption(_facts(reviews, study))
        with st.container(horizontal=True):
            st.button(
                "Read",
                key=f"read-{study.id}",
                icon=":material/play_arrow:",
                type="primary",
                on_click=begin,
                args=(reviews, study),
            )
            st.button(
                "Results",
                key=f"results-{study.id}",
                icon=":material/bar_chart:",
                on_click=lambda: go_to(study, part=RESULTS),
            )
            show_link(study)


def _facts(reviews: Reviews, study: Study) -> str:
    items, said = reviews.items(study), reviews.results(study)
    begun = {review.reader.id for review in said}
    finished = finished_readers(said, items)
    facts = [
        counted(len({item.sha256 for item in items}), "film"),
        counted(len(items), "heatmap"),
        "blinded" if study.blinded else "not blinded",
        f"{counted(len(begun), 'reader')}, {len(finished)} finished",
        f"set up {study.created:%Y-%m-%d}",
    ]
    return " · ".join(facts)
