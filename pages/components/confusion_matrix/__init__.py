"""A confusion matrix whose cells can be opened."""

from collections.abc import Callable, Sequence
from pathlib import Path

import streamlit as st

_HERE = Path(__file__).parent
_matrix = st.components.v2.component(
    "xraycore_confusion",
    html="<table></table>",
    css=(_HERE / "confusion_matrix.css").read_text(),
    js=(_HERE / "confusion_matrix.js").read_text(),
)


def confusion_matrix(
    counts: Sequence[Sequence[int]],
    classes: Sequence[str],
    *,
    key: str,
    label: str,
    selected: tuple[int, int] | None,
    on_open: Callable[[int, int], None],
) -> None:
    """Draws the matrix, rows the truth; percentages are shares of the row.

    Args:
        counts: Films, (k, k).
        classes: Their k names.
        key: Unique on the page.
        label: What is shown, for screen readers.
        selected: Row and column of the cell that is open.
        on_open: Called with row and column of a cell that is clicked.
    """

    def opened() -> None:
        if chosen := st.session_state[key].get("cell"):
            on_open(*map(int, chosen))

    _matrix(
        key=key,
        data={
            "classes": list(classes),
            "counts": [list(row) for row in counts],
            "label": label,
            "selected": selected,
        },
        on_cell_change=opened,
    )
