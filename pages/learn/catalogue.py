"""The lessons that there are, who takes them, and where a teacher's own go."""

from collections.abc import Mapping, Sequence

import streamlit as st

from pages.learn.routing import COURSE, open_lesson, open_results, open_shortcuts
from pages.learn.sitting import CLASS, NAME, PROBLEM, keeps_answers, signs_in, sitting_of
from pages.shared.access import current_user, permitted
from pages.shared.layout import plain
from xraycore.access import Action
from xraycore.config import lessons_folder
from xraycore.lessons import Lesson
from xraycore.reader_study.checks import MAX_NAME
from xraycore.utils.text import pluralise


def show_catalogue(lessons: Mapping[str, Lesson], problems: Sequence[str]) -> None:
    """A card a lesson; for a teacher also what is wrong, and where results are."""
    ask_who()
    columns = st.columns(2, gap="medium")
    for number, lesson in enumerate(lessons.values()):
        with columns[number % 2]:
            _show_card(lesson)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "A shortcut bench",
            key="shortcuts",
            icon=":material/science:",
            on_click=open_shortcuts,
        )
        st.caption("What networks make of a planted marker, border, contrast or tube; measured.")
    if not permitted(Action.LEAD):
        return
    st.subheader("For teachers", anchor=False)
    for problem in problems:
        st.warning(f"Left out: {plain(problem)}", icon=":material/edit_document:")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Results of a class",
            key="results",
            icon=":material/groups:",
            on_click=open_results,
        )
        st.caption(
            "Your own lessons go into "
            f"{plain(str(lessons_folder()))}: a folder each, with a lesson.toml. "
            "docs/lessons.md says how one is written."
        )


def ask_who() -> None:
    """The fields for name and class, where answers are kept under a name that is typed."""
    if not keeps_answers():
        st.caption("You can take every lesson; what you answer is not kept.")
    elif signs_in():
        st.caption(
            f"Your answers are kept for your teacher as those of {plain(current_user().name)}."
        )
    if keeps_answers():
        st.session_state.setdefault(CLASS, st.query_params.get(COURSE, ""))
        left, right, _ = st.columns([2, 2, 3], gap="medium")
        if not signs_in():
            left.text_input(
                "Your name",
                key=NAME,
                max_chars=MAX_NAME,
                persist_state="session",
                placeholder="A pseudonym is fine",
                help="Your answers are kept under it, and with it you go on where you left off. "
                "Without a name nothing is kept.",
            )
        right.text_input(
            "Class",
            key=CLASS,
            max_chars=MAX_NAME,
            persist_state="session",
            placeholder="Optional",
            help="So that your teacher finds your answers among those of others.",
        )
    if problem := st.session_state.pop(PROBLEM, None):
        st.error(plain(problem), icon=":material/person_off:")


def _show_card(lesson: Lesson) -> None:
    sitting = sitting_of(lesson)
    with st.container(border=True):
        st.markdown(f"**{plain(lesson.title)}**")
        st.markdown(plain(lesson.table.summary))
        facts = [
            f"about {pluralise(lesson.table.minutes, 'minute')}",
            pluralise(len(lesson.asked), "question"),
        ]
        if limit := lesson.table.limit_minutes:
            facts.append(f"at most {limit:g} minutes")
        if sitting:
            facts.append(f"{len(sitting.answers)} answered")
        st.caption(" · ".join(facts))
        st.button(
            "Go on" if sitting else "Open",
            key=f"open-{lesson.id}",
            icon=":material/play_arrow:",
            on_click=open_lesson,
            args=(lesson,),
        )
