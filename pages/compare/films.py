"""Which film the reading room is about: the address says so, and every choice is one step of it."""

import streamlit as st

from pages.compare.pacs import offer_pacs
from pages.shared import cache
from pages.shared.access import acts
from pages.shared.address import catch_up, read_address, step
from pages.shared.faults import guarded
from pages.shared.film_picker import ask_sample, say_refused, upload_films
from pages.shared.layout import entered, plain
from pages.shared.open_films import OpenFilm, open_films
from pages.shared.sample_gallery import show_gallery
from xraycore.access import Action
from xraycore.imaging import RadiographError
from xraycore.utils.text import pluralise

# The film of an address that names none: the one that was looked at when the page was entered.
_START = "compare-start"


def film_of_address() -> OpenFilm | None:
    """The film to look at; says what is wrong with an address that names none that is here."""
    catch_up()
    films = open_films()
    identifier, title = read_address("film"), read_address("sample")
    if entered("Compare") or _START not in st.session_state:
        st.session_state[_START] = films.current.key if films.current else None
    if films.forgotten:
        st.info("Your films were forgotten: nobody had looked at them for a while.")
    film = None
    if title:
        film = _sample_of_title(title)
    elif identifier:
        film = films.with_id(identifier)
        if film is None and not films.forgotten:
            st.warning(
                "The film of this address is not open in this browser: it was closed or forgotten, "
                "or it is open in another browser, which alone can show it.",
                icon=":material/visibility_off:",
            )
    elif key := st.session_state[_START]:
        film = films.films.get(key)
    if film is not None and film is not films.current:
        refused = films.refused
        films.select_film(film.key)
        # What an upload left out is told with the film that it opened.
        films.refused = refused if film.id == st.session_state.pop(_OPENED, None) else []
    return film


# Id of the film that an upload has just opened.
_OPENED = "compare-opened"


def look_at(film: OpenFilm) -> None:
    """Looks at an open film from now on; fit for a callback."""
    if film.sample:
        step(sample=cache.samples()[film.sample].title, film=None, anyway=None)
    else:
        step(film=film.id, sample=None, anyway=None)


@acts(Action.LOOK)
@guarded
def pick(identifier: str) -> None:
    """Looks at the open film that addresses call so; a callback of the worklist."""
    if film := open_films().with_id(identifier):
        look_at(film)


@acts(Action.LOOK)
@guarded
def close(identifier: str) -> None:
    """Closes a film, and looks at the one that stood behind it, or else before it."""
    films = open_films()
    order = list(films.films.values())
    place = next((n for n, film in enumerate(order) if film.id == identifier), None)
    if place is None:
        return
    films.close(order[place].key)
    left = [*order[place + 1 :], *reversed(order[:place])]
    _leave_for(left[0] if left else None)


@acts(Action.LOOK)
@guarded
def forget_all() -> None:
    """Closes all films, and what was drawn on them."""
    open_films().close_all()
    _leave_for(None)


def choose_films() -> None:
    """The uploader, the samples, and a PACS where the settings name one."""
    upload_films(_opened)
    ask_sample(_chosen_sample)
    offer_pacs(_opened)


def show_start() -> None:
    """Where no film is looked at: how to open one."""
    say_refused()
    films = open_films().films
    left, right = st.columns([1, 2], gap="large")
    with left:
        choose_films()
        if films:
            st.button(
                f"Back to the {pluralise(len(films), 'film')} that are open"
                if len(films) > 1
                else "Back to the film that is open",
                on_click=look_at,
                args=(next(iter(films.values())),),
                icon=":material/arrow_back:",
            )
    show_gallery(open_sample, beside=right)


@acts(Action.LOOK)
@guarded
def open_sample(identifier: str) -> None:
    """Opens a sample, or looks at it again; fit for a callback."""
    if film := _open_sample(identifier):
        look_at(film)


def _chosen_sample() -> None:
    if identifier := st.session_state["sample"]:
        # It is a way to a film, not a statement of which is looked at.
        st.session_state["sample"] = None
        open_sample(identifier)


def _opened(film: OpenFilm) -> None:
    st.session_state[_OPENED] = film.id
    look_at(film)


def _leave_for(film: OpenFilm | None) -> None:
    st.session_state[_START] = None
    if film is None:
        step(film=None, sample=None, anyway=None)
    else:
        look_at(film)


def _sample_of_title(title: str) -> OpenFilm | None:
    """The sample of an address, opened where it is not yet."""
    samples = cache.samples()
    identifier = next((key for key, one in samples.items() if title in (one.title, key)), None)
    if identifier is None:
        st.warning(plain(f"There is no sample {title!r} here."), icon=":material/visibility_off:")
        return None
    return _open_sample(identifier)


def _open_sample(identifier: str) -> OpenFilm | None:
    films = open_films()
    if film := films.films.get(f"sample-{identifier}"):
        return film
    try:
        film = OpenFilm.of_sample(identifier)
    except RadiographError as error:
        st.error(plain(str(error)), icon=":material/broken_image:")
        return None
    films.open([film])
    return film
