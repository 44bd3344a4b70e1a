"""Two maps, one of them of random weights: which is which, and does the method notice?"""

from hashlib import sha256

import streamlit as st

from pages.learn.desk import Desk, answer_button, finding_of
from pages.learn.read_step import show_verdict
from pages.shared.inference import run
from pages.shared.inference_worker import Network
from pages.shared.layout import plain
from xraycore.attribution.metrics.randomisation import Cascade, cascades, stored_verdict
from xraycore.attribution.registry import METHODS, get_method
from xraycore.models.cards import list_trained, stored_title

FIRST, SECOND, NEITHER = "The left one", "The right one", "I cannot tell"


def ask(desk: Desk) -> None:
    """Both maps, in an order that tells nothing."""
    found = _cascade(desk)
    _show(desk, found)
    said = st.segmented_control(
        "Which map is the trained network's?", [FIRST, SECOND, NEITHER], key=desk.key("said")
    )
    if answer_button(desk, ready=said is not None):
        right = said == (FIRST if _trained_first(desk) else SECOND)
        alike = float(found.rank_correlations[-1])
        desk.sitting.answer(
            desk.number,
            {"map": {FIRST: "left", SECOND: "right"}.get(said, "neither")},
            {"right": right, "rank_correlation": round(alike, 4)},
            float(right),
        )
        st.rerun()


def tell(desk: Desk) -> None:
    """Which it was, how alike they are, and which methods notice in general."""
    found, first = _cascade(desk), _trained_first(desk)
    show_verdict(desk.answer.outcome["right"])
    st.markdown(f"The trained network's map is the **{'left' if first else 'right'}** one.")
    _show(desk, found)
    st.info(plain(found.reading), icon=":material/casino:")
    rows = [
        f"- **{METHODS[name].title}**: {_say(verdict)}"
        for name in METHODS
        if (verdict := _verdict(name)) is not None
    ]
    if rows:
        with st.expander("Which methods notice that a network has forgotten what it learnt?"):
            st.markdown("\n".join(rows))
            st.caption("Measured by xraycore randomise, on the networks that came with it.")


def _verdict(method: str) -> tuple[int, int] | None:
    """Of how many networks the method notices, and how many were measured."""
    said = [stored_verdict(method, model) for model in list_trained()]
    known = [one for one in said if one is not None]
    return (sum(known), len(known)) if known else None


def _say(verdict: tuple[int, int]) -> str:
    passed, of = verdict
    return f"notices it in {passed:d} of {of:d} networks"


def _cascade(desk: Desk) -> Cascade:
    model, method = desk.model, get_method(desk.step.method).name
    network = Network.of(model)
    prediction = desk.analysis.prediction(model)
    target = finding_of(prediction, method)
    key = ("lesson-noise", model, network.card_sha256, method, target)

    def make() -> Cascade:
        return run(cascades, network, [prediction], [method], target, groups=2)[method][0]

    with st.spinner(f"A copy of {plain(stored_title(model))} forgets what it learnt …"):
        return desk.analysis.once(key, make)


def _trained_first(desk: Desk) -> bool:
    """By lesson and step: the same for all students, and nothing to be guessed."""
    lesson = desk.sitting.lesson
    return sha256(f"{lesson.sha256}/{desk.number}".encode()).digest()[0] % 2 == 0


def _show(desk: Desk, found: Cascade) -> None:
    maps = [found.heatmaps[0], found.heatmaps[-1]]
    if not _trained_first(desk):
        maps.reverse()
    for number, (column, heatmap) in enumerate(zip(st.columns(2), maps, strict=True)):
        with column:
            side = "left" if number == 0 else "right"
            desk.show_film(f"map-{side}", f"The {side} map", heatmap=heatmap.stretched())
    title = METHODS[get_method(desk.step.method).name].title
    st.caption(f"{title}; both maps with their own maximum as full heat.")
