"""What every page shows: its title and what the app is not for."""

import re
from collections.abc import Sequence
from typing import TypeVar

import streamlit as st

from pages.components.film_viewer import FILMS_SENT

T = TypeVar("T")


def server_started() -> bool:
    """Whether the app ran before in this server's life, in whichever session."""
    runs = _runs()
    started = bool(runs)
    runs[:] = [True]
    return started


@st.cache_resource(show_spinner=False)
def _runs() -> list[bool]:
    return []


def page_header(title: str, subtitle: str) -> None:
    """The page's title, what it is for, and the not-for-diagnosis notice.

    Args:
        title: Its name.
        subtitle: What it is for; empty where a person at work needs the height.
    """
    st.session_state[FILMS_SENT] = set()
    # Films want the width that Streamlit keeps for margins.
    st.html("<style>.stMainBlockContainer{padding:3.5rem 2.5rem 4rem}</style>")
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.title(title, anchor=False, width="content")
        st.badge(
            "For education and research, not for diagnosis",
            icon=":material/clinical_notes:",
            color="orange",
        )
    if subtitle:
        st.caption(subtitle)


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


def plain(text: str) -> str:
    """Text as it is, for where Markdown is read: a file may be called `*draft*_[1].png`."""
    return re.sub(r"([\\`*_{}\[\]()#+\-.!$~:<>|])", r"\\\1", text)
