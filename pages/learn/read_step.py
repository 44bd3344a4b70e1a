"""The student reads a film; then truth, networks and heat."""

import contextlib

import streamlit as st

from pages.learn.desk import Desk, NetworkAnswer, answer_button, ask_sure, say_network
from pages.shared.layout import plain
from xraycore.errors import ArgumentError, WeightsError
from xraycore.lessons.scoring import on_place, score_reading
from xraycore.models.cards import list_trained, stored_title
from xraycore.retrieval.similar import find_similar

FINDING, NORMAL = "There is a finding", "It is normal"


def ask(desk: Desk) -> None:
    """The film to be marked, and the form."""
    models = _models(desk)
    # The networks look while the student does.
    desk.analysis.prefetch(models)
    state = desk.key("box")
    box = st.session_state.get(state)
    left, right = st.columns([6, 5], gap="medium")
    with left:
        desk.show_film(
            "film",
            "Film to read; drag a box around what you find",
            marks=[box] if box else (),
            click="box",
            on_click=lambda corners: st.session_state.__setitem__(state, list(corners)),
            toolbar=True,
        )
    with right:
        st.markdown("**1 Drag a box around the finding**, if you see one.")
        if box:
            st.button(
                "Remove the box",
                key=desk.key("remove"),
                icon=":material/delete:",
                on_click=st.session_state.pop,
                args=(state, None),
            )
        st.markdown("**2 Say what it is**")
        said = st.segmented_control(
            "What do you see?",
            [NORMAL, FINDING],
            default=FINDING if box else None,
            key=desk.key(f"said-{bool(box)}"),
        )
        sure = ask_sure(desk)
        if answer_button(desk, ready=said is not None):
            with st.spinner("The networks are looking at it too …"):
                _keep(desk, said == FINDING, sure, box, models)
            st.rerun()


def tell(desk: Desk) -> None:
    """What is true, what the networks say, and where they look."""
    answer, film = desk.answer, desk.film
    box = answer.response.get("box")
    left, right = st.columns([6, 5], gap="medium")
    with right:
        show_verdict(answer.outcome["right"])
        truth = "there is a finding" if film.finding else "there is none"
        st.markdown(f"The truth: **{truth}**.")
        if film.finding and film.place is not None:
            hit = on_place(box, film.place)
            st.markdown(
                "The middle of your box lies on it."
                if hit
                else ("Your box lies elsewhere." if box else "You marked no place.")
            )
        st.markdown("**What the networks say**")
        for name, told in answer.outcome["networks"].items():
            one = NetworkAnswer(name, told["finding"], told["probability"], told["right"])
            st.markdown(f"- {say_network(one)}: {'right' if one.right else '**wrong**'}.")
        st.caption(
            "Each at its own operating point. On Compare a network may say that it cannot tell."
            if answer.outcome["networks"]
            else "No network is trained here."
        )
    with left:
        st.caption(
            "Outlined: where it is. Your box is drawn too." if film.place is not None else ""
        )
        desk.show_film("truth", "The film with the truth", place=True, marks=[box] if box else ())
        if answer.outcome["networks"]:
            _show_heatmap(desk, list(answer.outcome["networks"]), box)


def show_verdict(right: bool) -> None:
    """Whether the student was right."""
    if right:
        st.success("You are right.", icon=":material/task_alt:")
    else:
        st.warning("Not so.", icon=":material/close:")


def _show_heatmap(desk: Desk, models: list[str], box: list[float] | None) -> None:
    model = st.segmented_control(
        "Heat of",
        models,
        default=desk.model if desk.model in models else models[0],
        required=True,
        format_func=lambda name: plain(stored_title(name)),
        key=desk.key("heat-of"),
    )
    heatmap = desk.heatmap(model or models[0])
    desk.show_film(
        "heat",
        f"Heat of {stored_title(model or models[0])} on the film",
        heatmap=heatmap,
        marks=[box] if box else (),
    )
    if not heatmap.significant:
        st.caption("Nothing is coloured: this network finds nothing that speaks for a finding.")
    _show_similar(desk, model or models[0])


def _show_similar(desk: Desk, model: str) -> None:
    """Which films that a network learnt from are like this one; nothing where it has no index."""
    prediction = desk.analysis.prediction(model)
    # Without an index of these very weights there is nothing to be told.
    with contextlib.suppress(WeightsError, ArgumentError):
        found = find_similar(prediction, sha256=desk.analysis.radiograph().info.sha256)
        st.caption(plain(f"{found.reading} {found.caution}"))


def _models(desk: Desk) -> list[str]:
    trained = list_trained()
    return desk.step.models or trained


def _keep(
    desk: Desk, finding: bool, sure: float, box: list[float] | None, models: list[str]
) -> None:
    film, answers = desk.film, []
    for model in models:
        try:
            answers.append(desk.ask_network(model))
        except WeightsError as error:
            st.toast(plain(str(error)))
    found = {
        "finding": film.finding,
        "right": finding == film.finding,
        "networks": {one.model: one.to_json() for one in answers},
    }
    points = score_reading(finding, film.finding, box, film.place)
    desk.sitting.answer(desk.number, {"finding": finding, "sure": sure, "box": box}, found, points)
