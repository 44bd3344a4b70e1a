"""The films of a study as they are found again, and the heat that is read on them."""

import contextlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st

from pages.shared import cache
from pages.shared.analysis import Analysis
from pages.shared.film_picker import say_refused, upload_films
from pages.shared.jobs import Job, poll
from pages.shared.layout import plain
from pages.shared.open_films import open_films
from xraycore.attribution.heatmap import Heatmap
from xraycore.attribution.registry import METHODS
from xraycore.errors import Cancelled, XrayCoreError
from xraycore.imaging import Radiograph, RadiographError
from xraycore.imaging.resample import fitted
from xraycore.models.cards import read_card, stored_title
from xraycore.models.registry import MODELS
from xraycore.reader_study import HeatmapItem
from xraycore.utils.progress import part_of
from xraycore.utils.text import pluralise

NO_FILM = "its film is not on this computer"
# Heat is compared with boxes on a grid of this size: maps have far fewer cells.
GRID = 512
_SEARCH, _GIVEN_UP = "review-search", "review-search-given-up"


def find_films(items: Sequence[HeatmapItem]) -> dict[str, Analysis] | None:
    """The films that can be read, by sha256; None while they are being looked for."""
    hashes, locator = {item.sha256 for item in items}, cache.film_locator()
    found = _list_films(hashes)
    # Of these films: another study of the session has others.
    missing = frozenset(hashes - found.keys())
    if not locator.must_search(missing) or st.session_state.get(_GIVEN_UP) == missing:
        return found
    of, job = st.session_state.get(_SEARCH, (None, None))
    if of != missing:
        if job:
            job.stop()
        words = f"Looking for {pluralise(len(missing), 'film')} among those of this computer"
        job = Job(lambda report: locator.search(missing, part_of(report, activity=words)))
        st.session_state[_SEARCH] = (missing, job)
    if not job.wait():
        poll(job)
        st.button("Go on without them", key="stop-search", on_click=_give_up, args=(missing, job))
        return None
    del st.session_state[_SEARCH]
    if job.error and not isinstance(job.error, Cancelled):
        raise job.error
    return _list_films(hashes)


def _list_films(hashes: Iterable[str]) -> dict[str, Analysis]:
    """Those of the films that are open here, or were found on this computer."""
    found = {film.sha256: film.analysis for film in open_films().films.values()}
    for sha256 in set(hashes) - found.keys():
        if read := cache.film_locator().get(sha256):
            found[sha256] = cache.film_analysis(sha256, read)
    return {sha256: found[sha256] for sha256 in hashes if sha256 in found}


def _give_up(wanted: frozenset[str], job: Job) -> None:
    job.stop()
    st.session_state[_GIVEN_UP] = wanted


def read_same_film(sha256: str, film: Analysis) -> Radiograph | None:
    """The film; None if the file is no longer what it was."""
    with contextlib.suppress(RadiographError):
        radiograph = film.radiograph()
        if radiograph.info.sha256 == sha256:
            return radiograph
    # Not kept: the same film may be found again elsewhere.
    cache.film_analysis.clear(sha256, None)
    return None


@dataclass(frozen=True)
class Drawable:
    """Which heatmaps can be drawn here.

    Attributes:
        films: By their sha256.
        why_not: Why a heatmap cannot be drawn, by the id of its item.
    """

    films: dict[str, Analysis]
    why_not: dict[int, str]


def check_drawable(items: Sequence[HeatmapItem], films: dict[str, Analysis]) -> Drawable:
    """Which of the heatmaps can be drawn from these films."""
    weights = {name: _weights(name) for name in {item.model for item in items}}
    why = {item.id: _why_not(item, films, weights[item.model]) for item in items}
    return Drawable(films, {key: text for key, text in why.items() if text})


def _weights(model: str) -> str | None:
    try:
        return read_card(model)["weights"]["sha256"]
    except XrayCoreError:
        return None


def _why_not(item: HeatmapItem, films: dict[str, Analysis], weights: str | None) -> str | None:
    # Which network and method it is a reader of a blinded study must not be told.
    if weights is None:
        return "a network has no weights here"
    if item.weights and item.weights != weights:
        return "a network was trained anew since: its heat is another"
    if item.method not in METHODS:
        return "this version lacks a method"
    # Last: a film can be brought back, what is above cannot.
    return None if item.sha256 in films else NO_FILM


def show_left_out(can: Drawable) -> None:
    """Which heatmaps are left out and why, and a way to bring films back."""
    if not can.why_not:
        return
    counts = Counter(can.why_not.values())
    reasons = "; ".join(f"{count} because {why}" for why, count in counts.items())
    st.warning(
        f"Left out here: {pluralise(sum(counts.values()), 'heatmap')}, {plain(reasons)}. "
        "What was said of them is kept.",
        icon=":material/image_not_supported:",
    )
    if NO_FILM in counts:
        with st.expander("Open the missing films", icon=":material/upload_file:"):
            st.caption(
                "A study keeps a film's fingerprint (SHA-256) only, never the film. Open the same "
                "files and they are known again, whatever they are called."
            )
            upload_films()
            say_refused()


def draw_heatmap(item: HeatmapItem, film: Analysis) -> Heatmap:
    """The heatmap of an item that is `drawable`; drawn once for all readers.

    Raises:
        WeightsError: If the weights are damaged.
        ArgumentError: If the model does not know the class.
    """
    return film.heatmap(item.model, item.method, item.target)


def draw_heatmap_on_grid(item: HeatmapItem, can: Drawable) -> np.ndarray | None:
    """The heat to compare boxes with, float32 (h, w), not clipped; None if it cannot be drawn."""
    if item.id in can.why_not:
        return None
    film = can.films[item.sha256]
    radiograph = read_same_film(item.sha256, film)
    if radiograph is None:
        return None
    try:
        heatmap = draw_heatmap(item, film)
    except XrayCoreError:
        return None
    return heatmap.stretched().on(fitted(radiograph.pixels.shape, GRID))


def describe(item: HeatmapItem) -> str:
    """What made a heatmap, for those who may know."""
    model = stored_title(item.model) if item.model in MODELS else item.model
    method = METHODS[item.method].title if item.method in METHODS else item.method
    return f"{model}, {method}"
