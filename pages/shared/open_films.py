"""The films that a session has open, on every page: uploads and samples; and the one looked at."""

import hashlib
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Self

import streamlit as st

from pages.shared import cache
from pages.shared.access import current_user
from pages.shared.analysis import Analysis, Key
from pages.shared.film_memory import MB
from pages.shared.jobs import Job
from pages.shared.kept_films import KeptFilms, kept_films_store, size_of_all
from pages.shared.visitor import visitor
from xraycore.config import limits
from xraycore.datasets.film_names import FilmName, Relation, nearest
from xraycore.errors import RadiographError
from xraycore.imaging import Radiograph, read_radiograph
from xraycore.imaging.encode import data_url, encode_jpeg
from xraycore.imaging.overlay import to_uint8
from xraycore.imaging.resample import fit_within
from xraycore.models.classifier import Prediction
from xraycore.report.annotations import Annotation

# Longest side of a thumbnail in pixels: of a row's height on a screen of twice the usual density.
_THUMBNAIL = 96


@dataclass(eq=False)
class OpenFilm:
    """A film that the session has open, and all that the session keeps of it.

    Attributes:
        key: Hash and name of the file, or a sample's; the same file is open once.
        title: What lists call it; of films that are open, no other has it.
        sha256: Of the file's bytes.
        analysis: The radiograph, what networks say of it, and what was found out; of a sample all
            sessions share it.
        size: Bytes of its file, which are held; 0 of a sample.
        sample: Id of the sample, if it is one.
        id: What addresses call it: drawn at random, so that it tells nothing and nobody guesses it.
        thumbnail: A small picture of it as a data URL.
        answers: What models said, without their features: model -> sha256 of its card, answer.
        jobs: Work that goes on or failed, by what it will find.
        stopped: What work was stopped that would have found.
        opacity: Where it was clicked to paint an opacity, in shares of width and height.
        annotations: What was drawn on it.
        study: What films of one study have in common; None where that is not known.
        view: The projection that a DICOM header names.
        name: What its file's name tells of patient and study; None where nothing.
    """

    key: str
    title: str
    sha256: str
    analysis: Analysis = field(repr=False)
    size: int = 0
    sample: str | None = None
    id: str = field(default_factory=lambda: secrets.token_urlsafe(9))
    thumbnail: str = ""
    answers: dict[str, tuple[str, Prediction]] = field(default_factory=dict, repr=False)
    jobs: dict[Key, Job] = field(default_factory=dict, repr=False)
    stopped: set[Key] = field(default_factory=set, repr=False)
    opacity: tuple[float, ...] | None = None
    annotations: tuple[Annotation, ...] = ()
    study: str | None = None
    view: str | None = None
    name: FilmName | None = None

    @classmethod
    def of_file(cls, name: str, data: bytes, thumbnail: str = "") -> Self:
        """A film whose file is held for as long as it is open."""
        sha256 = hashlib.sha256(data).hexdigest()
        analysis = Analysis(lambda: read_radiograph(data, name=name))
        return cls(f"{sha256}/{name}", name, sha256, analysis, len(data), thumbnail=thumbnail)

    @classmethod
    def of_sample(cls, identifier: str) -> Self:
        """A sample.

        Raises:
            RadiographError: If its file is damaged.
        """
        analysis = cache.sample_analysis(identifier)
        radiograph, title = analysis.radiograph(), cache.samples()[identifier].title
        picture = thumbnail(radiograph)
        key, sha256 = f"sample-{identifier}", radiograph.info.sha256
        return cls(key, title, sha256, analysis, sample=identifier, thumbnail=picture)

    def close(self) -> None:
        """Ends the work on it; of an uploaded one nothing is kept anywhere from then on."""
        for job in self.jobs.values():
            job.stop()
        self.jobs, self.answers, self.thumbnail = {}, {}, ""
        if self.sample:
            self.analysis.stop_prefetch()
        else:
            self.analysis.close()


@dataclass(frozen=True, eq=False)
class Companion:
    """A film to show beside another.

    Attributes:
        film: It.
        relation: What it is to the other.
        by_name: Whether only its file's name says so, not a DICOM header.
    """

    film: OpenFilm
    relation: Relation
    by_name: bool


