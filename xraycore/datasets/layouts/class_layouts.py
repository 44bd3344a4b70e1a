"""Kaggle's chest data sets of class folders: Kermany's, COVID-19 Radiography and COVID-QU-Ex."""

import os
import re
from collections import defaultdict
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from xraycore.datasets.files import FileTally, find_films, why_no_film
from xraycore.datasets.labelling import Labelling
from xraycore.datasets.labels import COVID, canonical_label, is_known
from xraycore.datasets.layouts.class_folders import (
    Placed,
    make_records,
    place_films,
    read_class_folders,
    subfolders,
)
from xraycore.datasets.layouts.layout import Place, Reading
from xraycore.datasets.masks import Lesion
from xraycore.datasets.reasons import STANDS_TWICE
from xraycore.datasets.records import Record
from xraycore.datasets.split_names import split_of

_KERMANY = re.compile(r"person\d+_(bacteria|virus)_\d+\.jpe?g|(NORMAL2-)?IM-\d+-\d+", re.IGNORECASE)
# The parts of COVID-QU-Ex: of the same film that with its infection drawn is used.
_INFECTION, _LUNGS = "infection segmentation data", "lung segmentation data"
_INFECTION_MASKS = "infection masks"
_LOOKED_AT = 500


def read_kermany(place: Place, labelling: Labelling) -> Reading | None:
    """Kermany's children, as Kaggle's `chest-xray-pneumonia` has them."""
    folders = subfolders(place.root)
    if place.folder != place.root and place.root in place.folder.parents:
        return None
    if not any(split_of(one.name) for one in folders):
        return None
    # Of another data set no more than some names are looked at.
    names = (name for _, _, files in os.walk(place.root) for name in files if name[0] != ".")
    if not any(_KERMANY.match(name) for name in islice(names, _LOOKED_AT)):
        return None
    reading = read_class_folders(place.root, labelling)
    named = sum(bool(_KERMANY.match(one.path.name)) for one in reading.records)
    if not named or 2 * named < len(reading.records):
        return None
    return Reading(reading.records, reading.left_out, title="Kermany's chest X-rays of children")


def read_radiography(place: Place, labelling: Labelling) -> Reading | None:
    """COVID-19 Radiography Database: `<class>/images` and `<class>/masks`, which are of lungs."""
    classes = [c for c in subfolders(place.root) if is_known(c.name)]
    parted = [c for c in classes if (c / "images").is_dir() and (c / "masks").is_dir()]
    if not parted or place.root.resolve() != place.folder.resolve() and not _holds(place):
        return None
    if not (len(parted) > 1 or "radiography" in place.root.resolve().name.lower()):
        return None
    reading = read_class_folders(place.root, labelling)
    title = "COVID-19 Radiography Database"
    return Reading(reading.records, reading.left_out, drawn=False, title=title)


def read_covid_qu(place: Place, labelling: Labelling) -> Reading | None:
    """COVID-QU-Ex: two parts that share films; `Non-COVID` is pneumonia of another cause."""
    if place.root.resolve() != place.folder.resolve() and not _holds(place):
        return None
    parts = {
        kind: folder
        for folder in (place.root.resolve(), *subfolders(place.root))
        if (kind := _kind(folder.name)) in (_INFECTION, _LUNGS)
    }
    if not parts:
        return None
    tally = FileTally(place.root)
    used: dict[tuple[str, str], Path] = {}
    records: list[Record] = []
    source = place.root.resolve().name
    for kind in (_INFECTION, _LUNGS):
        if kind not in parts:
            continue
        root = _innermost(parts[kind])
        mine: list[Placed] = []
        for one in place_films(root, find_films(root, tally), tally):
            label = _label(one.folder)
            if (label, one.path.name) in used:
                tally.add(STANDS_TWICE, one.path)
            else:
                used[label, one.path.name] = one.path
                mine.append(one)
        found = [(one.path, one.split, _label(one.folder)) for one in mine]
        masks = _masks(found) if kind == _INFECTION else {}
        for record in make_records(found, root, source, labelling, tally):
            lesion = Lesion(masks[record.path]) if record.path in masks else None
            records.append(
                Record(
                    *(record.path, record.label, record.split, record.group, record.source),
                    lesion=lesion,
                )
            )
    return Reading(tuple(records), tally.left_out, drawn=False, title="COVID-QU-Ex")


def _holds(place: Place) -> bool:
    return place.folder.resolve() in place.root.resolve().parents


def _kind(name: str) -> str:
    return " ".join(re.findall(r"[a-z]+", name.casefold()))


def _innermost(folder: Path) -> Path:
    """Through the doubled folders that Kaggle's archives unpack to."""
    inner = [c for c in subfolders(folder) if _kind(c.name) == _kind(folder.name)]
    return _innermost(inner[0]) if inner else folder


def _label(folder: str) -> str:
    return "Pneumonia" if _kind(folder) == "non covid" else canonical_label(folder)


def _masks(found: list[tuple[Path, str, str]]) -> dict[Path, Path]:
    """The infection mask of each film of COVID-19; those of other films are black."""
    by_folder: dict[Path, dict[str, Path]] = defaultdict(dict)
    masks = {}
    for path, _, label in found:
        if label != COVID:
            continue
        folder = path.parent.parent
        if folder not in by_folder:
            by_folder[folder] = {mask.stem: mask for mask in _infection_masks(folder)}
        if path.stem in by_folder[folder]:
            masks[path] = by_folder[folder][path.stem]
    return masks


def _infection_masks(folder: Path) -> Iterator[Path]:
    for inner in subfolders(folder):
        if _kind(inner.name) == _INFECTION_MASKS:
            yield from (file for file in inner.iterdir() if why_no_film(file.name, file) is None)
