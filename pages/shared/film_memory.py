"""How much memory the films of a session, and those of all sessions, may take."""

import threading
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Protocol
from weakref import WeakKeyDictionary

MB = 1_000_000
# What an object takes beside its contents, about.
_BARE = 64


class Coolable(Protocol):
    """What the memory holds: a film with results that can be computed again."""

    @property
    def size(self) -> int:
        """Bytes of its results."""

    def cool(self, *, long: bool = False) -> None:
        """Lets go of results that are made again at once; `long`: of all."""


class FilmMemory:
    """Films that have a number of bytes together; the ones used longest ago give way.

    They first lose what is made again at once. If that is not enough, what takes minutes.
    """

    def __init__(self, most: float):
        self.most = most
        self._films: WeakKeyDictionary[Coolable, None] = WeakKeyDictionary()
        self._touching = threading.Lock()

    @property
    def size(self) -> int:
        """Bytes of all results of all its films."""
        with self._touching:
            return sum(film.size for film in self._films)

    def touch(self, film: Coolable) -> None:
        """Notes that a film is used now."""
        with self._touching:
            self._films.pop(film, None)
            self._films[film] = None

    def settle(self) -> None:
        """Has films give way until all fit; never the one used last, which someone looks at."""
        with self._touching:
            films = list(self._films)
        over = sum(film.size for film in films) - self.most
        for long in (False, True):
            for film in films[:-1]:
                if over <= 0:
                    return
                before = film.size
                film.cool(long=long)
                over -= before - film.size

    def leave(self, film: Coolable) -> None:
        """Forgets a film that was closed."""
        with self._touching:
            self._films.pop(film, None)


def size_of(found: object) -> int:
    """Bytes that a result takes, about: those of its arrays, texts and pictures."""
    seen: set[int] = set()

    def size(one: object) -> int:
        if id(one) in seen:
            return 0
        seen.add(id(one))
        if hasattr(one, "nbytes"):
            return int(one.nbytes) + _BARE
        if isinstance(one, bytes | str):
            return len(one) + _BARE
        if isinstance(one, Mapping):
            return _BARE + sum(size(key) + size(value) for key, value in one.items())
        if isinstance(one, list | tuple | set | frozenset):
            return _BARE + sum(map(size, one))
        if is_dataclass(one):
            return _BARE + sum(size(getattr(one, field.name)) for field in fields(one))
        return _BARE

    return size(found)
