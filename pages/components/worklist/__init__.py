"""The list of open films beside the viewer: thumbnails, answers, warnings; hundreds scroll well."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import streamlit as st

from pages.components import IN_TURN

# Tones that answers are told by, beside their words.
Tone = Literal["opacity", "none", "unsure", "silent", "waiting"]
# Films whose thumbnail the browser has got in this session.
_SENT = "worklist-thumbnails-sent"
_HERE = Path(__file__).parent

_worklist = st.components.v2.component(
    "xraycore_worklist",
    html=(_HERE / "worklist.html").read_text(),
    css=(_HERE / "worklist.css").read_text(),
    js=IN_TURN + (_HERE / "worklist.js").read_text(),
)


@dataclass(frozen=True)
class WorklistRow:
    """One film of the list.

    Attributes:
        id: What addresses call it.
        title: Its name.
        thumbnail: As a data URL.
        answer: What the models answer, in a few words.
        tone: How that is marked.
        apart: How far the models' answers are apart, in bits; None where that is not known.
        warnings: Sentences about the film.
        truth: What is known of it; empty for nothing.
    """

    id: str
    title: str
    thumbnail: str
    answer: str
    tone: Tone
    apart: float | None = None
    warnings: tuple[str, ...] = ()
    truth: str = ""


def show_worklist(
    rows: Sequence[WorklistRow],
    current: str,
    *,
    key: str,
    height: str,
    seconds_left: float | None,
    progress: str = "",
    on_pick: Callable[[str], None],
    on_close: Callable[[str], None],
    on_forget: Callable[[], None],
) -> None:
    """Draws the list; it filters, sorts and finds in the browser.

    Args:
        rows: The films, in the order in which they were opened.
        current: Id of the one that is looked at.
        key: Unique on the page.
        height: In CSS.
        seconds_left: Until all are forgotten; None where they end with the tab.
        progress: What is done meanwhile.
        on_pick: Called with the film that is to be looked at.
        on_close: Called with the film that is to be closed.
        on_forget: Called when all are to be.
    """
    sent = st.session_state.setdefault(_SENT, set())

    def told(name: str, act: Callable[[str], None]) -> Callable[[], None]:
        def tell() -> None:
            if found := st.session_state[key].get(name):
                act(str(found))

        return tell

    def lost() -> None:
        sent.difference_update(st.session_state[key].get("lost") or ())

    _worklist(
        key=key,
        data={
            "rows": [_row_data(row, sent) for row in rows],
            "current": current,
            "height": height,
            "left": seconds_left,
            "progress": progress,
        },
        on_pick_change=told("pick", on_pick),
        on_close_change=told("close", on_close),
        on_forget_change=told("forget", lambda _: on_forget()),
        on_lost_change=lost,
    )


def _row_data(row: WorklistRow, sent: set[str]) -> Mapping[str, Any]:
    picture = None if row.id in sent else row.thumbnail
    sent.add(row.id)
    return {
        "id": row.id,
        "title": row.title,
        "picture": picture,
        "answer": row.answer,
        "tone": row.tone,
        "apart": row.apart,
        "warnings": list(row.warnings),
        "truth": row.truth,
    }
