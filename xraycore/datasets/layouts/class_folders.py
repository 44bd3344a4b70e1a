"""Folders of classes, with or without splits above, below or beside them."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from xraycore.datasets.files import FileTally, find_films, is_mask_folder, list_images
from xraycore.datasets.labelling import Labelling
from xraycore.datasets.labels import canonical_label, canonical_labels, is_known
from xraycore.datasets.layouts.layout import Reading
from xraycore.datasets.patients import kermany_patient, patient_of
from xraycore.datasets.reasons import (
    BESIDE_SPLITS,
    NO_CLASS,
    OTHER_FOLDER,
    SECOND_COPY,
)
from xraycore.datasets.records import SPLITS, Record
from xraycore.datasets.split_names import split_of
from xraycore.errors import DatasetError
from xraycore.imaging.archive import is_clutter

# Folders that hold a class's films without being one.
_PLAIN = {"images", "image", "imgs", "img", "films", "xrays", "png", "jpg", "jpeg", "dicom", "data"}


@dataclass(frozen=True)
class Placed:
    """A film as folders place it: its split and the folder that names its class."""

    path: Path
    split: str
    folder: str


def read_class_folders(folder: Path, labelling: Labelling) -> Reading:
    """The films of a folder of classes, of one split of it, or of one class by itself.

    Raises:
        DatasetError: If it holds several data sets.
    """
    if (label := _own_label(folder)) is not None:
        return read_flat(folder, label, labelling)
    root, passed = _find_root(folder)
    tally = FileTally(folder)
    for other in passed:
        for film in find_films(other, tally):
            tally.add(OTHER_FOLDER, film)
    films = find_films(root, tally)
    placed = list(place_films(root, films, tally))
    # One split of a data set by itself is still a part of it.
    whole = "" if any(one.split for one in placed) else split_of(root.resolve().name)
    source = (root.resolve().parent if whole else root.resolve()).name
    labels = canonical_labels(one.folder for one in placed)
    found = [(one.path, one.split or whole, labels[one.folder]) for one in placed]
    return Reading(tuple(make_records(found, root, source, labelling, tally)), tally.left_out)


def read_flat(folder: Path, name: str, labelling: Labelling) -> Reading:
    """Images of one label below one folder; its parent names the source."""
    tally = FileTally(folder)
    label = canonical_label(name)
    place = folder.resolve()
    of_class = is_plain(place.name) and is_known(place.parent.name)
    source = place.parent.parent if of_class else place.parent
    found = [
        (path, "", _finer([part.name for part in path.relative_to(folder).parents], label))
        for path in find_films(folder, tally)
    ]
    return Reading(
        tuple(make_records(found, folder, source.name, labelling, tally)), tally.left_out
    )


def place_films(root: Path, films: Sequence[Path], tally: FileTally) -> Iterator[Placed]:
    """Where the folders of a data set place its films; what they do not is counted."""
    parts = {film: _parted(film.relative_to(root).parts[:-1]) for film in films}
    places = {film: _split_place(above) for film, above in parts.items()}
    any_split = any(place is not None for place in places.values())
    # Beside train, val and test a folder with folders of these names is a data set of its own.
    if 0 in places.values():
        places = {film: place if place == 0 else None for film, place in places.items()}
    order = {name: number for number, name in enumerate((*SPLITS, ""))}
    ready = []
    for film, above in parts.items():
        place = places[film]
        if any_split and place is None:
            copy = bool(above) and above[0] == root.resolve().name
            tally.add(SECOND_COPY if copy else BESIDE_SPLITS, film)
            continue
        split = "" if place is None else split_of(above[place])
        inner = above if place is None else above[place + 1 :]
        # Splits below the classes: what stands above tells these.
        if not [part for part in inner if not is_plain(part)] and place:
            inner = above[:place]
        named = [part for part in inner if not is_plain(part)]
        if not named:
            tally.add(NO_CLASS, film)
            continue
        ready.append(Placed(film, split, _finer(named[::-1], named[0])))
    return iter(sorted(ready, key=lambda one: order[one.split]))


def make_records(
    found: Sequence[tuple[Path, str, str]],
    folder: Path,
    source: str,
    labelling: Labelling,
    tally: FileTally,
) -> Iterator[Record]:
    """Of films below a folder with their splits and labels; names may tell patient and kind."""
    stems = Counter(path.stem for path, _, _ in found)
    for path, split, label in found:
        label, _ = kermany_patient(path.name, label)
        label, reason = labelling.choose([label])
        if reason:
            tally.add(reason, path)
            continue
        within = path.relative_to(folder)
        # Files numbered anew in every folder are of different patients.
        own = path.stem if stems[path.stem] == 1 else str(within)
        patient = patient_of(path, within.parts[:-1])
        yield Record(path, label, split, f"{source}/{patient or own}", source)


def _parted(above: Sequence[str]) -> tuple[str, ...]:
    """Folders, of which one named by split and class (`Normal_train`) is two."""
    return tuple(inner for name in above for inner in (split_and_class(name) or (name,)))


def _split_place(above: Sequence[str]) -> int | None:
    return next((place for place, part in enumerate(above) if split_of(part)), None)


def split_and_class(name: str) -> tuple[str, str] | None:
    """The parts of a folder's name that tell a split and a known class; None of any other.

    >>> split_and_class("Normal_train"), split_and_class("test covid-19"), split_and_class("latest")
    (('train', 'Normal'), ('test', 'covid 19'), None)
    """
    words = [part for part in re.split(r"[\W_]+", name) if part]
    pairs = [(words[0], " ".join(words[1:])), (words[-1], " ".join(words[:-1]))] if words else []
    return next(
        ((split, label) for split, label in pairs if split_of(split) and is_known(label)),
        None,
    )


def is_plain(name: str) -> bool:
    """Whether a folder holds the films of a class, or of all, without being a class."""
    words = re.findall(r"[^\W_]+", name.casefold())
    return bool(words) and set(words) <= _PLAIN | {"cxr", "xray"}


def _finer(inner_first: Sequence[str], label: str) -> str:
    """The innermost folder of a known class, as of `PNEUMONIA/VIRUS`, else that label."""
    return next((name for name in inner_first if is_known(name)), label)


def subfolders(folder: Path) -> list[Path]:
    """The folders in a folder, but those that systems add."""
    return sorted(c for c in folder.iterdir() if c.is_dir() and not is_clutter(c.name))


def candidates(folder: Path) -> Iterator[Path]:
    """The folder, and the only folder in it, and so on: where a data set may begin."""
    yield folder
    for _ in range(3):
        inner = subfolders(folder)
        if len(inner) != 1 or any(list_images(folder.iterdir())):
            return
        folder = inner[0]
        yield folder


def _own_label(folder: Path) -> str | None:
    """The class that a folder is of by its own name, or its parent's if it is called images."""
    place = folder.resolve()
    inner = subfolders(folder)
    if is_plain(place.name) and is_known(place.parent.name) and not inner:
        return place.parent.name
    if not is_known(place.name):
        return None
    bare = all(_holds_films(c.name) for c in inner)
    holds = any(list_images(folder.iterdir())) or (bool(inner) and bare)
    return place.name if holds else None


