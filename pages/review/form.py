"""The reader's answer to one heatmap, step by step."""

from collections.abc import Sequence

import streamlit as st

from pages.review.answer import MARK_FIRST, Reading
from pages.review.films import describe
from pages.review.routing import END, stay_at
from pages.review.worklist import find_next
from pages.shared.analysis import Analysis
from pages.shared.layout import plain
from xraycore.errors import WeightsError
from xraycore.imaging.box import Box
from xraycore.models.cards import stored_title
from xraycore.reader_study import Study, WorklistEntry
from xraycore.reader_study.records import DRAFT, GRADES, MAX_COMMENT, VERDICTS
from xraycore.utils.text import percent

_ICONS = {"agree": ":material/check:", "disagree": ":material/close:", "unsure": ":material/help:"}
_GRADES = ("Useless", "Poor", "Fair", "Good", "Expert")
_MEANINGS = (
    "1: hot anywhere but there. 3: the right place, but too large, too small or with false spots. "
    "5: as an expert would draw it."
)
# What to say of heat on a film without a finding.
_NOTHING = "Where you see none: agree if the heat is weak everywhere."
_NOTHING_STRETCHED = (
    "Where you see none: agree if the heat points at no place. How strong it is cannot be seen in "
    "a blinded study: the hottest place of each map has full colour."
)


def show_form(
    reading: Reading,
    study: Study,
    entry: WorklistEntry,
    readable: Sequence[WorklistEntry],
    film: Analysis | None,
) -> None:
    """The steps of a review, and what is stored of it."""
    if text := reading.refused:
        st.warning(plain(text), icon=":material/back_hand:")
    if text := reading.session.problem:
        st.error(
            f"Not stored yet: {plain(text.rstrip('.'))}. It is kept on this page and stored with "
            "the next change.",
            icon=":material/sync_problem:",
        )
    _show_question(study)
    _show_marking(reading, entry)
    _show_heatmap_button(reading, study, entry, film)
    _show_verdicts(reading, study)
    st.text_input(
        "Comment",
        key=reading.comment_key,
        max_chars=MAX_COMMENT,
        live="0.5s",
        on_change=reading.save_comment,
        placeholder="Optional",
    )
    _show_navigation(reading, entry, readable)


def _show_question(study: Study) -> None:
    """What the study asks and what is to be marked, as its organiser put it."""
    text = f"**Question:** {plain(study.question)}  \n" if study.question else ""
    if study.finding:
        text += f"**To mark:** {plain(study.finding)}"
    if text:
        st.info(text, icon=":material/quiz:")


def _show_marking(reading: Reading, entry: WorklistEntry) -> None:
    answer = reading.answer
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("**1 Mark the finding** or", width="content")
        st.button(
            "No finding",
            key="no-finding",
            icon=":material/block:",
            type="primary" if answer.no_finding else "secondary",
            shortcut="N",
            on_click=reading.toggle_no_finding,
            help="There is nothing to mark on this film. Boxes that were drawn go.",
        )
    with st.container(horizontal=True, vertical_alignment="center"):
        for number, box in enumerate(answer.boxes, start=1):
            st.button(
                f"Box {number}, {plain(_describe_place(box))}",
                key=f"remove-{entry.item.id}-{number}",
                icon=":material/delete:",
                on_click=reading.remove,
                args=(box,),
                help="Removes this box.",
            )
        if answer.boxes and entry.review is None:
            st.caption("As you marked this film before; change them if you see it otherwise.")


def _describe_place(box: Box) -> str:
    """Where on the picture a box lies, in words."""
    across, down = (box.left + box.right) / 2, (box.top + box.bottom) / 2
    row = ("upper", "middle", "lower")[min(int(3 * down), 2)]
    return f"{row} {'left' if across < 0.5 else 'right'} of the picture"


def _show_heatmap_button(
    reading: Reading, study: Study, entry: WorklistEntry, film: Analysis | None
) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("**2 Then**", width="content")
        st.button(
            "Hide the heat" if reading.heatmap_shown else "Show the heat",
            key="heat",
            icon=":material/visibility_off:" if reading.heatmap_shown else ":material/visibility:",
            shortcut="H",
            disabled=not (reading.marked or reading.heatmap_shown),
            on_click=reading.toggle_heatmap,
            help="Boxes can still be changed afterwards, and that they were is stored."
            if reading.marked
            else MARK_FIRST,
        )
        st.toggle(
            "Outline only",
            key="outline",
            disabled=not reading.heatmap_shown,
            persist_state="session",
            help="A line at half of full heat instead of colours.",
        )
    if not study.blinded and reading.heatmap_shown and film is not None:
        _show_prediction(entry, film)


def _show_prediction(entry: WorklistEntry, film: Analysis) -> None:
    try:
        prediction = film.prediction(entry.item.model)
    except WeightsError:
        return
    text = f"{stored_title(entry.item.model)} says {prediction.label}, "
    text += f"{percent(prediction.probabilities[prediction.label])}. "
    st.caption(plain(f"{text}{describe(entry.item)}: evidence for {entry.item.target}."))


def _show_verdicts(reading: Reading, study: Study) -> None:
    answer, waiting = reading.answer, not reading.heatmap_seen
    st.markdown(
        "**3 Does it lie where you see the finding?**",
        help=_NOTHING_STRETCHED if study.blinded else _NOTHING,
    )
    for column, verdict in zip(st.columns(3), VERDICTS, strict=True):
        column.button(
            plain(verdict.capitalize()),
            key=f"verdict-{verdict}",
            icon=_ICONS[verdict],
            type="primary" if answer.verdict == verdict else "secondary",
            shortcut=verdict[0].upper(),
            disabled=waiting,
            width="stretch",
            on_click=reading.change,
            kwargs={"verdict": verdict},
        )
    st.markdown("**4 How good is the heatmap?** (grade, 1 to 5)", help=_MEANINGS)
    with st.container(horizontal=True, gap="small"):
        for grade, word in zip(GRADES, _GRADES, strict=True):
            st.button(
                word,
                key=f"grade-{grade}",
                type="primary" if answer.grade == grade else "secondary",
                shortcut=str(grade),
                disabled=waiting,
                on_click=reading.change,
                kwargs={"grade": grade},
            )


def _show_navigation(
    reading: Reading, entry: WorklistEntry, readable: Sequence[WorklistEntry]
) -> None:
    missing = reading.list_missing()
    place = readable.index(entry)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Back",
            key="back",
            icon=":material/chevron_left:",
            shortcut="B",
            disabled=place == 0,
            on_click=lambda: stay_at(readable[place - 1].number),
        )
        st.button(
            "Save and next",
            key="save",
            icon=":material/check:",
            type="primary",
            shortcut="S",
            disabled=bool(missing),
            on_click=_save_and_next,
            args=(reading, entry, readable),
        )
    text = f"Still missing: {', '.join(missing)}." if missing else "Complete."
    if entry.review:
        kind = "Draft" if entry.state == DRAFT else "Review"
        text += f" {kind} stored at {entry.review.saved:%H:%M:%S} UTC."
    st.caption(plain(text))


def _save_and_next(
    reading: Reading, entry: WorklistEntry, readable: Sequence[WorklistEntry]
) -> None:
    if reading.finish():
        following = find_next(readable, entry.number)
        stay_at(following.number if following else END)
