"""What a class made of the lessons: for the teacher, as a table, a picture and CSV."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from pages.learn.routing import LESSON, catalogue_link
from pages.learn.sitting import open_progress
from pages.shared.access import permitted
from pages.shared.charts import ACCENT, COLOURS, axis, laid_out, share_axis
from pages.shared.tables import show_plain_table
from xraycore.access import Action
from xraycore.config import NOTICE
from xraycore.lessons import Lesson
from xraycore.lessons.results import Standing, results_csv, standing
from xraycore.utils.text import percent, pluralise

_ALL = "All classes"


def show_results(lessons: Mapping[str, Lesson]) -> None:
    """The results of a lesson and class, to whom may see them."""
    catalogue_link()
    if not permitted(Action.LEAD):
        st.warning("The results of a class are for who leads studies.", icon=":material/block:")
        return
    if not lessons:
        st.info("There is no lesson.")
        return
    left, right, _ = st.columns([3, 2, 3], gap="medium")
    wanted = st.query_params.get(LESSON, "")
    names = list(lessons)
    chosen = left.selectbox(
        "Lesson",
        names,
        index=names.index(wanted) if wanted in names else 0,
        format_func=lambda name: lessons[name].title,
        key="results-lesson",
    )
    lesson = lessons[chosen]
    everything = open_progress().results(chosen)
    courses = sorted({attempt.course for attempt, _ in everything if attempt.course})
    course = right.selectbox("Class", [_ALL, *courses], key="results-class")
    found = [one for one in everything if course in (_ALL, one[0].course)]
    if not found:
        st.info("Nobody has taken this lesson yet.", icon=":material/hourglass_empty:")
        return
    st.download_button(
        f"Export {pluralise(len(found), 'attempt')} (CSV)",
        results_csv(lessons, found),
        file_name=f"lesson-{chosen}-{datetime.now(UTC):%Y%m%d}.csv",
        mime="text/csv",
        key="export",
        icon=":material/download:",
        on_click="ignore",
        help="A row an answer: lesson, class, student, what was said, what is true, points, "
        "seconds, time. " + NOTICE,
    )
    current = [
        standing(lesson, attempt, answers)
        for attempt, answers in found
        if attempt.sha256 == lesson.sha256
    ]
    if old := len(found) - len(current):
        st.caption(
            f"{pluralise(old, 'attempt')} at an earlier version of this lesson: in the export only."
        )
    if current:
        _show_picture(lesson, current)
        _show_table(current)
        _show_steps(lesson, found)


def _show_picture(lesson: Lesson, found: Sequence[Standing]) -> None:
    """Points of each attempt, and beside them how sure the student was."""
    shown = sorted(found, key=lambda one: (one.points or 0.0, -one.attempt.id))
    names = [f"{one.attempt.student.name} · {one.attempt.id}" for one in shown]
    figure = go.Figure()
    figure.add_bar(
        x=[one.points or 0.0 for one in shown],
        y=names,
        orientation="h",
        name="Points",
        marker={"color": ACCENT},
        hovertemplate="%{y}: %{x:.0%} of the points<extra></extra>",
    )
    known = [(name, one.sureness) for name, one in zip(names, shown, strict=True) if one.sureness]
    figure.add_scatter(
        x=[sure.sure for _, sure in known],
        y=[name for name, _ in known],
        mode="markers",
        name="How sure, on average",
        marker={"color": COLOURS[1], "size": 10, "symbol": "diamond"},
        hovertemplate="%{y}: %{x:.0%} sure<extra></extra>",
    )
    y = axis(
        "", type="category", ticktext=[one.attempt.student.name for one in shown], tickvals=names
    )
    figure = laid_out(
        figure, 120 + 28 * len(shown), share_axis("Share"), y, f"{lesson.title}: points by attempt"
    )
    # The button that saves the picture lies at the right.
    legend = {"orientation": "h", "x": 0.92, "xanchor": "right", "y": 1.02, "yanchor": "bottom"}
    figure.update_layout(showlegend=True, legend=legend)
    buttons = [["toImage"]]
    st.plotly_chart(
        figure,
        key="class-picture",
        config={
            "displayModeBar": True,
            "displaylogo": False,
            "modeBarButtons": buttons,
            "toImageButtonOptions": {"filename": f"lesson-{lesson.id}", "scale": 2},
        },
        alt=f"Points of {pluralise(len(shown), 'attempt')} at {lesson.title}",
    )
    st.caption("The camera at the upper right saves it as a picture.")


def _show_table(found: Sequence[Standing]) -> None:
    rows = [
        {
            "Student": one.attempt.student.name,
            "Class": one.attempt.course or "–",
            "Begun": f"{one.attempt.begun:%Y-%m-%d %H:%M}",
            "Answered": f"{one.answered} of {one.asked}",
            "Points": "–" if one.points is None else percent(one.points),
            "Beat a network": str(one.beaten),
            "Sure / right": f"{percent(one.sureness.sure)} / {percent(one.sureness.right)}"
            if one.sureness
            else "–",
            "Minutes": f"{one.seconds / 60:.1f}",
        }
        for one in found
    ]
    show_plain_table(pd.DataFrame(rows).set_index("Student"))


def _show_steps(lesson: Lesson, found: Sequence) -> None:
    """Which questions were hard."""
    rows = []
    for number in lesson.asked:
        given = [
            answers[number].points
            for attempt, answers in found
            if attempt.sha256 == lesson.sha256 and number in answers
        ]
        rows.append(
            {
                "Question": lesson.steps[number].title,
                "Answers": str(len(given)),
                "Mean points": percent(sum(given) / len(given)) if given else "–",
            }
        )
    st.markdown("**By question**")
    show_plain_table(pd.DataFrame(rows).set_index("Question"))
