"""Films like one, beside an answer: what they are, whose, how near, and how they look."""

from collections.abc import Sequence
from functools import partial

import cv2
import numpy as np
import streamlit as st

from pages.components.film_grid import Tile, film_grid
from pages.shared import cache
from pages.shared.access import permitted
from pages.shared.jobs import Job, poll
from pages.shared.layout import plain
from xraycore.access import Action
from xraycore.access.paths import permit_path
from xraycore.datasets.index import read_measured
from xraycore.datasets.locator import FoundFilm
from xraycore.datasets.public import offered_folders
from xraycore.errors import PathError, RadiographError, XrayCoreError
from xraycore.imaging.overlay import to_uint8
from xraycore.imaging.resample import fit_within, resize
from xraycore.models.cards import stored_title
from xraycore.models.classifier import Prediction
from xraycore.retrieval.feature_store import FeatureStore, default_store
from xraycore.retrieval.index_file import has_index, load_index
from xraycore.retrieval.similar import Neighbour, SimilarFilms, find_similar, origin_of
from xraycore.utils.progress import part_of

SMALL, LARGE = 220, 900
LESION = (240, 180, 106)
_SEARCH = "similar-search"


def show_similar(
    prediction: Prediction, sha256: str, *, key: str, tile: int = 96, opens: bool = True
) -> None:
    """What the films most alike to one are; their pictures where they are asked for.

    Args:
        prediction: What the network said of the film, with its feature map.
        sha256: Of the film's file.
        key: Unique on the page.
        tile: Least width of a picture in CSS pixels.
        opens: Whether a click shows a picture large; not in a dialog, which holds no other.
    """
    name = prediction.model
    if not has_index(name):
        st.caption(
            f"**Films like this one**: those that {plain(stored_title(name))} learnt from have no "
            "index here yet. `xraycore index DATASET…` makes it, of the data sets of its training."
        )
        return
    try:
        found = find_similar(prediction, sha256=sha256)
    except XrayCoreError as error:
        st.warning(plain(str(error)), icon=":material/error:")
        return
    _say(found)
    pictures = st.expander("Look at them", key=f"{key}-pictures", on_change="rerun")
    if pictures.open:
        with pictures:
            _show_pictures(found.neighbours, key, tile, opens)


def _say(found: SimilarFilms) -> None:
    if found.alike:
        st.markdown(f":small[**Films like this one.** {plain(found.reading)}]")
    else:
        st.warning(plain(found.reading), icon=":material/travel_explore:")
    if found.caution:
        st.caption(f":orange[:material/warning:] {plain(found.caution)}")
    near = f"Distance to the nearest {found.distance:.2f}"
    if found.usual is not None:
        near += f"; usual is {found.usual:.2f}, far from {found.limit:.2f} on"
    part = "" if found.complete else ", a part of those that it learnt from"
    origin = "" if load_index(found.model).shipped else " The index did not come with xraycore."
    st.caption(f"{near}. Searched: {found.among:,} films{part}.{origin}")


def _show_pictures(neighbours: Sequence[Neighbour], key: str, tile: int, opens: bool) -> None:
    places = _find([one.sha256 for one in neighbours])
    if places is None:
        return
    tiles = []
    for one in neighbours:
        place = places.get(one.sha256)
        picture = draw_similar(one.sha256, place, SMALL) if place else None
        if picture is not None:
            details = (origin_of(one.source), f"distance {one.distance:.2f}")
            tiles.append(Tile(picture, one.label, details, id=one.sha256))
    if tiles:
        opened = f"{key}-opened"
        film_grid(
            tiles,
            key=f"{key}-grid",
            tile=tile,
            on_open=partial(st.session_state.__setitem__, opened) if opens else None,
        )
        if any(place.lesion for place in places.values()):
            st.caption("Outlined: what a person drew as the finding.")
        chosen = {one.sha256: one for one in neighbours}.get(st.session_state.pop(opened, ""))
        if chosen:
            _film_dialog(chosen, places[chosen.sha256])
    if len(tiles) < len(neighbours):
        st.caption(
            f"{len(neighbours) - len(tiles)} of {len(neighbours)} pictures are not on this "
            "computer, or may not be shown here."
        )


@st.dialog("A film that the network learnt from", width="large")
def _film_dialog(one: Neighbour, place: FoundFilm) -> None:
    picture = draw_similar(one.sha256, place, LARGE)
    if picture is None:
        st.error("The file is no longer what it was.", icon=":material/broken_image:")
        return
    split = {"train": "trained on", "val": "chosen by"}[one.split]
    st.image(picture, width="stretch")
    st.markdown(f"**{plain(one.label)}**, from {plain(origin_of(one.source))}; {split}.")
    st.caption(f"Distance {one.distance:.3f} · sha256 {plain(one.sha256[:16])}…")


def _find(hashes: Sequence[str]) -> dict[str, FoundFilm] | None:
    """Where the films lie that are here; None while they are being looked for."""
    locator = cache.film_locator()
    found = _known(hashes)
    missing = [digest for digest in hashes if digest not in found]
    job = st.session_state.get(_SEARCH)
    if job is None and locator.must_search(missing, generated=False):
        words = "looking for their pictures among the films of this computer"
        job = st.session_state[_SEARCH] = Job(
            lambda report: locator.search(missing, part_of(report, activity=words), generated=False)
        )
    if job is None:
        return found
    if not job.wait():
        poll(job)
        return None
    del st.session_state[_SEARCH]
    if job.error:
        raise job.error
    return _known(hashes)


def _known(hashes: Sequence[str]) -> dict[str, FoundFilm]:
    """Of public data sets what was found; of others what was noted down and may be shown here."""
    public = {digest: cache.film_locator().get_public(digest) for digest in hashes}
    found = {digest: film for digest, film in public.items() if film}
    if permitted(Action.SURVEY):
        others = _store().places(digest for digest in hashes if digest not in found)
        found |= {digest: film for digest, film in others.items() if _may_be_shown(film)}
    return found


def _may_be_shown(film: FoundFilm) -> bool:
    """Whether a visitor could name the film, and what is drawn on it, himself."""
    lesion = film.lesion
    named = [film.path, lesion and lesion.mask, lesion and lesion.pixels_of]
    try:
        for path in filter(None, named):
            permit_path(path, offered_folders())
    except PathError:
        return False
    return film.path.is_file()


@st.cache_resource(show_spinner=False, on_release=FeatureStore.close)
def _store() -> FeatureStore:
    return default_store()


@st.cache_data(max_entries=256, show_spinner=False)
def draw_similar(sha256: str, film: FoundFilm, longest: int) -> np.ndarray | None:
    """A film with its lesion outlined, uint8 RGB (h, w, 3); None if its file is another by now."""
    try:
        grey = to_uint8(fit_within(read_measured(film.path, sha256).pixels, longest))
        picture = np.repeat(grey[..., None], 3, axis=2)
        if film.lesion:
            mask = resize(film.lesion.draw(), grey.shape) > 0.5
            outlines, _ = cv2.findContours(
                mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE
            )
            cv2.drawContours(picture, outlines, -1, LESION, max(1, round(longest / 220)))
        return picture
    except RadiographError:
        return None
