"""A question with several answers."""

import streamlit as st

from pages.learn.desk import Desk, answer_button
from pages.learn.read_step import show_verdict
from pages.shared.layout import plain


def ask(desk: Desk) -> None:
    """The question's answers, beside a film where there is one."""
    with _beside_film(desk):
        options = desk.step.options
        said = st.radio(
            "Your answer",
            range(len(options)),
            index=None,
            format_func=lambda number: plain(options[number]),
            key=desk.key("said"),
        )
        if answer_button(desk, ready=said is not None):
            right = said + 1 == desk.step.answer
            desk.sitting.answer(desk.number, {"option": said + 1}, {"right": right}, float(right))
            st.rerun()


def tell(desk: Desk) -> None:
    """The right answer, and the student's."""
    with _beside_film(desk):
        show_verdict(desk.answer.outcome["right"])
        options, right = desk.step.options, desk.step.answer
        st.markdown(f"The answer: **{plain(options[right - 1])}**.")
        if (said := desk.answer.response["option"]) != right:
            st.markdown(f"You said: {plain(options[said - 1])}.")


def _beside_film(desk: Desk):
    """Where to write, once the film is drawn."""
    if desk.step.film is None:
        return st.container()
    left, right = st.columns([6, 5], gap="medium")
    with left:
        desk.show_film("film", "The film of this question", toolbar=True)
    return right