def _is_data_set(folder: Path) -> bool:
    inner = subfolders(folder)
    splits = [c for c in inner if split_of(c.name)]
    # Splits without classes below them are those of a class.
    classes = [c for split in splits for c in subfolders(split) if not _holds_films(c.name)]
    return bool(classes) or sum(is_known(c.name) for c in inner) > 1


def _holds_films(name: str) -> bool:
    return is_plain(name) or is_mask_folder(name)


def _find_root(folder: Path) -> tuple[Path, list[Path]]:
    """Where the splits or classes lie, and the folders beside it that are passed over.

    Raises:
        DatasetError: If there are several such places.
    """
    for place in candidates(folder):
        inner = subfolders(place)
        if any(split_of(c.name) or is_known(c.name) or split_and_class(c.name) for c in inner):
            return place, []
        sets = [
            one
            for c in inner
            for one in ([c] if _is_data_set(c) else filter(_is_data_set, subfolders(c)))
        ]
        if len(sets) > 1:
            names = ", ".join(c.name for c in sets)
            raise DatasetError(
                f"{folder}: expected one data set. It holds several, {names}: name each by itself."
            )
        if sets and len(inner) > 1:
            return sets[0], [c for c in inner if c not in (sets[0], *sets[0].parents)]
    return folder, []
