"""Films outlive a tab: kept in memory for the browser that opened them, for a time that is told."""

import threading
import time
from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar
from weakref import WeakSet

import streamlit as st

from pages.shared.film_memory import MB, FilmMemory
from xraycore.config import limits

_SWEEP_SECONDS = 20
# A browser that was used since is not made to give way to another.
_IDLE_SECONDS = 5 * 60


class Closable(Protocol):
    """What holds a file of so many bytes until it is closed."""

    size: int

    def close(self) -> None:
        """Lets go of it."""


Film = TypeVar("Film", bound=Closable)
# What all browsers have open; of one that is gone nothing is in it.
_everyones: "WeakSet[KeptFilms[Any]]" = WeakSet()


class KeptFilms(Generic[Film]):
    """The films of one browser, shared by its tabs.

    Attributes:
        films: By key, in the order in which they were opened.
        memory: What its uploaded films may take beside their files.
        last: Key of the one that was looked at last, by any tab.
        used: When any tab last ran a page, on the monotonic clock.
    """

    def __init__(self) -> None:
        self.films: dict[str, Film] = {}
        self.memory = FilmMemory(limits().memory_mb * MB)
        self.last: str | None = None
        self.used = time.monotonic()
        _everyones.add(self)

    @property
    def size(self) -> int:
        """Bytes of its files."""
        return sum(film.size for film in list(self.films.values()))

    def seconds_left(self) -> float:
        """Until they are forgotten, if nobody looks at them."""
        return 60 * limits().keep_minutes - (time.monotonic() - self.used)

    def forget(self) -> None:
        """Closes all films."""
        films = list(self.films.values())
        self.films.clear()
        self.last = None
        for film in films:
            film.close()


def size_of_all() -> int:
    """Bytes of the files that all browsers have open."""
    return sum(kept.size for kept in list(_everyones))


class KeptFilmsStore:
    """The films of all browsers, by the hash of a browser's secret; they end by themselves."""

    def __init__(self) -> None:
        self._kept: dict[str, KeptFilms[Any]] = {}
        self._touching = threading.Lock()
        self._ended = threading.Event()
        threading.Thread(target=self._watch, name="kept-films", daemon=True).start()

    def of(self, visitor: str) -> KeptFilms[Any]:
        """A browser's films, which are used by that; what was kept too long is gone before."""
        self.sweep()
        with self._touching:
            kept = self._kept.pop(visitor, None) or KeptFilms()
            self._kept[visitor] = kept
            kept.used = time.monotonic()
        return kept

    def sweep(self) -> None:
        """Forgets what was not used for too long."""
        self._forget(lambda kept: kept.seconds_left() <= 0)

    def make_room(self, size: int) -> None:
        """Has browsers that are away give way, the longest first, until so much fits."""
        most = limits().all_film_mb * MB - size
        now = time.monotonic()
        self._forget(lambda kept: size_of_all() > most and now - kept.used > _IDLE_SECONDS)

    def _forget(self, is_over: Callable[[KeptFilms[Any]], bool]) -> None:
        with self._touching:
            # Those used longest ago come first.
            for key, kept in list(self._kept.items()):
                if is_over(kept):
                    self._kept.pop(key).forget()

    def close(self) -> None:
        """Ends its thread, and forgets all."""
        self._ended.set()
        with self._touching:
            forgotten, self._kept = list(self._kept.values()), {}
        for kept in forgotten:
            kept.forget()

    def _watch(self) -> None:
        while not self._ended.wait(_SWEEP_SECONDS):
            self.sweep()


@st.cache_resource(show_spinner=False, on_release=KeptFilmsStore.close)
def kept_films_store() -> KeptFilmsStore:
    """The app's store."""
    return KeptFilmsStore()
