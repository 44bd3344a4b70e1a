"""Who has signed out: his sign-in counts no more, in whatever tab and after any restart."""

import hashlib
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Annotated

from pydantic import Field

from xraycore.errors import AccessError
from xraycore.utils.files import make_private_file, make_private_folder, replacing
from xraycore.utils.stored import Sha256, Stored, read_stored

_Seconds = Annotated[float, Field(ge=0)]


class _SignOuts(Stored):
    ended: dict[Sha256, _Seconds]


class SignOuts:
    """The newest sign-in of each person who has signed out, until it would have ended by itself.

    Of a person a hash is kept. A sign-in that was made later, as in another browser, goes on.

    Args:
        file: Where they are kept; None for this process' memory only.
        seconds: How long a sign-in holds.

    Raises:
        AccessError: If the file cannot be read: without it, who signed out would be signed in.
    """

    def __init__(self, file: Path | None = None, seconds: float = float("inf")):
        self._file, self._seconds = file, seconds
        self._lock = threading.Lock()
        self._ended: dict[str, float] = {}
        if file is not None:
            with suppress(FileNotFoundError):
                self._ended = read_stored(file, _SignOuts, AccessError)["ended"]

    def note(self, person: str, issued: float) -> None:
        """Ends a person's sign-in, and all that he had before it.

        Args:
            person: `User.id`.
            issued: When the sign-in was made, by the provider's clock: seconds since 1970.

        Raises:
            StorageError: If it cannot be kept beyond this process.
        """
        known = _hashed(person)
        with self._lock:
            self._ended[known] = max(issued, self._ended.get(known, 0))
            oldest = time.time() - self._seconds
            self._ended = {one: at for one, at in self._ended.items() if at >= oldest}
            if self._file is not None:
                self._keep(self._file)

    def ended(self, person: str, issued: float) -> bool:
        """Whether that sign-in of a person has ended."""
        return issued <= self._ended.get(_hashed(person), float("-inf"))

    def _keep(self, file: Path) -> None:
        make_private_folder(file.parent)
        with replacing(file) as part:
            make_private_file(part)
            part.write_text(_SignOuts(ended=self._ended).model_dump_json(), encoding="utf-8")


def _hashed(person: str) -> str:
    return hashlib.sha256(person.encode()).hexdigest()
