"""The README and notes of a data set, as the text that they are."""

from collections.abc import Iterable
from pathlib import Path

import streamlit as st

from pages.shared.layout import plain
from xraycore.access.paths import permit_path
from xraycore.datasets.notes import find_notes, read_note
from xraycore.errors import PathError


def show_notes(places: Iterable[Path]) -> None:
    """Below one another, folded; nothing where there are none."""
    texts = {path.name: text for path in find_notes(places) if (text := _read(path))}
    if not texts:
        return
    names = " · ".join(map(plain, texts))
    with st.expander(f"README and notes: {names}", icon=":material/description:"):
        for name, text in texts.items():
            if len(texts) > 1:
                st.markdown(f"**{plain(name)}**")
            # As it stands: what a stranger wrote is no markup of this page.
            st.code(text, language=None, wrap_lines=True, height=320 if len(text) > 900 else None)


def _read(path: Path) -> str:
    """Its text; "" where it may not be named here, wherever a link leads, or cannot be read."""
    try:
        return read_note(permit_path(path.absolute()))
    except (PathError, OSError):
        return ""
