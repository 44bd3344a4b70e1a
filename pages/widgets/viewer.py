"""The film viewer: a panel with a film and heat over it; panels of a group move together."""

import base64
from pathlib import Path

import cv2
import numpy as np
import streamlit as st

from xraycore.imaging import Radiograph
from xraycore.imaging.overlay import FilmMap, colorize, to_uint8
from xraycore.imaging.resample import resize

# Sharp on a large screen; a full-size film would make every panel megabytes.
FILM_PIXELS = 1024
# The maps come from 14 x 14 cells or fewer; the browser smooths them the rest of the way.
HEAT_PIXELS = 256
# Beyond these a panel is padded with black: a very long film would push all else off the screen.
ASPECT_LIMITS = (0.75, 1.5)

_HERE = Path(__file__).parent
_panel = st.components.v2.component(
    "xraycore_film",
    html="""
    <div class="panel">
      <div class="stage" tabindex="0" role="img">
        <div class="layers"><img class="film"><img class="heat" alt=""></div>
        <div class="cursor" hidden></div>
      </div>
    </div>""",
    css=(_HERE / "viewer.css").read_text(),
    js=(_HERE / "viewer.js").read_text(),
)


def film_panel(
    xray: Radiograph,
    *,
    key: str,
    label: str,
    heat: FilmMap | None = None,
    opacity: float = 0.0,
    color_map: str = "inferno",
    group: str = "films",
    square: bool = False,
) -> None:
    """Draws a film in its own proportions, with heat over it.

    Wheel zooms, drag moves, double click shows all; the space bar, held, hides the heat; arrows,
    +, - and 0 do the same from the keyboard. All panels of a group follow.

    Args:
        xray: The film.
        key: Unique on the page.
        label: What is shown, for screen readers.
        heat: Drawn over the film where given.
        opacity: Cover at full heat, in [0, 1].
        color_map: One of `xraycore.imaging.overlay.COLOR_MAPS`.
        group: Panels with the same group are linked.
        square: Pad the panel to a square, so that films of all shapes line up.
    """
    height, width = xray.pixels.shape
    aspect = 1.0 if square else min(max(width / height, ASPECT_LIMITS[0]), ASPECT_LIMITS[1])
    _panel(
        key=key,
        data={
            "film": _film_url(xray.info.sha256, xray),
            "heat": None if heat is None else _heat_url(xray, heat, color_map),
            "opacity": opacity,
            "aspect": f"{aspect:.4f}",
            "label": label,
            "group": group,
        },
    )


@st.cache_data(max_entries=64, show_spinner=False)
def _film_url(sha256: str, _xray: Radiograph) -> str:
    return _url(to_uint8(resize(_xray.pixels, _within(_xray.pixels.shape, FILM_PIXELS))))


def _heat_url(xray: Radiograph, heat: FilmMap, color_map: str) -> str:
    height, width = _within(xray.pixels.shape, HEAT_PIXELS)
    values = heat.on(Radiograph(np.zeros((height, width), np.float32), xray.info))
    colours = cv2.cvtColor(colorize(values, color_map), cv2.COLOR_RGB2BGR)
    return _url(np.dstack([colours, to_uint8(values)]))


def _within(shape: tuple[int, int], longest: int) -> tuple[int, int]:
    factor = min(1.0, longest / max(shape))
    return max(1, round(shape[0] * factor)), max(1, round(shape[1] * factor))


def _url(picture: np.ndarray) -> str:
    encoded, data = cv2.imencode(".png", picture)
    if not encoded:
        raise RuntimeError("OpenCV could not encode a picture as PNG.")
    return "data:image/png;base64," + base64.b64encode(data).decode()
