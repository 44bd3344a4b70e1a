"""The reading room's viewer: one large film, two beside one another, or all panels in a grid."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import streamlit as st

from pages.components import IN_TURN
from pages.components.film_viewer import (
    PANEL,
    PANEL_SCRIPTS,
    DrawnMap,
    FilmPicture,
    read_scripts,
    spacing,
)

LAYOUTS = ("1", "2", "grid")
# Films whose pixels the browser has got in this session; it asks again for one that it lost.
_SENT = "room-films-sent"
# How many steps were heard. What the browser shows runs ahead of the server: a quick Back leads to
# the very data that it last got, which Streamlit would not hand to the room again.
_STEPS = "room-steps"
_HERE = Path(__file__).parent

_room = st.components.v2.component(
    "xraycore_room",
    html=f"""<div class="room" data-layout="1">
      <template>{PANEL}</template>
      <div class="films" role="group" aria-label="Films"></div>
      <div class="tools" role="toolbar" aria-label="Film tools" aria-orientation="vertical"></div>
      <div class="layouts" role="toolbar" aria-label="Layout"></div>
      <div class="scale" hidden><i></i><span></span><span></span></div>
      <div class="bar"></div>
      <dialog class="legend" aria-label="Keys"></dialog>
    </div>""",
    css="".join((_HERE / name).read_text() for name in ("film_viewer.css", "room.css")),
    js=IN_TURN + read_scripts(*PANEL_SCRIPTS, "legend", "bar", "room"),
)


@dataclass(frozen=True, eq=False)
class RoomPanel:
    """One picture that the room can show.

    Attributes:
        id: What addresses call it.
        title: What its button says.
        caption: Said on the picture: which map of which class.
        picture: The film.
        drawn: Heat over it.
        waiting: Whether its heat is still being computed.
        other: Whether it is another film than the one that is looked at.
    """

    id: str
    title: str
    caption: str
    picture: FilmPicture
    drawn: DrawnMap = DrawnMap()
    waiting: bool = False
    other: bool = False


@dataclass(frozen=True)
class Choice:
    """Something to choose in the room's bar.

    Attributes:
        name: Of the parameter of the address.
        label: What it is called.
        options: Values and their titles.
        value: The one in force.
        note: What else must be said of it.
    """

    name: str
    label: str
    options: Mapping[str, str]
    value: str
    note: str = ""


@dataclass(frozen=True)
class HeatScale:
    """What colours of heat mean: a CSS gradient from none to full, and what full is."""

    gradient: str
    full: str


@dataclass(frozen=True, eq=False)
class Room:
    """All that the room shows.

    Attributes:
        film: What addresses call the film.
        facts: Of the film, in a line.
        panels: In order; the first is the plain film.
        layout: One of `LAYOUTS`.
        shown: Id of the panel that is shown alone, or at the right of two.
        beside: Id of the panel at the left of two.
        opacity: Of heat, in per cent.
        choices: What else can be chosen.
        scale: Of the heat.
        lungs: Their outline.
        notes: What was drawn on the film.
        own_window: The grey levels, in [0, 1], between which most of the film lies.
    """

    film: str
    facts: str
    panels: Sequence[RoomPanel]
    layout: str
    shown: str
    beside: str
    opacity: int
    choices: Sequence[Choice] = ()
    scale: HeatScale | None = None
    lungs: list | None = None
    notes: Sequence[Mapping[str, Any]] = ()
    own_window: tuple[float, float] = (0.0, 1.0)
    label: str = field(default="")


def show_room(
    room: Room,
    *,
    key: str,
    height: str,
    on_step: Callable[[dict[str, str]], None],
    on_notes: Callable[[str, Sequence[Mapping[str, Any]]], None],
) -> None:
    """Draws the room.

    Args:
        room: What it shows.
        key: Unique on the page.
        height: In CSS.
        on_step: Called with parameters of the address that were chosen.
        on_notes: Called with a film's id and all that is drawn on it.
    """
    sent = st.session_state.setdefault(_SENT, set())

    def told(name: str) -> Any:
        return st.session_state[key].get(name)

    def stepped() -> None:
        if chosen := told("step"):
            st.session_state[_STEPS] = st.session_state.get(_STEPS, 0) + 1
            on_step({str(name): str(value) for name, value in chosen.items()})

    def noted() -> None:
        if found := told("notes"):
            on_notes(found["film"], found["notes"])

    def lost() -> None:
        sent.difference_update(told("lost") or ())

    _room(
        key=key,
        data={
            "film": room.film,
            "facts": room.facts,
            "height": height,
            "layout": room.layout,
            "shown": room.shown,
            "beside": room.beside,
            "opacity": room.opacity,
            "panels": [_panel_data(panel, room, sent) for panel in room.panels],
            "choices": [
                {
                    "name": one.name,
                    "label": one.label,
                    "options": list(one.options.items()),
                    "value": one.value,
                    "note": one.note,
                }
                for one in room.choices
            ],
            "scale": room.scale and {"gradient": room.scale.gradient, "full": room.scale.full},
            "lungs": room.lungs,
            "notes": list(room.notes),
            "own": list(room.own_window),
            "steps": st.session_state.get(_STEPS, 0),
        },
        on_step_change=stepped,
        on_notes_change=noted,
        on_lost_change=lost,
    )


def _panel_data(panel: RoomPanel, room: Room, sent: set[str]) -> dict[str, Any]:
    height, width = panel.picture.shape
    url = None if panel.picture.id in sent else panel.picture.url
    sent.add(panel.picture.id)
    return {
        "id": panel.id,
        "title": panel.title,
        "caption": panel.caption,
        "waiting": panel.waiting,
        "other": panel.other,
        "subject": panel.picture.subject,
        "filmId": panel.picture.id,
        "film": url,
        "heat": panel.drawn.picture,
        "contour": panel.drawn.contour,
        "opacity": room.opacity / 100,
        "spacing": spacing(panel.picture.info),
        "filmAspect": width / height,
        "label": f"{panel.title}: {panel.caption}" if panel.caption else panel.title,
        "click": None,
        "lungs": None,
    }
