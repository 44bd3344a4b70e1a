"""Many films side by side, each with its caption; a click opens one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import streamlit as st

from xraycore.imaging.encode import data_url, encode_jpeg

_HERE = Path(__file__).parent
_grid = st.components.v2.component(
    "xraycore_film_grid",
    html='<div class="grid"></div>',
    css=(_HERE / "film_grid.css").read_text(),
    js=(_HERE / "film_grid.js").read_text(),
)


@dataclass(frozen=True, eq=False)
class Tile:
    """One film of a grid.

    Attributes:
        picture: uint8, grey (H, W) or RGB (H, W, 3).
        title: First line below it.
        details: Further lines.
        aspect: Width / height to show it with; None for the picture's own.
        id: What a click gives.
    """

    picture: np.ndarray
    title: str
    details: tuple[str, ...] = ()
    aspect: float | None = None
    id: str = ""


def film_grid(
    tiles: Sequence[Tile],
    *,
    key: str,
    tile: int = 128,
    fixed: bool = False,
    on_open: Callable[[str], None] | None = None,
) -> None:
    """Draws films in rows.

    Args:
        tiles: The films.
        key: Unique on the page.
        tile: Least width of a film in CSS pixels.
        fixed: That width is also the largest, so that grids below one another line up.
        on_open: Called with a film's id when it is clicked.
    """

    def opened() -> None:
        if on_open and (chosen := st.session_state[key].get("opened")):
            on_open(chosen)

    _grid(
        key=key,
        data={
            "tiles": [
                {
                    "src": data_url(encode_jpeg(tile.picture)),
                    "title": tile.title,
                    "details": list(tile.details),
                    "aspect": tile.aspect or tile.picture.shape[1] / tile.picture.shape[0],
                    "id": tile.id,
                }
                for tile in tiles
            ],
            "tile": tile,
            "fixed": fixed,
            "clickable": on_open is not None,
        },
        on_opened_change=opened,
    )
