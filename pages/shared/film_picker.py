"""The list of films with its uploader and samples, and what leads to an open film."""

import hashlib
import re
import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path, PurePath, PurePosixPath

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.shared import cache, inference
from pages.shared.access import acts, get_access, permitted
from pages.shared.faults import guarded
from pages.shared.film_memory import drop_upload
from pages.shared.layout import plain
from pages.shared.open_films import OpenFilm, OpenFilms, open_films, thumbnail
from pages.shared.sample_gallery import show_gallery
from xraycore.access import Action
from xraycore.config import shows_film_names
from xraycore.datasets.film_names import FilmName, read_film_name
from xraycore.imaging import RadiographError
from xraycore.imaging.archive import unpack
from xraycore.utils.text import pluralise

# An office document is an archive too, of a hundred files that are no films.
_MOST_SAID = 8
_NUMBERED = re.compile(r"Film (\d+)")


def film_and_models(side: DeltaGenerator) -> tuple[OpenFilm, list[str]] | None:
    """The film to look at and the trained models; else says what to do, and None.

    Args:
        side: Where the films are listed.
    """
    # It gets ready while a film is chosen.
    inference.process()
    film = choose_film(side)
    if film is None:
        show_gallery(lambda identifier: st.session_state.__setitem__("sample", identifier))
    elif trained := usable_models():
        return film, trained
    return None


def choose_film(side: DeltaGenerator) -> OpenFilm | None:
    """The list of films, an uploader and the samples; gives the film to look at."""
    films = open_films()
    with side:
        upload_films(lambda film: select_film(film.key))
        film = films.current
        if not st.session_state.get("sample") and film and film.sample:
            st.session_state["sample"] = film.sample
        chosen = ask_sample(_leave_sample, bind="query-params")
        if chosen and (film is None or film.sample != chosen):
            try:
                films.open([OpenFilm.of_sample(chosen)])
            except RadiographError as error:
                st.error(plain(str(error)), icon=":material/broken_image:")
        if films.films:
            _list_films(films)
    say_refused()
    return films.current


def ask_sample(on_change: Callable[[], object], **more: object) -> str | None:
    """The list of sample films; gives the identifier of the chosen one, also under key "sample".

    Args:
        on_change: Called after another one was chosen.
        more: Of `st.selectbox`.
    """
    samples = cache.samples()
    return st.selectbox(
        "or a sample",
        list(samples),
        index=None,
        format_func=lambda key: samples[key].title,
        placeholder="Choose a sample film",
        key="sample",
        on_change=on_change,
        help="The synthetic films are generated; real ones appear where the data sets are.",
        **more,
    )


def known_truth(film: OpenFilm) -> str:
    """What is known of a film, in a sentence; "" for nothing."""
    return cache.samples()[film.sample].truth if film.sample else ""


def compare_button(path: Path) -> None:
    """A button that opens a file's film and goes to Compare with it.

    Raises:
        RadiographError: If the file can no longer be read.
    """
    if st.button("See what the models say", icon=":material/compare:", key="open-in-compare"):
        film = open_file(path.name, path.read_bytes())
        # No more folders: one farther above may be called like a patient and be none.
        film.name = named_within(str(path.parent.parent.parent), path, path.parts[-3:-1])
        films = open_films()
        films.open([film])
        address = {"film": films.films[film.key].id}
        st.switch_page("pages/compare/page.py", query_params=address)


def usable_models() -> list[str]:
    """Names of the trained models; says which have a card that cannot be read, or that none is."""
    usable, problems = cache.trained_models()
    for text in problems:
        st.error(plain(text), icon=":material/error:")
    if not usable:
        st.error("No trained model lies under weights/. Train one, then ship it: see the README.")
    return usable


def select_film(key: str | None) -> None:
    """Makes an open film the one that is looked at; fit for a callback."""
    films = open_films()
    films.select_film(key)
    st.session_state["sample"] = films.current.sample if films.current else None


