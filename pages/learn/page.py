import streamlit as st

from pages.shared.access import enter
from pages.shared.faults import errors_as_messages
from pages.shared.layout import page_header
from xraycore.access import Action


def main() -> None:
    """The lesson of the link, a class's results, the shortcut bench, or all lessons."""
    # SQLAlchemy, and for some steps scikit-learn, take a moment: the title is there before them.
    with st.spinner("Opening the lessons …"):
        from pages.learn.routing import RESULTS, SHORTCUTS, read_link, read_part

        lesson, lessons, problems = read_link()
        if read_part() == RESULTS:
            from pages.learn.results import show_results
        elif read_part() == SHORTCUTS:
            from pages.learn.shortcuts import show_shortcuts
        elif lesson is None:
            from pages.learn.catalogue import show_catalogue
        else:
            from pages.learn.lesson import show_lesson
    if read_part() == RESULTS:
        show_results(lessons)
    elif read_part() == SHORTCUTS:
        show_shortcuts()
    elif lesson is None:
        show_catalogue(lessons, problems)
    else:
        show_lesson(lesson)


enter(Action.LOOK)
purpose = "Lessons in which you act first and see the truth after."
page_header("Learn", "" if "lesson" in st.query_params else purpose)
with errors_as_messages():
    main()
