"""How much memory the films and uploads of a session, and those of all sessions, take and may."""

import threading
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Protocol
from weakref import WeakKeyDictionary

from streamlit.runtime import Runtime
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFile

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


def size_of(result: object) -> int:
    """Bytes that a result takes, about: those of its arrays, texts and pictures."""
    counted: set[int] = set()

    def size(one: object) -> int:
        if id(one) in counted:
            return 0
        counted.add(id(one))
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

    return size(result)


def drop_upload(upload: UploadedFile) -> None:
    """Has Streamlit let go of an upload, which it else holds until the browser's tab is closed."""
    # There is no public way (looked for in 1.67): a new key or a widget that is gone lets go of the
    # widget's value, not of the bytes. As Streamlit's own chat input does it; others need not know.
    context = get_script_run_ctx()
    if context and isinstance(context.uploaded_file_mgr, MemoryUploadedFileManager):
        context.uploaded_file_mgr.remove_file(context.session_id, upload.file_id)


def held_uploads(session: str | None = None) -> int:
    """Bytes of uploads that Streamlit holds, of a session or of all.

    It takes as many as are sent to it, whether or not any page asks for them.
    """
    manager = Runtime.instance().uploaded_file_mgr if Runtime.exists() else None
    if not isinstance(manager, MemoryUploadedFileManager):
        return 0
    held = list(manager.file_storage.items())
    wanted = [files for name, files in held if session in (None, name)]
    return sum(len(file.data) for files in wanted for file in list(files.values()))
