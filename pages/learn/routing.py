"""What of the Learn page a link names."""

from collections.abc import Mapping

import streamlit as st

from xraycore.lessons import Lesson, list_lessons

# Query parameters: a reload, or a bookmark, opens the same lesson.
LESSON, AT, PART, COURSE = "lesson", "at", "part", "class"
RESULTS, SHORTCUTS = "results", "shortcuts"
# Value of AT once all is answered.
END = "end"


def read_link() -> tuple[Lesson | None, Mapping[str, Lesson], list[str]]:
    """The lesson of the link, if there is such a one; all of them by id, and what is wrong."""
    found, problems = list_lessons()
    lessons = {one.id: one for one in found}
    return lessons.get(st.query_params.get(LESSON, "")), lessons, problems


def read_part() -> str:
    """What the link is of beside lessons: `RESULTS`, `SHORTCUTS` or ""."""
    return st.query_params.get(PART, "")


def open_lesson(lesson: Lesson) -> None:
    """Makes the link name a lesson; fit for a callback."""
    course = {COURSE: name} if (name := st.query_params.get(COURSE)) else {}
    st.query_params.from_dict({LESSON: lesson.id, **course})


def open_results(lesson: str = "") -> None:
    """Makes the link name the results, of one lesson if it is named; fit for a callback."""
    st.query_params.from_dict({PART: RESULTS, **({LESSON: lesson} if lesson else {})})


def open_shortcuts() -> None:
    """Makes the link name what the shortcut bench measured; fit for a callback."""
    st.query_params.from_dict({PART: SHORTCUTS})


def open_catalogue() -> None:
    """Makes the link name nothing but the class; fit for a callback."""
    course = {COURSE: name} if (name := st.query_params.get(COURSE)) else {}
    st.query_params.from_dict(course)


def catalogue_link() -> None:
    """The way back from a part of the page."""
    st.button(
        "All lessons",
        key="all-lessons",
        type="tertiary",
        icon=":material/chevron_left:",
        on_click=open_catalogue,
    )


def stay_at(place: int | str) -> None:
    """Makes the link name a place of the lesson, from 1; fit for a callback."""
    st.query_params[AT] = str(place)