def upload_films(on_open: Callable[[OpenFilm], object] = lambda _: None) -> None:
    """The uploader; what it takes is open from then on, or refused (see `say_refused`).

    Args:
        on_open: Called with the first that was opened.
    """
    if not permitted(Action.UPLOAD):
        return
    key = f"uploads-{open_films().uploads}"
    st.file_uploader(
        "Chest X-rays",
        accept_multiple_files=True,
        key=key,
        on_change=_take_uploads,
        args=(key, on_open),
        help="JPEG, PNG, TIFF, BMP, WebP, HEIC, AVIF or DICOM, up to 64 MiB each, or a ZIP archive "
        "of them, up to 256 MB. Files go to the computer that runs this app and are held in its "
        "memory until you close them or nobody has looked at them for a while, a DICOM file with "
        "all that its header says. No other browser sees them. Names of files appear in exports.",
    )


def say_refused() -> None:
    """Which files of the last upload were refused, and why."""
    refused = open_films().refused
    for text in refused[:_MOST_SAID]:
        st.error(plain(text), icon=":material/broken_image:")
    if len(refused) > _MOST_SAID:
        st.error(f"{len(refused) - _MOST_SAID:,} more files were refused.")


def _list_films(opened: OpenFilms) -> None:
    films = opened.films
    st.session_state["film"] = opened.current.key if opened.current else None
    st.selectbox(
        "Film" if len(films) == 1 else f"Film, of {len(films)} that are open",
        list(films),
        format_func=lambda key: films[key].title if key in films else key,
        key="film",
        on_change=lambda: select_film(st.session_state["film"]),
    )
    with st.container(horizontal=True):
        st.button("Close film", on_click=_close, args=(opened.current.key,), width="stretch")
        if len(films) > 1:
            st.button("Close all", on_click=lambda: _close(*films), width="stretch")


def _close(*keys: str) -> None:
    films = open_films()
    films.close(*keys)
    select_film(films.current.key if films.current else None)


def _leave_sample() -> None:
    film = open_films().current
    if not st.session_state["sample"] and film and film.sample:
        _close(film.key)


@acts(Action.UPLOAD)
@guarded
def _take_uploads(widget: str, on_open: Callable[[OpenFilm], None]) -> None:
    # A run that was asked for meanwhile gets them once more, when they were taken already.
    given = st.session_state.get(widget) or []
    uploads = [one for one in given if hasattr(one, "getvalue")]
    if not uploads:
        return
    films = open_films()
    read: list[OpenFilm] = []
    refused: list[str] = []
    together = secrets.token_hex(8)
    with st.spinner(f"Reading {pluralise(len(uploads), 'file')} …"):
        for upload in uploads:
            # One film after the other: an archive's films together may be half a gigabyte.
            for path, data in unpack(upload.name, upload.getvalue(), refused):
                place = PurePosixPath(path)
                shown = name = place.name
                try:
                    films.check_room(name, len(data), read)
                    shown = display_name(name, [*films.films.values(), *read])
                    film = open_file(shown, data)
                    film.name = named_within(together, place, place.parts[:-1])
                    read.append(film)
                except RadiographError as error:
                    # Whoever brought the file knows it by its own name.
                    refused.append(str(error).replace(shown, name, 1))
            drop_upload(upload)
    films.uploads += 1
    films.open(read)
    if read:
        on_open(films.films[read[0].key])
    films.refused = refused


def display_name(name: str, films: Iterable[OpenFilm]) -> str:
    """What the next film is called everywhere, in exports too: its file's name, or a number."""
    if shows_film_names(get_access().served):
        return name
    numbers = (_NUMBERED.fullmatch(film.title) for film in films)
    return f"Film {1 + max((int(found[1]) for found in numbers if found), default=0)}"


def named_within(place: str, path: PurePath, folders: Sequence[str]) -> FilmName | None:
    """What a film's name tells, of films of one place alone; without the patient's name.

    Args:
        place: An upload, or a folder.
        path: Of the file.
        folders: Names of those above it.
    """
    found = read_film_name(path, folders)
    if found is None:
        return None
    secret = hashlib.sha256(f"{place}/{found.patient}".encode()).hexdigest()[:16]
    return replace(found, patient=secret)


def open_file(name: str, data: bytes) -> OpenFilm:
    """A file as a film to open.

    Raises:
        RadiographError: If it is none.
    """
    film = OpenFilm.of_file(name, data)
    radiograph = film.analysis.radiograph()
    film.thumbnail = thumbnail(radiograph)
    film.study, film.view = radiograph.info.study, radiograph.info.view_position
    return film
