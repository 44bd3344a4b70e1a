"""Films as a table lists them: their files found, their labels chosen, their patients told."""

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from xraycore.datasets.files import FileTally, find_films
from xraycore.datasets.labelling import Labelling
from xraycore.datasets.layouts.layout import Reading
from xraycore.datasets.masks import Lesion
from xraycore.datasets.patients import patient_of
from xraycore.datasets.reasons import AMBIGUOUS, LATERAL, NO_FILE, NOT_LISTED
from xraycore.datasets.records import Record

_LATERAL = {"l", "ll", "rl", "llat", "rlat", "lat", "left lateral", "right lateral"}


@dataclass(frozen=True)
class Listed:
    """A film as a table lists it.

    Attributes:
        where: The row, in words.
        name: What stands for its file: a path, a name, or a name without its ending.
        findings: Canonical labels.
        doubt: A finding is uncertain.
        split: "train", "val", "test" or "".
        patient: "" for what the names tell.
        age: In years.
        lateral: The table calls it a lateral view.
        lesion: What is drawn on it.
        in_pixels: Boxes of the lesion count the film's own pixels.
        reason: Why it is not used, "" if nothing is against it.
    """

    where: str
    name: str
    findings: tuple[str, ...] = ()
    doubt: bool = False
    split: str = ""
    patient: str = ""
    age: float | None = None
    lateral: bool = False
    lesion: Lesion | None = None
    in_pixels: bool = False
    reason: str = ""


def is_lateral(view: str) -> bool:
    """Whether a table's word for a view is one from the side."""
    return view.strip().lower() in _LATERAL or view.strip().lower().startswith("lateral")


def path_parts(text: str) -> tuple[str, ...]:
    """A path as any system writes it, without a drive and what leads nowhere.

    >>> path_parts("C:\\\\data\\\\img\\\\a.png"), path_parts("./img/../b.png")
    (('data', 'img', 'a.png'), ('b.png',))
    """
    parts: list[str] = []
    for part in text.strip().strip("'\"").replace("\\", "/").split("/"):
        if part == ".." and parts:
            parts.pop()
        elif part not in ("", ".", "..") and not (len(part) == 2 and part[1] == ":"):
            parts.append(part)
    return tuple(parts)


class FilmFinder:
    """Finds the films of a folder by paths that may begin elsewhere, or lack folder or ending.

    A name alone finds a film only if it stands for one film in the table too: in CheXpert's every
    patient has a `view1_frontal.jpg`.

    Args:
        root: What the films' paths are taken from.
        films: Those there are.
        named: All that the table names.
    """

    def __init__(self, root: Path, films: Iterable[Path], named: Iterable[str]) -> None:
        of_name = Counter(
            _composed(parts[-1]) for text in set(named) if (parts := path_parts(text))
        )
        self._repeated = {name for name, number in of_name.items() if number > 1}
        self._by_path: dict[str, Path] = {}
        self._by_name: dict[str, list[Path]] = defaultdict(list)
        for film in films:
            self._by_path[_composed(film.relative_to(root).as_posix())] = film
            for name in {_composed(film.name), _composed(film.stem)}:
                self._by_name[name].append(film)

    def find(self, text: str) -> tuple[Path | None, str]:
        """The film of a path, or None and the reason."""
        parts = [_composed(part) for part in path_parts(text)]
        for start in range(len(parts)):
            if film := self._by_path.get("/".join(parts[start:])):
                return film, ""
        if not parts:
            return None, NO_FILE
        stem = PurePosixPath(parts[-1]).stem
        found = self._by_name.get(parts[-1]) or self._by_name.get(stem) or []
        if len(found) > 1:
            shared = [_shared(film, parts[:-1]) for film in found]
            found = [f for f, n in zip(found, shared, strict=True) if n == max(shared)]
        if found and parts[-1] in self._repeated:
            whole = [
                f for f in found if len(parts) > 1 and _shared(f, parts[:-1]) == len(parts) - 1
            ]
            if not whole:
                return None, AMBIGUOUS if len(parts) == 1 else NO_FILE
            found = whole
        if len(found) > 1:
            return None, AMBIGUOUS
        return (found[0], "") if found else (None, NO_FILE)


def _composed(name: str) -> str:
    """A name in lower case, its accents in their letters: macOS takes them apart."""
    return unicodedata.normalize("NFC", name).lower()


def _shared(film: Path, folders: Sequence[str]) -> int:
    """How many folders above a film are those of a path, from the innermost on."""
    count = 0
    for mine, theirs in zip(reversed(film.parts[:-1]), reversed(folders), strict=False):
        if _composed(mine) != theirs:
            break
        count += 1
    return count


def read_listed(
    root: Path, folder: Path, listed: Iterable[Listed], labelling: Labelling, title: str
) -> Reading | None:
    """The films of a folder that its tables list, with what they say of them.

    Args:
        root: Where the tables lie, or what paths in them start from.
        folder: The one that was asked for: that, or a part of it.
        listed: One a film; of two of one file the first counts.
        labelling: How labels are chosen.
        title: Of the layout.

    Returns:
        None if the folder is a part in which the tables list nothing.
    """
    part = folder.resolve() != root.resolve() and root.resolve() in folder.resolve().parents
    start = folder.resolve() if part else root
    tally = FileTally(start)
    films = find_films(start, tally)
    rows = list(listed)
    base = root.resolve() if part else root
    finder = FilmFinder(base, films, (one.name for one in rows))
    records: list[Record] = []
    seen: set[Path] = set()
    stems = Counter(film.stem for film in films)
    source = root.resolve().name
    for one in rows:
        film, reason = finder.find(one.name)
        if film is None:
            # Of a part only what lies there is asked for.
            if not part or reason != NO_FILE:
                tally.add(reason, f"{one.where}: {one.name}")
            continue
        if film in seen:
            continue
        seen.add(film)
        label, reason = labelling.choose(one.findings, one.doubt)
        if one.lateral and labelling.policy.views == "frontal":
            reason = LATERAL
        if one.reason or reason:
            tally.add(one.reason or reason, film)
            continue
        within = film.relative_to(base)
        patient = one.patient or patient_of(film, within.parts[:-1])
        own = film.stem if stems[film.stem] == 1 else str(within)
        records.append(
            Record(
                *(film, label, one.split, f"{source}/{patient or own}", source),
                age=one.age,
                lesion=replace(one.lesion, pixels_of=film)
                if one.lesion and one.in_pixels
                else one.lesion,
            )
        )
    if part and not seen:
        return None
    for film in films:
        if film not in seen:
            tally.add(NOT_LISTED, film)
    return Reading(tuple(records), tally.left_out, drawn=False, title=title)
