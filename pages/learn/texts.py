"""How a lesson's texts are drawn: as they are, but for paragraphs, lists and what is bold."""

import re

import streamlit as st

from pages.shared.layout import plain

_BOLD = re.compile(r"\\\*\\\*(.+?)\\\*\\\*")
_ITEM = re.compile(r"(\s*)([-*]|\d+[.)])\s+(.*)")


def lesson_text(text: str) -> str:
    """Markdown of a lesson's text, in which a teacher may write **bold**, lists and paragraphs.

    All else is shown as it stands there: no picture is fetched, and no link leads away.
    """
    return "\n".join(map(_line, text.strip().splitlines()))


def draw_text(text: str) -> None:
    """Draws a lesson's text, if there is any."""
    if text.strip():
        st.markdown(lesson_text(text))


def _line(line: str) -> str:
    item = _ITEM.fullmatch(line)
    start, body = (f"{item[1]}{item[2]} ", item[3]) if item else ("", line)
    return start + _BOLD.sub(r"**\1**", plain(body))
