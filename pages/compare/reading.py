"""The reading room: one large film, a worklist beside it, and what networks answer."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from pages.compare.answer_card import (
    record_of,
    show_annotations,
    show_answer,
    show_each,
    show_heatmap,
    show_warnings,
)
from pages.compare.answers import join_answers
from pages.compare.exports import show_exports
from pages.compare.films import choose_films
from pages.compare.order import best_elsewhere, in_order_of_use
from pages.compare.similar import show_films_like
from pages.compare.sites import Sites, choose_site, read_sites
from pages.compare.view import FILM, View, change_view, read_view
from pages.compare.viewer import build_room, companion_id, panel_ids
from pages.compare.worklist import note_answers, show_list
from pages.components.film_viewer.room import show_room
from pages.shared.access import acts, fragment
from pages.shared.address import step
from pages.shared.faults import describe_error, guarded
from pages.shared.film_picker import say_refused
from pages.shared.inference_worker import Network
from pages.shared.open_films import OpenFilm, open_films
from xraycore.access import Action
from xraycore.attribution.heatmap import target_of
from xraycore.datasets.labels import NORMAL
from xraycore.errors import ArgumentError, XrayCoreError
from xraycore.models.answer import find_scope, state_answer
from xraycore.models.cards import read_card
from xraycore.models.classifier import Prediction
from xraycore.models.sites import SiteProfile
from xraycore.report.annotations import read_annotations
from xraycore.report.film_report import ModelResult

# Seconds that a run of the page waits for networks: the film is shown meanwhile.
PATIENCE = 0.3
# Below the bar with the pages' names, down to the window's end.
HEIGHT = "max(24rem, calc(100dvh - 3.1rem))"
LIST_HEIGHT = "max(14rem, calc(100dvh - 6.4rem))"
_STYLE = f"""<style>
[class*="st-key-card-"]{{flex:none!important;height:{HEIGHT}!important;
overflow-y:auto;flex-wrap:nowrap;gap:.75rem;padding:.25rem .5rem .5rem 0}}
[class*="st-key-card-"]>*{{flex-shrink:0}}
[class*="st-key-card-"] .stAlert p{{font-size:.86rem}}
[class*="st-key-card-"] .stAlert [data-testid=stAlertContainer]{{padding:.5rem .6rem}}
@media(min-width:641px){{
.st-key-reading>div>.stHorizontalBlock,.st-key-reading>.stHorizontalBlock{{flex-wrap:nowrap}}
.st-key-reading .stHorizontalBlock>.stColumn:nth-of-type(1){{flex:0 0 212px;min-width:212px}}
.st-key-reading .stHorizontalBlock>.stColumn:nth-of-type(2){{flex:1 1 0;min-width:0}}
.st-key-reading .stHorizontalBlock>.stColumn:nth-of-type(3){{flex:0 0 clamp(290px,24vw,400px);
min-width:290px}}}}
@media(max-width:640px){{[class*="st-key-card-"]{{height:auto}}
.st-key-reading .stHorizontalBlock>.stColumn:nth-of-type(2){{order:-1}}}}
</style>"""


def ask(
    film: OpenFilm,
    view: View,
    names: Sequence[str],
    profiles: Mapping[str, SiteProfile],
) -> tuple[dict[str, ModelResult], dict[str, str]]:
    """What each model says that has looked at the film, and why others cannot."""
    analysis = film.analysis
    analysis.prefetch(in_order_of_use(names, view.panel))
    analysis.await_predictions(PATIENCE)
    results: dict[str, ModelResult] = {}
    problems: dict[str, str] = {}
    looking = analysis.looking()
    for name in names:
        if name in looking:
            continue
        try:
            prediction = analysis.prediction(name)
            known = view.target_class in prediction.classes
            profile = profiles.get(name)
            target_class = view.target_class or ""
            if not known:
                target_class = answered_class(prediction, view.method, profile)
            heatmap = analysis.heatmap(name, view.method, target_class)
            network = Network.of(name)
        except XrayCoreError as error:
            problems[name] = describe_error(error)
            continue
        results[name] = ModelResult(
            network, prediction, heatmap, record_of(prediction), profiles.get(name)
        )
    note_answers(film, [one.prediction for one in results.values()])
    return results, problems


def answered_class(prediction: Prediction, method: str, profile: SiteProfile | None = None) -> str:
    """The class that a map explains where none is asked for: of an opacity the likeliest kind.

    Of a map against Normal that is so of every film, or it would show what speaks for Normal.
    """
    answer = state_answer(prediction, read_card(prediction.model), profile)
    if answer is None or not answer.opacity.positive:
        return target_of(prediction, method)
    kinds = {name: p for name, p in prediction.probabilities.items() if name != NORMAL}
    return max(kinds, key=lambda name: kinds[name])


@fragment(Action.LOOK, run_every=0.4)
def wait_for_more(film: OpenFilm, looking: set[str], listing: bool) -> None:
    """Runs the page again once another model has said something, or the list has got longer."""
    if film.analysis.looking() != looking:
        st.rerun()
    if listing:
        job = open_films().worklist_job
        if job is None or job.done or time.monotonic() > st.session_state.get(_LISTED, 0) + _FRESH:
            st.session_state[_LISTED] = time.monotonic()
            st.rerun()


# When the list was drawn last for what was said in the background, and seconds until it is again: a
# run of the page for every answer would be in the way of who goes through the films.
_LISTED, _FRESH = "compare-listed", 1.5


@acts(Action.LOOK)
@guarded
def keep_annotations(identifier: str, given: Sequence[Mapping[str, Any]]) -> None:
    """Keeps what was drawn on a film; a callback of the viewer."""
    film = open_films().with_id(identifier)
    if film is None:
        raise ArgumentError("The film that was drawn on is closed: the drawing was not kept.")
    film.annotations = read_annotations(given)


def show_card(
    film: OpenFilm,
    view: View,
    names: Sequence[str],
    results: Mapping[str, ModelResult],
    problems: Mapping[str, str],
    sites: Sites,
) -> None:
    """The answer, its conditions first; then what else is known, and what can be taken along."""
    radiograph = film.analysis.radiograph()
    each = list(results.values())
    predictions = [one.prediction for one in each]
    joint = join_answers(predictions, radiograph.warnings, sites.profiles)
    waiting = len(names) - len(results) - len(problems)
    say_refused()
    if predictions or not joint.scope.inside:
        show_answer(film, joint, view.panel)
    choose_site(sites)
    for failure in problems.values():
        st.error(failure, icon=":material/error:")
    if waiting:
        st.caption(f":material/hourglass: {waiting} of {len(names)} networks are looking …")
    show_warnings(predictions, radiograph.warnings)
    silent = not joint.scope.inside
    if each and not silent:
        show_heatmap(film, results.get(view.panel), each, stretched=view.style.stretched)
    show_annotations(film)
    if each:
        show_films_like(film, results, view.panel)
        label = "Show them anyway" if silent else "What each network says"
        with st.expander(label, key="each", icon=":material/bar_chart:"):
            show_each(each, view.point)
            if silent:
                st.session_state["anyway"] = view.anyway
                st.toggle(
                    "Show their heat too",
                    key="anyway",
                    on_change=lambda: step(anyway="true" if st.session_state["anyway"] else None),
                )
    with st.expander("Take along", key="exports", icon=":material/download:", expanded=True):
        if each and not waiting:
            films = list(open_films().films.values())
            show_exports(film, each, view.style, films, list(results), sites.profiles)


def read_film(film: OpenFilm, names: list[str]) -> None:
    """The room: worklist, viewer, answer."""
    labels = [label for name in names for label in read_card(name)["classes"]]
    classes = list(dict.fromkeys(labels))
    companions = open_films().companions(film)
    first = companion_id(companions[0]) if companions else FILM
    view = read_view(panel_ids(names, companions), best_elsewhere(names), classes, first)
    st.html(_STYLE)
    with st.container(key="reading"):
        left, middle, right = st.columns([2, 7, 3], gap="small")
    sites = read_sites(names)
    results, problems = ask(film, view, names, sites.profiles)
    said = [one.prediction for one in results.values()]
    warnings = [*film.analysis.radiograph().warnings, *(w for one in said for w in one.warnings)]
    silent = not find_scope(warnings).inside and not view.anyway
    with left:
        with st.popover("Open films", icon=":material/add:", width="stretch"):
            choose_films()
        # A network whose weights cannot be used has said so; the others' answers are not held up.
        answering = [name for name in names if name not in problems]
        listing = show_list(open_films(), film, answering, LIST_HEIGHT, sites.profiles)
    with middle:
        room = build_room(
            film,
            view,
            names,
            results,
            problems,
            classes=classes,
            silent=silent,
            companions=companions,
        )
        show_room(room, key="room", height=HEIGHT, on_step=change_view, on_notes=keep_annotations)
    # Another film's card begins at its top, where its warnings are: a container of the same key
    # would stay scrolled to where the last one was.
    with right, st.container(key=f"card-{film.id}"):
        show_card(film, view, names, results, problems, sites)
    looking = set(names) - set(results) - set(problems)
    if looking or listing:
        wait_for_more(film, looking, listing)