class OpenFilms:
    """All films of a session; other tabs of the browser have the same, and look where they want.

    Attributes:
        kept: Where they are.
        refused: Why files of the last upload could not be opened.
        forgotten: Whether films that were open were forgotten, as nobody looked at them.
        uploads: How many there were: a new uploader is empty, the films are listed apart.
        worklist_job: What has models look at all of the films.
    """

    def __init__(self, kept: KeptFilms[OpenFilm] | None = None):
        self.kept: KeptFilms[OpenFilm] = kept or KeptFilms()
        self.refused: list[str] = []
        self.forgotten = False
        self.uploads = 0
        self.worklist_job: Job | None = None
        self._current = self.kept.last

    @property
    def films(self) -> dict[str, OpenFilm]:
        """By key, in the order in which they were opened."""
        return self.kept.films

    @property
    def current(self) -> OpenFilm | None:
        """The one that is looked at."""
        return self.films.get(self._current) if self._current else None

    def with_id(self, identifier: str) -> OpenFilm | None:
        """The film that an address calls so."""
        return next((film for film in list(self.films.values()) if film.id == identifier), None)

    def companions(self, film: OpenFilm) -> list[Companion]:
        """Open films to show beside one: of its study, of the one before, of the one after.

        What DICOM headers say goes before what names say. A film of which only the patient's name
        is known is one of them where there is no other.
        """
        others = [one for one in list(self.films.values()) if one is not film]
        found: list[Companion] = []
        if studied := [one for one in others if film.study and one.study == film.study]:
            one = min(studied, key=lambda one: one.view == film.view)
            found.append(Companion(one, "lateral" if one.view in ("LL", "RL") else "study", False))
        named = {one.key: one.name for one in others if one.name and one not in studied}
        related = nearest(film.name, named) if film.name else {}
        if found or "lateral" in related:
            related.pop("study", None)
        if found:
            related.pop("lateral", None)
        if found or len(related) > 1:
            related.pop("patient", None)
        order: tuple[Relation, ...] = ("lateral", "study", "earlier", "later", "patient")
        return found + [Companion(self.films[related[r]], r, True) for r in order if r in related]

    def use(self, kept: KeptFilms[OpenFilm]) -> None:
        """Goes on with what is kept now, which is empty once the films were forgotten."""
        if kept is not self.kept:
            self.forgotten = self._current is not None
            self.kept, self._current, self.worklist_job = kept, kept.last, None

    def check_room(self, name: str, size: int, read: Sequence[OpenFilm] = ()) -> None:
        """Whether a file may be opened too.

        Args:
            name: Of the file.
            size: Its bytes.
            read: Films that will be opened with it.

        Raises:
            RadiographError: If the session then had too many films or bytes, or all had too many.
        """
        most, more = limits(), sum(film.size for film in read) + size
        kept_films_store().make_room(more)
        everyones = size_of_all() + more
        for there, allowed, of in (
            (len(self.films) + len(read) + 1, most.films, "films that are open"),
            ((self.kept.size + more) / MB, most.film_mb, "MB of files of films that are open"),
            (
                everyones / MB,
                most.all_film_mb,
                "MB of files of films that all users have open",
            ),
        ):
            if there > allowed:
                raise RadiographError.of(
                    name,
                    expected=f"at most {allowed:,.0f} {of}",
                    received=f"{there:,.0f}. Close films, then open it again",
                )

    def open(self, films: Iterable[OpenFilm]) -> None:
        """Adds films and looks at the first; one that is open already stays what it is."""
        films = list(films)
        for film in films:
            if film.key not in self.films:
                # By its title a list finds a film again: no two have one, and none changes.
                film.title = self._distinct(film.title)
                if not film.sample:
                    film.analysis.memories += (self.kept.memory,)
                self.films[film.key] = film
        if films:
            self.select_film(films[0].key)

    def select_film(self, key: str | None) -> None:
        """Makes an open film the one that is looked at; networks leave the one before."""
        if self.current and self.current.key != key:
            self.current.analysis.stop_prefetch()
        self._current = self.kept.last = key if key in self.films else None
        self.refused, self.forgotten = [], False

    def close(self, *keys: str) -> None:
        """Closes films, and looks at the first that is left."""
        for film in [self.films.pop(key) for key in keys if key in self.films]:
            film.close()
        self.select_film(next(iter(self.films), None))

    def close_all(self) -> None:
        """Closes all films."""
        self.close(*self.films)

    def _distinct(self, name: str) -> str:
        """A film's title: its file's name, numbered where another film has it.

        Not its folder's name as well: in an archive that may be a patient's.
        """
        taken = {film.title for film in self.films.values()}
        numbered = (f"{name} ({number})" for number in count(2))
        return name if name not in taken else next(one for one in numbered if one not in taken)


def open_films() -> OpenFilms:
    """The session's films: those that are kept for this browser, or its own where none are."""
    who = visitor()
    # Of two people who sign in at one browser neither gets the other's.
    kept = kept_films_store().of(f"{who}/{current_user().id}") if who else None
    films = st.session_state.get("open-films")
    if films is None:
        films = st.session_state["open-films"] = OpenFilms(kept)
    if kept is None:
        _close_at_the_end(films)
    else:
        films.use(kept)
    return films


def thumbnail(radiograph: Radiograph) -> str:
    """A small picture of a film as a data URL."""
    return data_url(encode_jpeg(to_uint8(fit_within(radiograph.pixels, _THUMBNAIL))))


def _release(films: OpenFilms) -> None:
    films.close_all()


@st.cache_resource(scope="session", show_spinner=False, on_release=_release)
def _close_at_the_end(_films: OpenFilms) -> OpenFilms:
    """Has Streamlit close the films when the browser's tab is closed."""
    return _films
