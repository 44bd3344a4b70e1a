"""The part of the films that is most alike to one: a failure, say, and how many there are of it."""

from dataclasses import replace

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.metrics.cache import DisplayedComparison
from pages.shared.access import permitted
from pages.shared.cache import film_locator
from pages.shared.faults import describe_error
from pages.shared.inference import run
from pages.shared.inference_worker import Network
from pages.shared.jobs import Job, poll
from pages.shared.layout import plain, plain_option
from pages.shared.open_films import OpenFilm, open_films
from xraycore.access import Action
from xraycore.datasets.manifest import Record
from xraycore.errors import Cancelled, XrayCoreError
from xraycore.evaluation.evaluator import MIN_GROUP
from xraycore.evaluation.slices import Likeness, rank_alike
from xraycore.models.cards import list_trained, stored_title
from xraycore.retrieval.features import FilmFeatures, keep_features, pool
from xraycore.utils.progress import part_of
from xraycore.utils.text import pluralise

TO, _NETWORK, _COUNT = "slice-like", "slice-like-network", "slice-like-films"
_ASKED = "slice-like-asked"
USUAL_COUNT = 50
# What the address calls the film whose dialog is open.
FILM = "film"


def ask_likeness(display: DisplayedComparison) -> tuple[Likeness | None, bool]:
    """The films that are to be most alike to one, None for none; and whether it is known which.

    It is not while the network has still to look at the films.
    """
    networks = [name for name in display.comparison.models if name in list_trained()]
    names = [f"{record.source}/{record.path.name}" for record in display.comparison.records]
    left, middle, right = st.columns([2, 1, 1], gap="medium")
    wanted = left.selectbox(
        "Similar to",
        names,
        index=None,
        placeholder="a film of these: type a part of its name",
        key=TO,
        bind="query-params",
        help="Films on which a network finds much the same: a failure and its like, say. "
        "*Errors* opens a film, and has a button that leads here.",
    )
    film = None if wanted else _ask_open_film(left)
    if wanted is None and film is None:
        return None, True
    if not networks:
        st.info("None of these networks is on this computer: nobody can say what they see alike.")
        return None, True
    network = middle.selectbox(
        "As seen by",
        networks,
        format_func=lambda name: plain_option(display.titles[name]),
        key=_NETWORK,
        bind="query-params",
    )
    count = right.number_input(
        "How many of the nearest",
        MIN_GROUP,
        max(MIN_GROUP, len(names)),
        max(MIN_GROUP, min(USUAL_COUNT, len(names) // 4)),
        step=10,
        key=_COUNT,
        bind="query-params",
    )
    found = _look(display, network)
    if found is None:
        return None, False
    places, features = found
    outcome = display.comparison.models[network].outcome
    place = names.index(wanted) if wanted else None
    if film:
        try:
            asked = pool(film.analysis.prediction(network))
        except XrayCoreError as error:
            st.error(describe_error(error), icon=":material/error:")
            return None, False
        # It may be one of them, opened from its file.
        place = dict(zip(features.hashes, places, strict=True)).get(film.sha256)
    elif place in places:
        asked = features.pooled[places.index(place)]
    else:
        st.warning(
            f"{plain(wanted)} is not on this computer or cannot be read: choose another film.",
            icon=":material/image_not_supported:",
        )
        return None, False
    patient = None if place is None else outcome.groups[place]
    order, distances = rank_alike(outcome, places, features.pooled, asked, patient)
    to = film.title if film else wanted
    return Likeness(to, display.titles[network], int(count), order, distances), True


def _ask_open_film(where: DeltaGenerator) -> OpenFilm | None:
    """One of the films that this browser has open; None for none, and where none is."""
    films = open_films().films
    if not films:
        return None
    # Not in the address: a name may be a patient's, and others have not got the film.
    chosen = where.selectbox(
        "or to a film that is open",
        list(films),
        index=None,
        format_func=lambda key: plain_option(films[key].title) if key in films else key,
        placeholder="one of yours: how good are they on films like it?",
        key="slice-like-open",
    )
    return films.get(chosen) if chosen else None


def offer_likeness(film: str) -> None:
    """A button that leads from a film to the scores of those that are like it."""
    if st.button(
        "How good on films like it?",
        icon=":material/hub:",
        key="slice-like-go",
        on_click=_go,
        args=(film,),
    ):
        # Out of the dialog: what was clicked in there draws it alone.
        st.rerun()


def _go(film: str) -> None:
    st.query_params.pop(FILM, None)
    st.session_state["section"] = "Subgroups"
    st.session_state[TO] = film
    # Its field writes the address only when somebody chooses in it.
    st.query_params[TO] = film


def describe_nearness(likeness: Likeness, mask: np.ndarray) -> str:
    """How near the films of a part, bool (n,), are to the one, and what was not compared."""
    chosen = set(np.flatnonzero(mask).tolist())
    inside = [d for i, d in zip(likeness.order, likeness.distances, strict=True) if i in chosen]
    if not inside:
        return ""
    left_out = pluralise(len(mask) - len(likeness.order), "film")
    return (
        f"They lie within {max(inside):.2f} of it, as far as {likeness.network} tells; half of "
        f"all films within {np.median(likeness.distances):.2f} (0: it cannot tell them apart). "
        f"Not compared, and among the others: {left_out}, such as are of the film's own patient "
        "or cannot be read here."
    )


def _look(display: DisplayedComparison, network: str) -> tuple[list[int], FilmFeatures] | None:
    """The films that a network could look at, and what it found; None where that is not known."""
    if not permitted(Action.SURVEY):
        st.info("To compare films a network looks at all of them: here nobody may ask for that.")
        return None
    key = (network, Network.of(network).card_sha256, display.key)
    asked = st.session_state.setdefault(_ASKED, set())
    title = plain(display.titles[network])
    if key not in asked:
        st.button(
            f"Have {title} look at these films",
            key="slice-like-look",
            type="primary",
            on_click=asked.add,
            args=(key,),
        )
        st.caption(
            "Once, some minutes for a thousand; what it finds is kept on this computer for 90 "
            "days. (The index of *films like this one* holds films that it learnt from, and none "
            "of these.)"
        )
        return None
    located = _locate(display)
    if not located:
        st.info(
            "These films are not on this computer (set XRAYCORE_DATA): what a network finds on "
            "them cannot be compared.",
            icon=":material/image_not_supported:",
        )
        return None
    job = _job(key, located)
    if not job.wait():
        poll(job)
        st.button("Stop", key="slice-like-stop", icon=":material/stop_circle:", on_click=job.stop)
        return None
    if job.error:
        asked.discard(key)
        _job.clear(key, located)
        if isinstance(job.error, Cancelled):
            st.info("Stopped. What was found so far is kept: it goes on from there.")
        else:
            st.error(describe_error(job.error), icon=":material/error:")
        st.button("Go on", key="slice-like-again", on_click=asked.add, args=(key,))
        return None
    features: FilmFeatures = job.result
    place_of = {record: place for place, record in located.items()}
    return [place_of[record] for record in features.records], features


def _locate(display: DisplayedComparison) -> dict[int, Record]:
    """Index -> record of the films that are here, with the file that they are in."""
    paths = [film_locator().path(r.source, r.path.name) for r in display.comparison.records]
    return {
        place: replace(record, path=path)
        for place, (record, path) in enumerate(zip(display.comparison.records, paths, strict=True))
        if path is not None
    }


@st.cache_resource(max_entries=4, show_spinner=False, hash_funcs={dict: lambda located: ""})
def _job(key: tuple, located: dict) -> Job:
    """Begun once for all sessions; which films they are is part of the key."""
    name = key[0]

    def work(report) -> FilmFeatures:
        looking = part_of(report, activity=f"{stored_title(name)} looks at the films")
        return run(keep_features, Network.of(name), list(located.values()), report=looking)

    return Job(work, Action.SURVEY)
