"""How heat is drawn over films: the controls that the pages with heat share."""

from dataclasses import dataclass

import streamlit as st

from pages.widgets.viewer import Drawn
from xraycore.explain.heatmap import Heatmap
from xraycore.imaging.overlay import COLOR_MAPS

HEAT, CONTOUR, PLAIN = "Heat", "Contour", "Plain film"


@dataclass(frozen=True)
class Look:
    """How heat is drawn; a change runs no model."""

    shown: str
    opacity: float
    color_map: str
    contour: float
    stretched: bool

    def drawn(self, heat: Heatmap) -> Drawn | None:
        """A map as it is to be drawn; None for the plain film."""
        if self.shown == PLAIN:
            return None
        heat = heat.stretched() if self.stretched else heat
        contour = self.contour if self.shown == CONTOUR else None
        return Drawn(heat, self.opacity, self.color_map, contour)

    def scale_note(self, heat: Heatmap) -> str:
        """What must be said of a map that has no scale but its own; else nothing."""
        own = heat.scale is None and not self.stretched
        return " Full colour is this map's own maximum." if own else ""


def choose_look() -> Look:
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
    opacity, color_map, contour = 60, next(iter(COLOR_MAPS)), 50
    if shown == CONTOUR:
        contour = st.slider(
            "Line at",
            5,
            95,
            50,
            step=5,
            format="%d %%",
            key="contour",
            help="Of full heat. The film inside the line stays as it is.",
        )
    elif shown == HEAT:
        opacity = st.slider("Opacity", 0, 100, 60, step=5, format="%d %%", key="opacity")
        color_map = st.selectbox("Colours", list(COLOR_MAPS), key="color_map")
    stretched = st.toggle(
        "Stretch each map",
        key="stretch",
        help="Off: full colour is the strength that one film in twenty reaches, where that was "
        "measured (methods of one forward pass), so little evidence looks pale. On: each map's own "
        "maximum is full colour, which looks confident even when the network is not.",
    )
    return Look(shown, opacity / 100, color_map, contour / 100, stretched)
