"""How heat is drawn over films: the controls that the pages with heat share."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
import streamlit as st

from pages.components.film_viewer import StyledMap
from pages.shared.layout import plain
from xraycore.attribution.heatmap import Heatmap
from xraycore.attribution.registry import METHODS
from xraycore.imaging.overlay import COLOR_MAPS, colorize
from xraycore.utils.text import percent

HEAT, CONTOUR, PLAIN = "Heat", "Contour", "Plain film"


@dataclass(frozen=True)
class HeatmapStyle:
    """How heat is drawn; a change runs no model."""

    shown: str
    opacity: float
    color_map: str
    contour: float
    stretched: bool

    def apply(self, heatmap: Heatmap) -> StyledMap | None:
        """A map as it is to be drawn; None for the plain film."""
        if self.shown == PLAIN:
            return None
        return StyledMap(heatmap.stretched() if self.stretched else heatmap, **self.arguments)

    @property
    def arguments(self) -> dict[str, float | str | None]:
        """The same for a picture that is kept: arguments of `xraycore.imaging.overlay.overlay`."""
        contour = self.contour if self.shown == CONTOUR else None
        return {"opacity": self.opacity, "color_map": self.color_map, "contour": contour}

    def scale_note(self, heatmap: Heatmap) -> str:
        """What must be said of a map without colour or line, or with no scale but its own."""
        drawn = heatmap.stretched() if self.stretched else heatmap
        if heatmap.values.any() and not drawn.significant:
            return " Nothing is coloured: over 1 normal film in 20 has as much somewhere."
        most = float(heatmap.values.max(initial=0)) / (drawn.scale or 1.0)
        if self.shown == CONTOUR and drawn.scale and 0 < most < self.contour:
            return (
                f" No line: the strongest place reaches {percent(most)} of full heat, the line is "
                f"at {percent(self.contour)}."
            )
        own = heatmap.scale is None and not self.stretched
        return " Full colour is this map's own maximum." if own else ""


def color_strip(color_map: str, full: str) -> None:
    """The colours of heat from none to full.

    Args:
        color_map: One of `COLOR_MAPS`.
        full: What full heat stands for, in two or three words.
    """
    stops = colorize(np.linspace(0, 1, 9)[None], color_map)[0]
    colours = ", ".join(f"rgb({red:d} {green:d} {blue:d})" for red, green, blue in stops)
    st.html(
        '<div role="img" aria-label="Colours of heat" style="height: 8px; border-radius: 4px; '
        f'background: linear-gradient(90deg, {colours})"></div>'
        '<div style="display: flex; justify-content: space-between; font-size: 0.8rem; '
        f'opacity: 0.75; margin-top: 2px"><span>no heat</span><span>{escape(full)}</span></div>'
    )


def choose_class(own_answer: str, classes: Sequence[str], what: str) -> str | None:
    """The class that is explained, chosen where it is called; None for a model's own answer.

    Args:
        own_answer: What that is called.
        classes: Those that can be chosen.
        what: What the choice means.
    """
    chosen = st.selectbox(
        "Explain the class",
        [own_answer, *classes],
        key="target",
        bind="query-params",
        help=plain(what),
    )
    return None if chosen == own_answer else chosen


def choose_method(label: str, names: Iterable[str], what: str) -> str:
    """Name of the heatmap method, chosen where it is called."""
    return st.selectbox(
        plain(label),
        list(names),
        format_func=lambda name: METHODS[name].title,
        key="method",
        bind="query-params",
        help=plain(what),
    )


def choose_style() -> HeatmapStyle:
    """The controls, where it is called."""
    shown = st.segmented_control(
        "Show",
        [HEAT, CONTOUR, PLAIN],
        default=HEAT,
        required=True,
        key="show",
        bind="query-params",
        width="stretch",
    )
    # A report made while they are hidden is drawn with them too.
    opacity = st.session_state.get("opacity", 60)
    color_map = st.session_state.get("color_map", next(iter(COLOR_MAPS)))
    contour = 50
    if shown == CONTOUR:
        contour = st.slider(
            "Line at",
            5,
            95,
            50,
            step=5,
            format="%d %%",
            key="contour",
            bind="query-params",
            help="Of full heat. The film inside the line stays as it is.",
        )
    elif shown == HEAT:
        opacity = st.slider(
            "Opacity",
            0,
            100,
            60,
            step=5,
            format="%d %%",
            key="opacity",
            persist_state="session",
        )
        color_map = st.selectbox(
            "Colours", list(COLOR_MAPS), key="color_map", persist_state="session"
        )
    stretched = st.toggle(
        "Stretch each map",
        key="stretch",
        bind="query-params",
        help="Off: full colour is the strength that one film in twenty reaches, where that was "
        "measured (methods of one forward pass), so little evidence looks pale. On: each map's own "
        "maximum is full colour, which looks confident even when the network is not.",
    )
    if shown == HEAT:
        color_strip(color_map, "this map's maximum" if stretched else "strong evidence")
    return HeatmapStyle(shown, opacity / 100, color_map, contour / 100, stretched)
