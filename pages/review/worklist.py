"""The worklist of a reader: which heatmap is on the desk, and which is next."""

from collections.abc import Sequence

import streamlit as st

from pages.review.routing import AT, END, stay_at
from xraycore.reader_study import WorklistEntry
from xraycore.reader_study.records import DONE, DRAFT


def choose_entry(readable: Sequence[WorklistEntry]) -> WorklistEntry | None:
    """The entry that the link names; None at the end of the list."""
    wanted = st.query_params.get(AT)
    by_number = {str(entry.number): entry for entry in readable}
    if wanted in by_number:
        return by_number[wanted]
    if wanted == END:
        return None
    return find_next(readable, 0)


def find_next(readable: Sequence[WorklistEntry], after: int) -> WorklistEntry | None:
    """The next that is not judged yet, from the start again after the last; None if all are."""
    open_ones = [entry for entry in readable if entry.state != DONE and entry.number != after]
    later = [entry for entry in open_ones if entry.number > after]
    return next(iter(later or open_ones), None)


def show_progress(entry: WorklistEntry, readable: Sequence[WorklistEntry]) -> None:
    """How far the reader is, and a way to any heatmap."""
    done = sum(one.state == DONE for one in readable)
    place = readable.index(entry) + 1
    to_go = len(readable) - done
    left, right = st.columns([3, 2], vertical_alignment="center")
    left.progress(
        done / len(readable),
        text=f"**Heatmap {place:,} of {len(readable):,}** · {to_go:,} to go",
    )
    marks = {DONE: " ✓", DRAFT: " … begun"}
    st.session_state["go-to"] = entry.number
    right.selectbox(
        "Worklist",
        [one.number for one in readable],
        format_func=lambda number: next(
            f"{index} of {len(readable)}{marks.get(one.state, '')}"
            for index, one in enumerate(readable, start=1)
            if one.number == number
        ),
        key="go-to",
        on_change=lambda: stay_at(st.session_state["go-to"]),
        label_visibility="collapsed",
    )
