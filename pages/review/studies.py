"""The Review page without a study: which to read, and setting up another."""

from urllib.parse import urlsplit

import streamlit as st

from pages.review.identity import claim, find_reader, leads, signs_in
from pages.review.leading import show_readers
from pages.review.routing import RESULTS, go_to, make_link, make_own_link
from pages.review.setup import show_setup
from pages.shared.access import acts, permitted
from pages.shared.layout import choose_page, plain
from xraycore.access import Action
from xraycore.access.modes import is_loopback
from xraycore.reader_study import Reader, ReaderStudyError, ReaderStudyRepository, Study
from xraycore.reader_study.checks import MAX_NAME
from xraycore.reader_study.records import finished_readers
from xraycore.utils.text import pluralise

PER_PAGE = 6
_NAME, _PROBLEM = "reader-name", "review-name-problem"


def show_start(repository: ReaderStudyRepository) -> None:
    """The studies that there are, and the form of a new one."""
    left, right = st.columns([5, 6], gap="large")
    with left:
        _show_studies(repository)
    with right:
        if permitted(Action.LEAD):
            show_setup(repository)


def ask_name() -> None:
    """The field for the reader's name, and what is wrong with it."""
    st.text_input(
        "Your name as a reader",
        key=_NAME,
        max_chars=MAX_NAME,
        placeholder="Yours alone; a pseudonym is fine",
        persist_state="session",
        help="It stands beside your answers in the database and in the export. With the same name "
        "you go on where you left off, on any computer; use one that nobody else uses.",
    )
    if problem := st.session_state.pop(_PROBLEM, None):
        st.error(plain(problem), icon=":material/person_off:")


def show_link(study: Study) -> None:
    """The link for readers, to be copied; where they sign in, each gets his own."""
    if signs_in():
        return
    with st.popover("Links", icon=":material/link:", type="tertiary"):
        st.markdown("**For readers**")
        st.caption("Each reader opens it and enters a name of his own. It shows the reading only.")
        st.code(make_link(study), None)
        st.markdown("**Yours**")
        st.caption("To the results, with all that the organiser can do.")
        st.code(make_own_link(study), None)
        if is_loopback(urlsplit(make_link(study)).hostname or ""):
            st.warning(
                "This app answers its own computer only, so these links work here and nowhere "
                "else. For readers at other computers serve it: `xraycore serve`.",
                icon=":material/computer:",
            )


@acts(Action.ANSWER)
def begin(repository: ReaderStudyRepository, study: Study) -> None:
    """Goes to the study as the reader whose name stands in the field; fit for a callback.

    Of a name that is known the page asks first whether it is the same person. Where readers sign
    in, who they are is known.
    """
    if signs_in():
        go_to(study)
        return
    name = st.session_state.get(_NAME) or ""
    if not name.strip():
        st.session_state[_PROBLEM] = "Enter your name first; a pseudonym is fine."
        return
    try:
        known = set(repository.readers())
        reader = repository.add_reader(name)
    except ReaderStudyError as error:
        st.session_state[_PROBLEM] = str(error)
        return
    if reader not in known:
        claim(reader)
    go_to(study, reader)


def confirm_reader(repository: ReaderStudyRepository, study: Study, reader: Reader) -> None:
    """Whether the reader of the link, or of the name that was entered, is the one who is here.

    Two may choose the same name, and a link may be sent on: nobody answers in another's name
    unasked.
    """
    judged = pluralise(repository.count_judged(reader), "heatmap")
    st.info(
        f"**{plain(reader.name)}** has judged {judged} here. Is that you?",
        icon=":material/person:",
    )
    with st.container(horizontal=True):
        st.button(
            f"Yes, go on as {plain(reader.name)}",
            key="it-is-me",
            type="primary",
            icon=":material/play_arrow:",
            on_click=claim,
            args=(reader,),
        )
        st.button(
            "No, I am someone else",
            key="not-me",
            icon=":material/person_off:",
            on_click=_be_another,
            args=(study, reader),
        )


def _be_another(study: Study, reader: Reader) -> None:
    st.session_state[_NAME] = ""
    st.session_state[_PROBLEM] = f"{reader.name} is the name of another reader. Choose your own."
    go_to(study)


def _show_studies(repository: ReaderStudyRepository) -> None:
    st.subheader("Read a study", anchor=False)
    studies = [study for study in repository.studies() if _is_shown(repository, study)]
    if not studies:
        st.info(
            "You are invited to no study, and lead none."
            if signs_in()
            else "There is no study yet. Set one up, then send its link to the readers.",
            icon=":material/rate_review:",
        )
        return
    if not signs_in():
        ask_name()
    _, part = choose_page(studies, PER_PAGE, key="studies-page")
    for study in part:
        _show_study(repository, study)


def _is_shown(repository: ReaderStudyRepository, study: Study) -> bool:
    if not signs_in() or leads(study):
        return True
    return find_reader(repository, study) is not None


def _show_study(repository: ReaderStudyRepository, study: Study) -> None:
    with st.container(border=True):
        st.markdown(f"**{plain(study.name)}**")
        st.caption(_facts(repository, study))
        with st.container(horizontal=True):
            if not signs_in() or find_reader(repository, study):
                st.button(
                    "Read",
                    key=f"read-{study.id}",
                    icon=":material/play_arrow:",
                    type="primary",
                    on_click=begin,
                    args=(repository, study),
                )
            st.button(
                "Results",
                key=f"results-{study.id}",
                icon=":material/bar_chart:",
                on_click=lambda: go_to(study, part=RESULTS),
            )
            show_link(study)
            if signs_in() and leads(study):
                show_readers(repository, study)


def _facts(repository: ReaderStudyRepository, study: Study) -> str:
    items, reviews = repository.items(study), repository.results(study)
    begun = {review.reader.id for review in reviews}
    finished = finished_readers(reviews, items)
    facts = [
        pluralise(len({item.sha256 for item in items}), "film"),
        pluralise(len(items), "heatmap"),
        "blinded" if study.blinded else "not blinded",
        f"{pluralise(len(begun), 'reader')}, {len(finished)} finished",
        *(["finished: answers are locked"] if study.finished else []),
        f"set up {study.created:%Y-%m-%d}",
    ]
    return " · ".join(facts)
