"""The films that a session has open, on every page: uploads, archives and samples; and the one that
is looked at."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

import streamlit as st

from pages.components import film_viewer
from pages.shared import cache, results
from pages.shared.layout import plain
from pages.shared.sample_gallery import show_gallery
from pages.shared.uploads import drop_upload
from xraycore.imaging import Radiograph, RadiographError, read_radiograph
from xraycore.imaging.archive import unpack
from xraycore.imaging.encode import data_url, encode_jpeg
from xraycore.imaging.overlay import to_uint8
from xraycore.imaging.resample import fit_within
from xraycore.utils.text import pluralise

# An office document is an archive too, of a hundred files that are no films.
_MOST_SAID = 8
# Longest side of a thumbnail in pixels: of a row's height on a screen of twice the usual density.
_THUMBNAIL = 96

# State of the session: films by key, key of the one that is looked at, what was refused and why,
# and how many uploads came before (a new key empties the uploader: the films are listed by us).
_OPEN, _CURRENT, _REFUSED, _ROUND = "open-films", "current-film", "refused-films", "upload-round"


@dataclass(frozen=True)
class OpenFilm:
    """A film that the session has open.

    Attributes:
        key: Hash and name of the file, or a sample's; the same file is open once.
        title: What lists call it; of films that are open, no other has it.
        sha256: Of the file's bytes.
        sample: Id of the sample, if it is one.
        data: Bytes of the file, if it was uploaded.
        thumbnail: A small picture of it as a data URL; it goes with the film.
    """

    key: str
    title: str
    sha256: str
    sample: str | None = None
    data: bytes = b""
    thumbnail: str = ""

    def read(self) -> Radiograph:
        """The film itself; it was read before, when it was opened."""
        if self.sample:
            return cache.read_sample(self.sample)
        name = self.key.partition("/")[2]
        return cache.read_film(self.key, lambda: read_radiograph(self.data, name=name))

    def forget(self) -> None:
        """Lets go of what all sessions share of it; of a sample nothing need be."""
        if not self.sample:
            cache.forget_film(self.key, self.sha256)
            film_viewer.forget_drawn()


def open_films() -> dict[str, OpenFilm]:
    """The films that are open, by key, in the order in which they were opened."""
    return st.session_state.setdefault(_OPEN, {})


def current_key() -> str | None:
    """Key of the film that is looked at."""
    return st.session_state.get(_CURRENT)


def look_at(key: str | None) -> None:
    """Makes an open film the one that is looked at; fit for a callback."""
    st.session_state[_CURRENT] = key
    st.session_state.pop(_REFUSED, None)
    film = open_films().get(key)
    st.session_state["sample"] = film.sample if film else None


def choose_film() -> Radiograph | None:
    """The sidebar's list of films, an uploader and the samples; gives the film to look at."""
    samples = cache.samples()
    with st.sidebar:
        upload_films()
        film = open_films().get(current_key())
        if not st.session_state.get("sample") and film and film.sample:
            st.session_state["sample"] = film.sample
        chosen = st.selectbox(
            "or a sample",
            list(samples),
            index=None,
            format_func=lambda key: samples[key].title,
            placeholder="Choose a sample film",
            key="sample",
            bind="query-params",
            on_change=_leave_sample,
            help="The synthetic films are generated; real ones appear where the data sets are.",
        )
        if chosen and (film is None or film.sample != chosen):
            try:
                xray = cache.read_sample(chosen)
            except RadiographError as error:
                st.error(plain(str(error)), icon=":material/broken_image:")
            else:
                title, small = samples[chosen].title, _thumbnail(xray)
                key, sha256 = f"sample-{chosen}", xray.info.sha256
                _open([OpenFilm(key, title, sha256, chosen, thumbnail=small)])
        if open_films():
            _list_films()
    say_refused()
    film = open_films().get(current_key())
    return film.read() if film else None


def known_truth() -> str:
    """What is known of the film that is looked at, in a sentence; "" for nothing."""
    film = open_films().get(current_key())
    return cache.samples()[film.sample].truth if film and film.sample else ""


def compare_button(path: Path, xray: Radiograph) -> None:
    """A button that opens a file's film and goes to Compare with it."""
    if st.button("See what the models say", icon=":material/compare:", key="open-in-compare"):
        _open([_film_of_file(xray, path.read_bytes())])
        # Not bare: the page's own fields are bound to its link, and may not be cleared for it.
        st.switch_page("pages/compare/page.py", query_params={})


def film_and_models() -> tuple[Radiograph, list[str]] | None:
    """The film to look at and the trained models; else says what to do, and None."""
    film = choose_film()
    if film is None:
        show_gallery()
    elif trained := usable_models():
        return film, trained
    return None


def usable_models() -> list[str]:
    """Names of the trained models; says which have a card that cannot be read, or that none is."""
    usable, problems = cache.trained_models()
    for text in problems:
        st.error(plain(text), icon=":material/error:")
    if not usable:
        st.error("No trained model lies under weights/. Train one, then ship it: see the README.")
    return usable


