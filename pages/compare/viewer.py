"""The reading room's pictures: the plain film, each model's heat over it, and where maps agree."""

from collections.abc import Mapping, Sequence

import numpy as np

from pages.compare.view import AGREEMENT, FILM, OTHER, View, heat_scale, heatmap_choices
from pages.components.film_viewer import DrawnMap, StyledMap, draw_map, outline, size_and_depth
from pages.components.film_viewer.room import Room, RoomPanel
from pages.shared.heatmap_controls import PLAIN
from pages.shared.open_films import Companion, OpenFilm
from xraycore.attribution.heatmap import Heatmap
from xraycore.attribution.metrics.agreement import consensus_map
from xraycore.attribution.registry import METHODS
from xraycore.models.cards import stored_title
from xraycore.report.film_report import ModelResult

_RELATIONS = {
    "lateral": "Lateral",
    "study": "Same study",
    "earlier": "Earlier",
    "later": "Later",
    "patient": "Same patient",
}


def panel_ids(names: Sequence[str], companions: Sequence[Companion]) -> list[str]:
    """Ids of all that can be shown of a film."""
    several = [AGREEMENT] if len(names) > 1 else []
    return [FILM, *names, *several, *map(companion_id, companions)]


def companion_id(companion: Companion) -> str:
    """What addresses call a film's panel beside another."""
    return OTHER if companion.relation in ("lateral", "study") else companion.relation


def build_room(
    film: OpenFilm,
    view: View,
    names: Sequence[str],
    results: Mapping[str, ModelResult],
    problems: Mapping[str, str],
    *,
    classes: Sequence[str],
    silent: bool,
    companions: Sequence[Companion],
) -> Room:
    """What the viewer is to show.

    Args:
        film: The one that is looked at.
        view: What of it, and how.
        names: The models, in order.
        results: What each says that has looked at it.
        problems: Why others cannot.
        classes: Those that can be explained.
        silent: Whether there is no answer, and so no heat.
        companions: Other films of the patient.
    """
    analysis = film.analysis
    picture, info = analysis.picture(), analysis.radiograph().info
    wanted = _in_sight(view, panel_ids(names, companions))
    facts = " · ".join(
        filter(None, (info.name, size_and_depth(info), info.modality, info.view_position))
    )
    panels = [RoomPanel(FILM, "Film", "", picture)]
    for name in names:
        result = results.get(name)
        drawn, caption = DrawnMap(), problems.get(name, "")
        if result:
            plain = silent or view.style.shown == PLAIN
            caption = "No heat: no answer" if silent else _caption(view, result.heatmap)
            if name in wanted and not plain:
                drawn = _drawn(film, view, result.heatmap)
        waiting = result is None and name not in problems
        panels.append(RoomPanel(name, stored_title(name), caption, picture, drawn, waiting))
    if len(names) > 1:
        drawn = DrawnMap()
        if AGREEMENT in wanted and not silent and len(results) == len(names) - len(problems):
            drawn = _agreement(film, view, results)
        caption = "the brighter, the more models have their hottest tenth here"
        panels.append(RoomPanel(AGREEMENT, "Agreement", caption, picture, drawn))
    panels += map(_beside, companions)
    lungs = next((one.prediction.lungs for one in results.values()), None)
    return Room(
        film.id,
        facts,
        panels,
        view.layout,
        view.panel,
        view.beside,
        round(100 * view.style.opacity),
        [] if silent else heatmap_choices(view, classes, names),
        None if silent else heat_scale(view.style),
        outline(lungs) if lungs and lungs.found else None,
        [one.to_json() for one in film.annotations],
        _own_window(film),
    )


def _beside(companion: Companion) -> RoomPanel:
    """The panel of another film; one that is told by its name says no more than that."""
    film = companion.film
    title, caption = _RELATIONS[companion.relation], film.title
    if companion.by_name:
        studied = film.name.of_study if film.name else ""
        told = ", ".join(filter(None, ("by its name, a film of the same patient", studied)))
        title, caption = f"{title}, by name", f"{caption}: {told}"
    return RoomPanel(companion_id(companion), title, caption, film.analysis.picture(), other=True)


def _in_sight(view: View, everything: Sequence[str]) -> set[str]:
    if view.layout == "grid":
        return set(everything)
    return {view.panel, view.beside} if view.layout == "2" else {view.panel}


def _caption(view: View, heatmap: Heatmap) -> str:
    if view.style.shown == PLAIN:
        return "plain film"
    note = view.style.scale_note(heatmap)
    return f"{METHODS[view.method].title}, evidence for {heatmap.target}.{note}"


def _drawn(film: OpenFilm, view: View, heatmap: Heatmap) -> DrawnMap:
    """Drawn once, however often the page runs; opacity is the browser's."""
    style = view.style

    def draw() -> DrawnMap:
        styled = style.apply(heatmap)
        return draw_map(film.analysis.picture(), styled) if styled else DrawnMap()

    key = ("drawn", heatmap, style.shown, style.color_map, style.contour, style.stretched)
    return film.analysis.once(key, draw)


def _agreement(film: OpenFilm, view: View, results: Mapping[str, ModelResult]) -> DrawnMap:
    heatmaps = {one.title: one.heatmap for one in results.values() if np.any(one.heatmap.values)}
    if len(heatmaps) < 2:
        return DrawnMap()

    def draw() -> DrawnMap:
        votes = consensus_map(heatmaps, film.analysis.radiograph())
        return draw_map(film.analysis.picture(), StyledMap(votes, color_map="viridis"))

    return film.analysis.once(("votes", *heatmaps.values()), draw)


def _own_window(film: OpenFilm) -> tuple[float, float]:
    """The greys between which all but a hundredth of the film lies at either end."""

    def measure() -> tuple[float, float]:
        pixels = film.analysis.radiograph().pixels[::4, ::4]
        low, high = np.percentile(pixels, [1, 99])
        return round(float(low), 3), round(max(float(high), float(low) + 0.05), 3)

    return film.analysis.once(("own window",), measure)
