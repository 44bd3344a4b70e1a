"""The film viewer: a panel with a film and heat over it; panels of a group move together."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
import streamlit as st

from xraycore.anatomy.lung_field import LungField
from xraycore.imaging import Radiograph, RadiographInfo
from xraycore.imaging.encode import data_url, encode_png
from xraycore.imaging.overlay import FilmMap, contour_lines, heatmap_layer, to_uint8
from xraycore.imaging.resample import fit_within, fitted

# Sharp on a large screen; a full-size film would make every panel megabytes.
FILM_PIXELS = 1024
# Colours and contours: most maps come from 14 x 14 cells or fewer; the browser smooths them the
# rest of the way.
HEATMAP_PIXELS = 256
# Beyond these a panel is padded with black: a very long film would push all else off the screen.
ASPECT_LIMITS = (0.75, 1.5)

# What can be done with a film on the screen, by mouse, touch and keys.
HELP = "Click a film: then the wheel zooms, drag moves, double click shows all as it was."
HELP_WITH_HEATMAP = HELP + " The space bar, held, hides the heat."
MORE_HELP = (
    "Ctrl and the wheel, or two fingers, zoom without a click. Shift and drag sets the window. "
    "Keys, once a film was clicked: + and − zoom, arrows move, w and then arrows set the window, "
    "m and then Enter measure."
)

# Called with what was clicked on the film, in shares of its width and height: a point (x, y) or a
# box (left, top, right, bottom).
OnClick = Callable[[tuple[float, ...]], None]

# Films whose pixels this run of the page has sent to the browser.
FILMS_SENT = "films-sent"
_HERE = Path(__file__).parent
# What draws one panel and listens to it; what is written after them uses it.
PANEL_SCRIPTS = ("geometry", "tools", "notes", "pointers", "keys", "panel")
PANEL = """<div class="panel">
      <div class="view"><div class="stage" tabindex="0" role="application">
        <div class="layers"><div class="turned"><div class="frame">
          <img class="film" alt=""><img class="heat" alt="">
          <svg viewBox="0 0 1000 1000" preserveAspectRatio="none" aria-hidden="true">
            <path class="contour"/><path class="outline"/><g class="marks"></g>
          </svg>
        </div></div></div>
        <svg class="notes" aria-hidden="true"></svg><div class="cursor" hidden></div>
        <div class="lens" hidden><div class="glass"><img alt=""><img alt=""></div></div>
      </div><div class="badge" aria-live="off" aria-atomic="true"></div></div>
      <div class="toolbar" role="toolbar" aria-label="Film tools" hidden></div>
    </div>"""


def read_scripts(*names: str) -> str:
    """Scripts of this folder as one, which is how the browser gets them."""
    return "\n".join((_HERE / f"{name}.js").read_text() for name in names)


_panel = st.components.v2.component(
    "xraycore_film",
    html=PANEL,
    css=(_HERE / "film_viewer.css").read_text(),
    js=read_scripts(*PANEL_SCRIPTS, "main"),
)


class FilmPicture:
    """A film as the browser gets it; made once for all panels that show it.

    Attributes:
        id: Of the picture; panels of one id show the same.
        subject: sha256 of the film's file, also where the film was changed.
        info: Of the film.
        shape: Height and width that the film has in memory.
    """

    def __init__(self, film: Radiograph, changed: bool = False):
        self.info, self.shape = film.info, film.pixels.shape
        self._pixels = to_uint8(fit_within(film.pixels, FILM_PIXELS))
        self.id = self.subject = film.info.sha256
        if changed:
            # A hash of its own: it is not the file's film any more.
            self.id += "+" + hashlib.sha256(self._pixels).hexdigest()

    @property
    def nbytes(self) -> int:
        """Bytes that it takes, about: its pixels, and the text of `url`, no larger than they."""
        return 2 * self._pixels.nbytes

    @cached_property
    def url(self) -> str:
        """The picture itself."""
        return data_url(encode_png(self._pixels))


@dataclass(frozen=True, eq=False)
class StyledMap:
    """A heatmap and how it is drawn over a film; a change runs no model.

    Attributes:
        heatmap: The map.
        opacity: Cover at full heat, in [0, 1].
        color_map: One of `xraycore.imaging.overlay.COLOR_MAPS`.
        contour: Draw the line at this share of full heat instead of colours; None for colours.
    """

    heatmap: FilmMap
    opacity: float = 0.6
    color_map: str = "inferno"
    contour: float | None = None


def film_panel(
    film: FilmPicture | Radiograph,
    *,
    key: str,
    label: str,
    heatmap: StyledMap | None = None,
    lungs: LungField | None = None,
    marks: Sequence[Sequence[float]] = (),
    click: Literal["point", "box"] | None = None,
    on_click: OnClick | None = None,
    toolbar: bool = False,
    group: str = "films",
) -> None:
    """Draws a film in its own proportions, with heat over it.

    The wheel zooms once a film was clicked, or with Ctrl; else it scrolls the page. Two fingers
    zoom, drag moves (with Ctrl where it draws a box), double click shows all; Shift and drag
    changes the window; the space bar, held, hides the heat; arrows, +, -, 0, w, m, i, f, r and l do
    what the tools do; a box or a point is set by Enter, arrows (with Shift they size it) and Enter
    too. All panels of a group follow; another film begins as it is, and one that is mirrored or
    turned says so.

    Args:
        film: The film; as a picture where it is shown more than once.
        key: Unique on the page.
        label: What is shown, for screen readers.
        heatmap: What is drawn over it, if anything.
        lungs: Outlined where the user asks for it.
        marks: Boxes (left, top, right, bottom) in shares of the film.
        click: What a click or a drag on the film gives instead of moving it.
        on_click: Called with it before the page runs again.
        toolbar: Show the tools on this panel.
        group: Panels with the same group are linked.
    """
    picture = film if isinstance(film, FilmPicture) else FilmPicture(film)
    height, width = picture.shape
    aspect = min(max(width / height, ASPECT_LIMITS[0]), ASPECT_LIMITS[1])

    def told(name: str) -> Callable[[], None]:
        def tell() -> None:
            if on_click and (found := st.session_state[key].get(name)):
                on_click(tuple(found))

        return tell

    drawn = draw_map(picture, heatmap) if heatmap else DrawnMap()
    _panel(
        key=key,
        data={
            "subject": picture.subject,
            "filmId": picture.id,
            "film": _film_once(picture),
            "heat": drawn.picture,
            "contour": drawn.contour,
            "opacity": heatmap.opacity if heatmap else 0.0,
            "lungs": outline(lungs),
            "marks": [list(mark) for mark in marks],
            "click": click,
            "toolbar": toolbar,
            "spacing": spacing(picture.info),
            "aspect": f"{aspect:.4f}",
            "filmAspect": width / height,
            "label": label,
            "group": group,
        },
        on_point_change=told("point"),
        on_box_change=told("box"),
    )


@dataclass(frozen=True)
class DrawnMap:
    """A map as the browser gets it: a picture, or lines; neither where there is no map."""

    picture: str | None = None
    contour: list[list[list[float]]] | None = None


def draw_map(film: FilmPicture, styled: StyledMap) -> DrawnMap:
    """The map over that film."""
    values = styled.heatmap.on(fitted(film.shape, HEATMAP_PIXELS))
    if styled.contour is not None:
        return DrawnMap(contour=_outlines(values, styled.contour))
    return DrawnMap(picture=data_url(encode_png(heatmap_layer(values, styled.color_map))))


def outline(lungs: LungField | None) -> list[list[list[float]]] | None:
    """Around the lungs, in shares of the film."""
    return _outlines(lungs.mask.astype(np.float32), 0.5) if lungs else None


def _outlines(values: np.ndarray, level: float) -> list[list[list[float]]]:
    return [line.round(4).tolist() for line in contour_lines(values, level)]


def spacing(info: RadiographInfo) -> list:
    """Width and height of the film for the ruler, and their unit; whatever is drawn of it."""
    if info.pixel_spacing is None:
        return [info.width, info.height, "px", ""]
    down, across = info.pixel_spacing
    place = "" if info.spacing_on_patient else " on the detector"
    return [info.width * across, info.height * down, "mm", place]


def _film_once(picture: FilmPicture) -> str | None:
    """The film for the first panel of a page that shows it; the browser gives it to the others.

    A film is up to a megabyte, and a page may show it twenty times.
    """
    sent = st.session_state.setdefault(FILMS_SENT, set())
    if picture.id in sent:
        return None
    sent.add(picture.id)
    return picture.url


def size_and_depth(info: RadiographInfo) -> str:
    """`3000 × 2500 px, 12 bit (shown at 1,024 px, 8 bit)`; the latter where it is drawn reduced."""
    drawn = [f"{FILM_PIXELS:,} px"] if max(info.width, info.height) > FILM_PIXELS else []
    drawn += ["8 bit"] if info.bit_depth > 8 else []
    whole = f"{info.width} × {info.height} px, {info.bit_depth} bit"
    return f"{whole} (shown at {', '.join(drawn)})" if drawn else whole
