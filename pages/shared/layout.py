"""What every page shows: its title and what the app is not for."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import streamlit as st

from pages.components.film_viewer import FILMS_SENT

T = TypeVar("T")

# Of the browser's tab.
ICON = Path(__file__).with_name("icon.svg")


def server_started() -> bool:
    """Whether the app ran before in this server's life, in whichever session."""
    runs = _runs()
    started = bool(runs)
    runs[:] = [True]
    return started


@st.cache_resource(show_spinner=False)
def _runs() -> list[bool]:
    return []


def page_header(title: str, subtitle: str, *, compact: bool = False, about: str = "") -> None:
    """The page's title, what it is for, and the not-for-diagnosis notice.

    Args:
        title: Its name.
        subtitle: What it is for; empty where a person at work needs the height.
        compact: Whether both go into the bar with the pages' names, so that films have the height.
        about: What it is about now, a film as a rule, for the browser's tab.
    """
    name_tab(title, about)
    st.session_state[FILMS_SENT] = set()
    st.session_state[_PAGE] = title
    # Films want the width that Streamlit keeps for margins.
    st.html(f"<style>{_READABLE}{_COMPACT if compact else _WIDE}</style>")
    with st.container(
        horizontal=True, vertical_alignment="center", gap="medium", key="page-header"
    ):
        st.title(title, anchor=False, width="content")
        st.badge(
            "For education and research, not for diagnosis",
            icon=":material/clinical_notes:",
            color="orange",
        )
    if subtitle and not compact:
        st.caption(subtitle)


def name_tab(title: str, about: str = "") -> None:
    """Has the browser's tab, and its history, say which page it is and what it is about."""
    st.set_page_config(page_title=" · ".join(filter(None, (about, title, "xraycore"))))


# State of the session: title of the page that ran last.
_PAGE = "page-title"
# Streamlit's greys, and white on the accent, are fainter than WCAG 2 asks for.
_READABLE = """
.stApp [data-testid=stCaptionContainer],.stApp [data-testid=stCaptionContainer] :is(p,li){
color:#a9b7c2;opacity:1}
.stApp .stMultiSelect span[title],
.stApp button[data-testid=stBaseButton-primary]:not(:disabled) *{color:#0b0e11}
"""
_WIDE = """
.stMainBlockContainer{padding:3.5rem 2.5rem 4rem}
@media(max-width:640px){.stMainBlockContainer{padding:3.5rem 1rem 4rem}}
"""
# The notice lies in the bar where there is room for it; the title is for screen readers.
_COMPACT = """
.stAppHeader{height:2.75rem;min-height:2.75rem}
.stMainBlockContainer{padding:2.75rem .5rem .25rem}
.stMainBlockContainer>.stVerticalBlock{gap:0}
.stElementContainer[data-stale=true]{opacity:1!important;transition:none!important}
.st-key-page-header h1{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
@media(min-width:1200px){
.st-key-page-header{position:fixed;top:.55rem;right:4.5rem;width:auto;z-index:999991}}
"""


def entered(title: str) -> bool:
    """Whether that page is come to by this run, from another or with a new session.

    To be asked before its header is drawn.
    """
    return st.session_state.get(_PAGE) != title


def choose_page(
    items: Sequence[T], size: int, *, key: str, persist_state: str | None = None
) -> tuple[int, Sequence[T]]:
    """The part of a long list that page buttons choose, and how many items come before it."""
    page = 1
    if (pages := -(-len(items) // size)) > 1:
        page = st.pagination(pages, key=key, persist_state=persist_state)
    first = (page - 1) * size
    return first, items[first : first + size]


def ask_path(label: str, key: str, *, placeholder: str, help: str, **more: object) -> str:
    """A field for a path as it is typed, without the quotes that a copied one brings."""
    text = st.text_input(label, key=key, placeholder=placeholder, help=help, **more)
    return text.strip().strip("\"'")


# Streamlit turns these into icons, pictures, arrows and links after escapes were undone: a
# character without width in between keeps them what they are.
_LATER = re.compile(r"(?<=:)(?=[a-z/+-])|(?<=www)(?=\.)|(?=@)|(?<=[-<>])(?=[-<>=])", re.IGNORECASE)
_WORD_JOINER = "\u2060"


def plain_option(text: str) -> str:
    """`plain`, but for names that are what they look like, which stand in links as they are."""
    harmless = re.fullmatch(r"[^\W_][\w ,/%-]*(\.\w[\w ,/%-]*)*", text)
    return text if harmless and not re.search(r"\b_|_\b|--|www", text) else plain(text)


def plain(text: str) -> str:
    """Text as it is, for where Markdown is read: a file may be called `*draft*_[1].png`.

    In one line, without characters that turn others round or cannot be seen.
    """
    shown = "".join(c if c.isprintable() else " " for c in text).strip()
    escaped = _LATER.sub(_WORD_JOINER, shown)
    escaped = re.sub(r"([\\`*_{}\[\]!$~<>|&])", r"\\\1", escaped)
    # What begins a heading, a list or a rule.
    return re.sub(r"^(?:([#+\-=])|(\d+)([.)])(?=\s|$))", r"\2\\\1\3", escaped)
