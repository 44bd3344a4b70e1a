"""One lesson: its introduction, a step at a time, and its end."""

import streamlit as st

from pages.learn.catalogue import ask_who
from pages.learn.conclusion import show_conclusion
from pages.learn.desk import Desk
from pages.learn.routing import AT, END, open_catalogue, stay_at
from pages.learn.sitting import Sitting, asked_name, be_another, begin, confirm, sitting_of
from pages.learn.steps import ask, tell
from pages.learn.texts import draw_text
from pages.shared.access import fragment
from pages.shared.faults import errors_as_messages
from pages.shared.layout import plain
from xraycore.access import Action
from xraycore.lessons import Lesson
from xraycore.utils.text import pluralise


def show_lesson(lesson: Lesson) -> None:
    """The step that the link names, or the first that is not answered."""
    sitting = sitting_of(lesson)
    if sitting is None:
        _show_start(lesson)
        return
    order = sitting.order
    wanted = st.query_params.get(AT, "")
    places = {str(place): place for place in range(1, len(order) + 1)}
    place = places.get(wanted) or (None if wanted == END else sitting.open())
    _show_head(sitting, place)
    if place is None or (sitting.over and order[place - 1] not in sitting.answers):
        show_conclusion(sitting)
        return
    number = order[place - 1]
    sitting.show(number)
    desk = Desk(sitting, number)
    st.subheader(plain(desk.step.title), anchor=False)
    draw_text(desk.step.text)
    with errors_as_messages():
        if desk.step.kind != "text":
            (tell if desk.answer else ask)(desk)
            if desk.answer:
                draw_text(desk.step.after)
    _show_foot(sitting, place)


def _show_start(lesson: Lesson) -> None:
    st.subheader(plain(lesson.title), anchor=False)
    draw_text(lesson.introduction or lesson.table.summary)
    if limit := lesson.table.limit_minutes:
        st.info(f"You have {limit:g} minutes from the moment you begin.", icon=":material/timer:")
    asked = asked_name()
    if asked and asked[0] == lesson.id:
        student = asked[1]
        st.info(f"**{plain(student.name)}** is known here. Is that you?", icon=":material/person:")
        with st.container(horizontal=True):
            st.button(
                f"Yes, go on as {plain(student.name)}",
                key="it-is-me",
                type="primary",
                on_click=confirm,
                args=(lesson, student),
            )
            st.button("No, I am someone else", key="not-me", on_click=be_another)
        return
    ask_who()
    with st.container(horizontal=True):
        st.button(
            "Begin",
            key="begin",
            type="primary",
            icon=":material/play_arrow:",
            on_click=begin,
            args=(lesson,),
        )
        st.button("All lessons", key="all-lessons", on_click=open_catalogue)


def _show_head(sitting: Sitting, place: int | None) -> None:
    lesson, total = sitting.lesson, len(sitting.order)
    done = len(sitting.answers) / max(1, len(lesson.asked))
    words = f"Step {place:d} of {total:d}" if place else "The end"
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.progress(min(1.0, done), text=f"**{plain(lesson.title)}** · {words}", width=420)
        if sitting.seconds_left is not None:
            _show_clock(sitting)


@fragment(Action.LOOK, run_every=5)
def _show_clock(sitting: Sitting) -> None:
    left = sitting.seconds_left or 0.0
    if left == 0:
        if not st.session_state.get(f"over-{sitting.begun}"):
            st.session_state[f"over-{sitting.begun}"] = True
            st.rerun()
        st.caption("The time is over.")
        return
    minutes = int(left // 60)
    st.caption(f"{pluralise(minutes, 'minute')} {left - 60 * minutes:.0f} s left")


def _show_foot(sitting: Sitting, place: int) -> None:
    number, last = sitting.order[place - 1], len(sitting.order)
    answered = number in sitting.answers or sitting.lesson.steps[number].kind == "text"
    with st.container(horizontal=True):
        st.button(
            "Back",
            key="back",
            icon=":material/chevron_left:",
            disabled=place == 1,
            on_click=stay_at,
            args=(place - 1,),
        )
        st.button(
            ("To the end" if place == last else "Next") if answered else "Skip",
            key="next",
            icon=":material/chevron_right:",
            type="primary" if answered else "secondary",
            on_click=stay_at,
            args=(END if place == last else place + 1,),
        )
        st.button("All lessons", key="all-lessons", type="tertiary", on_click=open_catalogue)
