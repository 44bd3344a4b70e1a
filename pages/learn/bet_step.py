"""The student bets whether a network is right, and is told."""

import streamlit as st

from pages.learn.desk import Desk, answer_button, ask_sure, say_network
from pages.learn.read_step import show_verdict
from pages.shared.layout import plain
from xraycore.models.cards import stored_title

RIGHT, WRONG = "It is right", "It is wrong"


def ask(desk: Desk) -> None:
    """The film, what the network says of it, its heat where the step shows it, and the bet."""
    left, right = st.columns([6, 5], gap="medium")
    with st.spinner("The network is looking at the film …"):
        one = desk.ask_network(desk.model)
    with left:
        _show(desk, heat=desk.step.heat == "before")
    with right:
        st.markdown(f"{say_network(one)}.")
        said = st.segmented_control("Your bet", [RIGHT, WRONG], key=desk.key("said"))
        sure = ask_sure(desk)
        if answer_button(desk, "Bet", ready=said is not None):
            bet = said == RIGHT
            found = {
                "finding": desk.film.finding,
                "right": bet == one.right,
                "networks": {one.model: one.to_json()},
            }
            desk.sitting.answer(
                desk.number, {"trusts": bet, "sure": sure}, found, float(bet == one.right)
            )
            st.rerun()


def tell(desk: Desk) -> None:
    """The truth, with the heat."""
    left, right = st.columns([6, 5], gap="medium")
    one = desk.ask_network(desk.model)
    with right:
        show_verdict(desk.answer.outcome["right"])
        truth = "there is a finding" if desk.film.finding else "there is none"
        st.markdown(f"The truth: **{truth}**.")
        st.markdown(f"{say_network(one)}, which is {'right' if one.right else '**wrong**'}.")
    with left:
        _show(desk, heat=True)
        if desk.film.place is not None:
            st.caption("Outlined: where the finding is.")
            desk.show_film("place", "The film with the truth", place=True)


def _show(desk: Desk, *, heat: bool) -> None:
    if not heat:
        desk.show_film("film", "The film", toolbar=True)
        return
    heatmap = desk.heatmap(desk.model)
    desk.show_film(
        "film",
        f"The film with the heat of {stored_title(desk.model)}",
        heatmap=heatmap,
        toolbar=True,
    )
    st.caption(f"Heat of {plain(stored_title(desk.model))}: what speaks against Normal.")
