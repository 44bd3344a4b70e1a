"""Data set folders and CSV files -> a manifest: one record an image, nothing decoded yet."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from xraycore.access.paths import permit_path
from xraycore.config import path_roots
from xraycore.datasets.files import FileTally, find_films, is_mask_folder, list_images
from xraycore.datasets.labelling import BY_DEFAULT, Labelling, LabelPolicy
from xraycore.datasets.labels import is_known
from xraycore.datasets.layouts.class_folders import (
    is_plain,
    read_class_folders,
    read_flat,
    subfolders,
)
from xraycore.datasets.layouts.csv_table import read_csv
from xraycore.datasets.layouts.layout import Reading
from xraycore.datasets.layouts.registry import read_layout
from xraycore.datasets.masks import BOX_FILES, find_lesions
from xraycore.datasets.public import offered_folders
from xraycore.datasets.reasons import CLUTTER, MASK, NOT_ASKED, NOT_LISTED, TABLE
from xraycore.datasets.records import LeftOut, Manifest, Record, join_left_out
from xraycore.datasets.split_names import split_of
from xraycore.datasets.table import COLUMNS, read_columns
from xraycore.errors import DatasetError, PathError
from xraycore.utils.text import pluralise

__all__ = ["EXPECTED", "Manifest", "Record", "describe_left_out", "list_images", "read_manifest"]

logger = logging.getLogger(__name__)

# What nobody misses, or was asked for: it is counted, and not warned of.
EXPECTED = {CLUTTER, TABLE, MASK, NOT_ASKED}
_NAMED = 2


def read_manifest(
    datasets: str | Path | Sequence[str | Path],
    classes: Mapping[str, str] | None = None,
    policy: LabelPolicy = BY_DEFAULT,
) -> Manifest:
    """Reads one or more data sets; docs/files.md has the layouts, columns and rules.

    Args:
        datasets: Each a data set in one of the layouts of `xraycore.datasets.layouts.registry`, a
            `{train,val,test}/<class>/` folder or one split of it, a plain `<class>/` folder, a
            folder of one label, its own name (`pneumonia/`) or given (`images=COVID`), or a CSV
            file `path,label[,split,group,age]`. `file.csv#column` takes the labels from another
            column. Drawn lesions come with the films: masks of the CSV's column `mask`, or what
            `find_lesions` finds beside the films.
        classes: Canonical label -> class to train as; labels not named are left out
            (see `xraycore.datasets.labels.parse_classes`).
        policy: How labels are read that are no plain name of a class.

    Returns:
        The films, and by reason what is not used.

    Raises:
        DatasetError: If one does not exist, may not be read, has another layout or holds no image.
    """
    if isinstance(datasets, str | Path):
        datasets = [datasets]
    labelling = Labelling(policy, classes)
    records: list[Record] = []
    left_out: dict[str, LeftOut] = {}
    layouts = []
    for dataset in map(str, datasets):
        reading = _permitted(_read(dataset, labelling))
        _refuse_names(dataset, reading.records)
        if not reading.records:
            raise DatasetError(_nothing(dataset, reading, classes))
        if said := describe_left_out(reading.left_out, EXPECTED):
            logger.warning("%s: left out %s.", dataset, said)
        left_out = join_left_out(left_out, reading.left_out)
        if reading.title:
            layouts.append(_describe(reading))
        records += _with_lesions(reading)
    return Manifest(tuple(records), left_out, tuple(layouts))


def describe_left_out(left_out: Mapping[str, LeftOut], but: set[str] | None = None) -> str:
    """What is left out, in words, the most first; "" for nothing.

    Args:
        left_out: Reason -> how many, and examples.
        but: Reasons that are not worth a word here.
    """
    parts = sorted(left_out.items(), key=lambda part: -part[1].count)
    return "; ".join(
        f"{left.count:,} {reason} ({', '.join(left.examples[:_NAMED])}"
        f"{', …' if left.count > _NAMED else ''})"
        for reason, left in parts
        if reason not in (but or ())
    )


def _read(dataset: str, labelling: Labelling) -> Reading:
    file, _, column = dataset.partition("#")
    flat, _, label = dataset.rpartition("=")
    for place in (file, flat) if flat and label else (file,):
        permit_path(place, offered_folders())
    try:
        if Path(file).is_file():
            return read_csv(Path(file), column, labelling)
        if flat and label and Path(flat).is_dir():
            return read_flat(Path(flat), label, labelling)
        return _read_folder(Path(dataset), labelling)
    except PermissionError as error:
        raise DatasetError(f"{error.filename}: may not be read by this user.") from None


def _permitted(reading: Reading) -> Reading:
    """Without films that links, or a table's paths, have lead out of where a visitor may name."""
    if path_roots() is None:
        return reading
    offered = offered_folders()
    inside = []
    for record in reading.records:
        try:
            permit_path(record.path.absolute(), offered)
            if record.lesion and record.lesion.mask:
                permit_path(record.lesion.mask.absolute(), offered)
        except PathError:
            continue
        inside.append(record)
    return replace(reading, records=tuple(inside))


