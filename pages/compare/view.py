"""What the reading room shows and how, as its address says it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st

from pages.components.film_viewer.room import LAYOUTS, Choice, HeatScale
from pages.shared.address import read_address, step
from pages.shared.heatmap_controls import CONTOUR, HEAT, PLAIN, HeatmapStyle
from xraycore.attribution.registry import ANALYTIC, METHODS
from xraycore.imaging.overlay import COLOR_MAPS, colorize
from xraycore.models.cards import read_card

# Panels beside those of the models.
FILM, AGREEMENT, OTHER = "film", "agreement", "other"
OWN_ANSWER = "Each model's answer"
# Set by the viewer's legend, in the browser: the layout of an address that names none.
_LAYOUT_COOKIE = "xraycore-layout"
_LINES = (10, 20, 30, 40, 50, 60, 70, 80, 90)
OWN_MAXIMUM = "true"


@dataclass(frozen=True)
class View:
    """What is shown; a change of how runs no model.

    Attributes:
        layout: One of `LAYOUTS`.
        panel: Id of the panel that is shown alone, or at the right of two.
        beside: Id of the panel at the left of two.
        target_class: The class that is explained; each model's answer where None.
        method: Name of the method.
        style: How heat is drawn.
        point: Name of the operating point at which a film is called abnormal, if one was chosen.
        anyway: Whether heat of a film without an answer is to be seen.
    """

    layout: str
    panel: str
    beside: str
    target_class: str | None
    method: str
    style: HeatmapStyle
    point: str | None
    anyway: bool


def read_view(
    panels: Sequence[str], default: str, classes: Sequence[str], beside: str = FILM
) -> View:
    """The view of the address; what it does not say, or nobody knows, is as it comes.

    Args:
        panels: Ids of those that there are.
        default: The one that is shown first.
        classes: Those that can be explained.
        beside: The one that is shown first at the left of two.
    """
    preferred = st.context.cookies.get(_LAYOUT_COOKIE)
    layout = _one_of("layout", LAYOUTS, preferred if preferred in LAYOUTS else LAYOUTS[0])
    titles = {METHODS[name].title: name for name in ANALYTIC}
    style = HeatmapStyle(
        _one_of("show", (HEAT, CONTOUR, PLAIN), HEAT),
        _percent("opacity", 60) / 100,
        _one_of("colours", tuple(COLOR_MAPS), next(iter(COLOR_MAPS))),
        _percent("contour", 50) / 100,
        read_address("stretch") == OWN_MAXIMUM,
    )
    target = read_address("target")
    return View(
        layout,
        _one_of("panel", panels, default),
        _one_of("beside", panels, beside),
        target if target in classes else None,
        titles.get(read_address("method") or "", next(iter(ANALYTIC))),
        style,
        read_address("point"),
        read_address("anyway") == "true",
    )


def change_view(chosen: Mapping[str, str]) -> None:
    """Takes over what was chosen in the room: one step of the address; fit for a callback."""
    step(**{name: value or None for name, value in chosen.items()})


def heatmap_choices(view: View, classes: Sequence[str], names: Sequence[str]) -> list[Choice]:
    """What can be chosen of the heat, with the class and the method first."""
    style, points = view.style, operating_points(names)
    choices = [
        Choice(
            "target",
            "Evidence for",
            {"": OWN_ANSWER} | {name: name for name in classes},
            view.target_class or "",
        ),
        Choice(
            "method",
            "Method",
            {METHODS[name].title: METHODS[name].title for name in ANALYTIC},
            METHODS[view.method].title,
            METHODS[view.method].summary,
        ),
        Choice("show", "Drawn as", {name: name for name in (HEAT, CONTOUR, PLAIN)}, style.shown),
    ]
    if style.shown == CONTOUR:
        line = round(100 * style.contour)
        lines = {str(share): f"{share} % of full heat" for share in sorted({*_LINES, line})}
        choices.append(Choice("contour", "Line at", lines, str(line)))
    elif style.shown == HEAT:
        colours = {name: name for name in COLOR_MAPS}
        choices.append(Choice("colours", "Colours", colours, style.color_map))
    choices.append(
        Choice(
            "stretch",
            "Full colour is",
            {"": "strong evidence", OWN_MAXIMUM: "each map's own maximum"},
            OWN_MAXIMUM if style.stretched else "",
            "Strong: what one film in twenty reaches, where that was measured, so that little "
            "evidence looks pale. A map's own maximum looks confident even where the network is "
            "not.",
        )
    )
    if points:
        choices.append(
            Choice(
                "point",
                "Call a film abnormal at",
                {"": "the most probable class"} | points,
                view.point if view.point in points else "",
                "Thresholds were chosen on each model's validation films.",
            )
        )
    return choices


def heat_scale(style: HeatmapStyle) -> HeatScale | None:
    """What the colours mean; None where there are none."""
    if style.shown != HEAT:
        return None
    stops = colorize(np.linspace(0, 1, 9)[None], style.color_map)[0]
    colours = ", ".join(f"rgb({red} {green} {blue})" for red, green, blue in stops)
    full = "this map's maximum" if style.stretched else "strong evidence"
    return HeatScale(f"linear-gradient(0deg, {colours})", full)


def operating_points(names: Sequence[str]) -> dict[str, str]:
    """Titles of the operating points that any of the models has, by name."""
    titles: dict[str, str] = {}
    for name in names:
        for key, point in read_card(name).get("operating_points", {}).items():
            titles.setdefault(key, point["title"])
    return titles


def _one_of(name: str, allowed: Sequence[str], default: str) -> str:
    value = read_address(name)
    return value if value in allowed else default


def _percent(name: str, default: int) -> int:
    value = read_address(name) or ""
    return min(100, int(value)) if value.isdecimal() else default