def _list_films() -> None:
    films = open_films()
    st.session_state["film"] = current_key()
    st.selectbox(
        "Film" if len(films) == 1 else f"Film, of {len(films)} that are open",
        list(films),
        format_func=lambda key: films[key].title if key in films else key,
        key="film",
        on_change=lambda: look_at(st.session_state["film"]),
    )
    with st.container(horizontal=True):
        st.button("Close film", on_click=_close, args=(current_key(),), width="stretch")
        if len(films) > 1:
            st.button("Close all", on_click=_close_all, width="stretch")


def upload_films() -> None:
    """The uploader; what it takes is open from then on, or refused (see `say_refused`)."""
    _forget_at_the_end(open_films())
    number = st.session_state.setdefault(_ROUND, 0)
    st.file_uploader(
        "Chest X-rays",
        accept_multiple_files=True,
        key=f"uploads-{number}",
        on_change=_take_uploads,
        args=(f"uploads-{number}",),
        help="JPEG, PNG, TIFF, BMP, WebP or DICOM, up to 64 MiB each, or a ZIP archive of "
        "them, up to 256 MB. Files go to the computer that runs this app and are held in its "
        "memory only while they are open, a DICOM file with all that its header says; names of "
        "files appear in exports.",
    )


def say_refused() -> None:
    """Which files of the last upload were refused, and why."""
    refused = st.session_state.get(_REFUSED, ())
    for text in refused[:_MOST_SAID]:
        st.error(plain(text), icon=":material/broken_image:")
    if len(refused) > _MOST_SAID:
        st.error(f"{len(refused) - _MOST_SAID:,} more files were refused.")


def _leave_sample() -> None:
    film = open_films().get(current_key())
    if not st.session_state["sample"] and film and film.sample:
        _close(film.key)


def _take_uploads(widget: str) -> None:
    uploads = st.session_state[widget] or []
    films: dict[str, OpenFilm] = {}
    refused: list[str] = []
    files: list[tuple[str, bytes]] = []
    with st.spinner(f"Opening {pluralise(len(uploads), 'file')} …"):
        for upload in uploads:
            files += unpack(upload.name, upload.getvalue(), refused)
            drop_upload(upload)
    with st.spinner(f"Reading {pluralise(len(files), 'film')} …"):
        for name, data in files:
            try:
                xray = read_radiograph(data, name=name)
                # The first are looked at first: later ones would take their place.
                film = _film_of_file(xray, data, keep=len(films) < cache.FILMS_KEPT)
            except RadiographError as error:
                refused.append(str(error))
            else:
                films[film.key] = film
    st.session_state[_ROUND] += 1
    _open(list(films.values()))
    st.session_state[_REFUSED] = refused


def _film_of_file(xray: Radiograph, data: bytes, *, keep: bool = True) -> OpenFilm:
    """A file as a film to open, from what was just decoded of it; if kept it is not again."""
    info = xray.info
    key = f"{info.sha256}/{info.name}"
    if keep:
        cache.read_film(key, lambda: xray)
    return OpenFilm(key, info.name, info.sha256, data=data, thumbnail=_thumbnail(xray))


def _thumbnail(xray: Radiograph) -> str:
    return data_url(encode_jpeg(to_uint8(fit_within(xray.pixels, _THUMBNAIL))))


def _distinct(name: str, others: Iterable[OpenFilm]) -> str:
    """A film's title: its file's name, numbered where another film has it.

    Not its folder's name as well: in an archive that may be a patient's.
    """
    taken = {film.title for film in others}
    numbered = (f"{name} ({number})" for number in count(2))
    return name if name not in taken else next(one for one in numbered if one not in taken)


def _open(films: list[OpenFilm]) -> None:
    if not films:
        return
    opened = open_films()
    for film in films:
        # By its title a list finds a film again: no two have one, and none changes.
        if film.key not in opened:
            opened[film.key] = replace(film, title=_distinct(film.title, opened.values()))
    st.session_state[_CURRENT] = films[0].key
    st.session_state.pop(_REFUSED, None)
    if not films[0].sample:
        st.session_state["sample"] = None


def _close(*keys: str) -> None:
    films = open_films()
    for film in [films.pop(key) for key in keys if key in films]:
        if not film.sample:
            cache.stop_looking(film.sha256)
            results.forget(film.sha256)
            film.forget()
    look_at(next(iter(films), None))


def _close_all() -> None:
    _close(*open_films())


def _forget_films(films: dict[str, OpenFilm]) -> None:
    for film in films.values():
        film.forget()


@st.cache_resource(scope="session", show_spinner=False, on_release=_forget_films)
def _forget_at_the_end(_films: dict[str, OpenFilm]) -> dict[str, OpenFilm]:
    """Has Streamlit let go of the films that are open when the browser's tab is closed."""
    return _films