def _read_folder(folder: Path, labelling: Labelling) -> Reading:
    if not folder.is_dir():
        raise DatasetError(
            f"{folder}: expected a data set folder or a CSV file, but there is nothing."
        )
    if (reading := read_layout(folder, labelling)) is not None:
        return reading
    if table := _own_table(folder):
        return _read_own_table(folder, table, labelling)
    return read_class_folders(folder, labelling)


def _own_table(folder: Path) -> Path | None:
    """The one table of films in a folder without classes, or beside a folder `images`."""
    inner = subfolders(folder)
    if not all(is_plain(c.name) or is_mask_folder(c.name) for c in inner):
        return None
    if is_known(folder.resolve().name) or split_of(folder.resolve().name):
        return None
    places = [folder, *([folder.resolve().parent] if is_plain(folder.resolve().name) else [])]
    for place in places:
        tables = [
            file
            for file in sorted(place.glob("*.csv*"))
            if file.name not in BOX_FILES and _lists_films(read_columns(file))
        ]
        if len(tables) > 1:
            names = ", ".join(table.name for table in tables)
            raise DatasetError(f"{folder}: it has several tables of films, {names}: name one.")
        if tables:
            return tables[0]
    return None


def _lists_films(columns: Sequence[str]) -> bool:
    return all(not set(COLUMNS[meaning]).isdisjoint(columns) for meaning in ("path", "label"))


def _read_own_table(folder: Path, table: Path, labelling: Labelling) -> Reading:
    reading = read_csv(table, "", labelling)
    records = tuple(r for r in reading.records if r.path.resolve().is_relative_to(folder.resolve()))
    tally = FileTally(folder)
    # What a row names and is not used has its reason already.
    named = {path.resolve() for path in reading.named}
    for film in find_films(folder, tally):
        if film.resolve() not in named:
            tally.add(NOT_LISTED, film)
    return replace(
        reading, records=records, left_out=join_left_out(reading.left_out, tally.left_out)
    )


def _with_lesions(reading: Reading) -> list[Record]:
    """The records, with what is drawn beside their films."""
    if not reading.drawn:
        return list(reading.records)
    beside = find_lesions(r.path for r in reading.records if r.lesion is None)
    return [replace(r, lesion=beside.get(r.path, r.lesion)) for r in reading.records]


def _describe(reading: Reading) -> str:
    patients = len({record.group for record in reading.records})
    films = pluralise(len(reading.records), "film")
    return f"{reading.title}: {films} of {pluralise(patients, 'patient')}"


def _refuse_names(dataset: str, records: Sequence[Record]) -> None:
    try:
        "".join(str(record.path) for record in records).encode()
    except UnicodeEncodeError as error:
        # It could not be stored beside what is said of the film.
        near = error.object[max(0, error.start - 40) : error.end + 20]
        raise DatasetError(f"{dataset}: a name is not UTF-8. Rename it: …{near!r}…") from None


def _nothing(dataset: str, reading: Reading, classes: Mapping[str, str] | None) -> str:
    labels = f" with one of the labels {', '.join(classes)}" if classes else ""
    left = describe_left_out(reading.left_out)
    return (
        f"{dataset}: expected images under <class>/ or {{train,val,test}}/<class>/ folders, a "
        f"layout of docs/files.md, or a CSV file path,label{labels}; found none."
        f"{f' Left out: {left}.' if left else ''}"
    )
