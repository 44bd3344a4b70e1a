"""The end of a lesson: the score, where the student beat the networks, and how well he knew."""

import pandas as pd
import streamlit as st

from pages.learn.routing import open_catalogue, stay_at
from pages.learn.sitting import PROBLEM, Sitting, begin_again
from pages.learn.texts import draw_text
from pages.shared.layout import plain
from pages.shared.tables import show_plain_table
from xraycore.lessons.scoring import (
    Sureness,
    beaten,
    measure_sureness,
    network_bets,
    share_of_points,
    student_bets,
)
from xraycore.models.cards import stored_title
from xraycore.utils.text import join_names, percent, pluralise


def show_conclusion(sitting: Sitting) -> None:
    """What came of it, and what is to be remembered."""
    lesson, answers = sitting.lesson, sitting.answers
    open_ones = len(lesson.asked) - len(answers)
    if sitting.over:
        st.warning("The time is over: what was not answered counts for nothing.")
    elif open_ones:
        st.info(f"{pluralise(open_ones, 'question')} not answered yet.", icon=":material/pending:")
        st.button("Go on", key="go-on", type="primary", on_click=_go_on, args=(sitting,))
    score = share_of_points(list(answers.values()), len(lesson.asked))
    if score is not None:
        points = sum(one.points for one in answers.values())
        st.metric(
            "Your score",
            f"{points:g} of {len(lesson.asked)}",
            delta=percent(score),
            delta_color="off",
            delta_arrow="off",
        )
    _show_beaten(sitting)
    _show_sureness(sitting)
    draw_text(lesson.conclusion)
    if sitting.attempt:
        st.caption(f"Kept as those of {plain(sitting.attempt.student.name)}.")
    else:
        st.caption("Nothing of this is kept: it goes with this page.")
    if problem := st.session_state.pop(PROBLEM, None):
        st.error(plain(problem))
    with st.container(horizontal=True):
        st.button(
            "Look through my answers",
            key="look-back",
            icon=":material/chevron_left:",
            on_click=stay_at,
            args=(1,),
        )
        st.button(
            "Begin again",
            key="again",
            icon=":material/replay:",
            on_click=begin_again,
            args=(lesson,),
        )
        st.button("All lessons", key="all-lessons", type="tertiary", on_click=open_catalogue)


def _go_on(sitting: Sitting) -> None:
    if place := sitting.next_open():
        stay_at(place)


def _show_beaten(sitting: Sitting) -> None:
    found = beaten(sitting.answers)
    reads = {
        step: one
        for step, one in sitting.answers.items()
        if sitting.lesson.steps[step].kind == "read" and one.outcome.get("networks")
    }
    if not reads:
        return
    st.markdown("**You beside the networks**")
    rows = []
    for place, step in enumerate(sitting.order, start=1):
        if one := reads.get(step):
            rows.append(
                {
                    "Step": str(place),
                    "You": _mark(one.outcome["right"]),
                    **{
                        stored_title(name): _mark(told["right"])
                        for name, told in one.outcome["networks"].items()
                    },
                }
            )
    show_plain_table(pd.DataFrame(rows).fillna("–").set_index("Step"))
    won = [step for step in reads if step in found]
    if won:
        names = sorted({stored_title(name) for step in won for name in found[step]})
        st.success(
            f"On {pluralise(len(won), 'film')} you were right and {plain(join_names(names))} "
            f"{'was' if len(names) == 1 else 'were'} not, on one of them at least.",
            icon=":material/emoji_events:",
        )


def _show_sureness(sitting: Sitting) -> None:
    answers = list(sitting.answers.values())
    mine = measure_sureness(student_bets(answers))
    if mine is None:
        return
    rows = [_row("You", mine)]
    for name, bets in network_bets(answers).items():
        if told := measure_sureness(bets):
            rows.append(_row(stored_title(name), told))
    st.markdown("**How sure, and how often rightly** (calibration)")
    show_plain_table(pd.DataFrame(rows).set_index("Who"))
    st.caption(
        "Brier score: the mean squared distance between how sure one was and what came true; 0 is "
        "best, 0.25 what guessing at 50 % gets. Few answers tell little."
    )


def _row(who: str, one: Sureness) -> dict[str, str]:
    return {
        "Who": who,
        "Answers": str(one.answers),
        "Sure, on average": percent(one.sure),
        "Right": percent(one.right),
        "Brier score": f"{one.brier:.2f}",
        "": one.reading,
    }


def _mark(right: bool) -> str:
    return "right" if right else "wrong"
