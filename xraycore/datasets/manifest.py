"""Data set folders and CSV files -> a manifest: one record an image, nothing decoded yet."""

import csv
import hashlib
import logging
import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from xraycore.datasets.labels import (
    ALIASES,
    BACTERIAL,
    VIRAL,
    canonical_label,
    canonical_labels,
    class_names,
    order_classes,
)
from xraycore.datasets.masks import MASK_FOLDERS, Lesion, find_lesions
from xraycore.errors import DatasetError

logger = logging.getLogger(__name__)

SPLITS = ("train", "val", "test")
# Other names of split folders, as data sets have them.
_SPLIT_NAMES = {**{name: name for name in SPLITS}, "valid": "val", "validation": "val"}
IMAGE_SUFFIXES = {
    *(".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".webp"),
    *(".heic", ".heif", ".avif", ".jp2", ".j2k"),
    *(".dcm", ".dicom", ".dic"),
}

_KERMANY_PNEUMONIA = re.compile(r"(person\d+)_(bacteria|virus)", re.IGNORECASE)
_KERMANY_NORMAL = re.compile(r"((?:NORMAL2-)?IM-\d+)-", re.IGNORECASE)


@dataclass(frozen=True)
class Record:
    """One image of a data set.

    Attributes:
        path: The image file.
        label: Its class.
        split: "train", "val", "test", or "" where the data set does not say.
        group: Images of one group (a patient) never cross splits.
        source: Name of the data set it came from.
        age: Of the patient in years, None where the data set does not say.
        lesion: Where the finding was drawn, None where it was not.
        copy_of: The end of another film's path that this film is a copy of, "" where none is known.
    """

    path: Path
    label: str
    split: str
    group: str
    source: str
    age: float | None = None
    lesion: Lesion | None = None
    copy_of: str = ""


@dataclass(frozen=True)
class Manifest:
    """The images of one or more data sets."""

    records: tuple[Record, ...]

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names in their fixed order; a label that is a set of them is none of them."""
        return class_names(record.label for record in self.records)

    def split(self, name: str) -> tuple[Record, ...]:
        """The records of one split."""
        return tuple(record for record in self.records if record.split == name)

    def counts(self) -> dict[str, dict[str, int]]:
        """Images by split ("" where none is given) and label."""
        labels = order_classes(record.label for record in self.records)
        counter = Counter((record.split, record.label) for record in self.records)
        names = [name for name in (*SPLITS, "") if any(key[0] == name for key in counter)]
        return {
            name: {label: counter[name, label] for label in labels if counter[name, label]}
            for name in names
        }

    def crossing(self) -> dict[str, tuple[str, ...]]:
        """Group (a patient) -> its splits, of those that lie in more than one."""
        splits: dict[str, set[str]] = defaultdict(set)
        for record in self.records:
            if record.split:
                splits[record.group].add(record.split)
        return {group: tuple(sorted(names)) for group, names in splits.items() if len(names) > 1}

    def fingerprint(self) -> str:
        """sha256 over name, label, split and group of each image, and whether a lesion is drawn."""
        lines = sorted(
            f"{r.source}/{r.path.name}|{r.label}|{r.split}|{r.group}{'|lesion' if r.lesion else ''}"
            for r in self.records
        )
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def read_manifest(
    datasets: str | Path | Sequence[str | Path], classes: Mapping[str, str] | None = None
) -> Manifest:
    """Reads one or more data sets.

    Args:
        datasets: Each a `{train,val,test}/<class>/` folder or one split of it, a plain `<class>/`
            folder, a flat folder of one label, its own name (`pneumonia/`) or given
            (`images=COVID`), or a CSV file `path,label[,split,group,age]` whose paths are relative
            to it. `file.csv#column` takes the labels from another column and leaves out the rows
            where it is empty. Drawn lesions come with the films: masks of the CSV's column `mask`,
            or what `find_lesions` finds beside them.
        classes: Canonical label -> class to train as; labels not named are left out
            (see `xraycore.datasets.labels.parse_classes`).

    Raises:
        DatasetError: If one does not exist, may not be read, has another layout or holds no image.
    """
    if isinstance(datasets, str | Path):
        datasets = [datasets]
    records: list[Record] = []
    for dataset in map(str, datasets):
        file, _, column = dataset.partition("#")
        flat, _, label = dataset.rpartition("=")
        try:
            if Path(file).is_file():
                found = _read_csv(Path(file), column or "label")
            elif flat and label and Path(flat).is_dir():
                found = _read_flat(Path(flat), label)
            else:
                found = _read_folder(Path(dataset))
        except PermissionError as error:
            raise DatasetError(f"{error.filename}: may not be read by this user.") from None
        try:
            "".join(str(record.path) for record in found).encode()
        except UnicodeEncodeError as error:
            # It could not be stored beside what is said of the film.
            near = error.object[max(0, error.start - 40) : error.end + 20]
            raise DatasetError(f"{dataset}: a name is not UTF-8. Rename it: …{near!r}…") from None
        if classes is not None:
            dropped = Counter(r.label for r in found if r.label not in classes)
            if dropped:
                logger.info("%s: left out %s", dataset, dict(dropped))
            found = [replace(r, label=classes[r.label]) for r in found if r.label in classes]
        if not found:
            raise DatasetError(
                f"{dataset}: expected images under <class>/ or {{train,val,test}}/<class>/ folders"
                f"{' with one of the labels ' + ', '.join(classes) if classes else ''}; found none."
            )
        beside = find_lesions(r.path for r in found if r.lesion is None)
        records += [replace(r, lesion=beside[r.path]) if r.path in beside else r for r in found]
    return Manifest(tuple(records))


def _read_folder(folder: Path) -> list[Record]:
    if not folder.is_dir():
        raise DatasetError(
            f"{folder}: expected a data set folder or a CSV file, but there is nothing."
        )
    if folder.resolve().name.lower() in ALIASES and any(list_images(folder.iterdir())):
        return _read_flat(folder, folder.resolve().name)
    # One split of a data set by itself is still a part of it.
    inner = _split_folders(folder)
    whole = "" if inner else _SPLIT_NAMES.get(folder.resolve().name.lower(), "")
    source = (folder.resolve().parent if whole else folder.resolve()).name
    folders = [
        (split, class_folder)
        for split, child in inner or [(whole, folder)]
        for class_folder in _folders(child)
        if class_folder.name not in MASK_FOLDERS
    ]
    labels = canonical_labels(class_folder.name for _, class_folder in folders)
    found = [
        (path, split, labels[class_folder.name])
        for split, class_folder in folders
        for path in list_images(sorted(_files_below(class_folder)))
    ]
    return _records(found, folder, source)


def _records(found: Sequence[tuple[Path, str, str]], folder: Path, source: str) -> list[Record]:
    """Of files below a folder with their splits and labels; names may tell patient and kind."""
    stems = Counter(path.stem for path, _, _ in found)
    records = []
    for path, split, label in found:
        label, patient = _kermany(path.name, label)
        # Files numbered anew in every folder are of different patients.
        own = path.stem if stems[path.stem] == 1 else str(path.relative_to(folder))
        records.append(Record(path, label, split, f"{source}/{patient or own}", source))
    return records


def _split_folders(folder: Path) -> list[tuple[str, Path]]:
    """The folders of splits in a data set, in the order of `SPLITS`."""
    found = [(_SPLIT_NAMES.get(child.name.lower()), child) for child in _folders(folder)]
    if not any(split for split, _ in found):
        return []
    if others := [child.name for split, child in found if not split]:
        logger.warning(
            "%s: beside the splits the folders %s were left out.", folder, ", ".join(others)
        )
    return sorted(((s, child) for s, child in found if s), key=lambda pair: SPLITS.index(pair[0]))


def _read_flat(folder: Path, name: str) -> list[Record]:
    """Images of one label in one folder; its parent names the source."""
    label = canonical_label(name)
    files = [(path, "", label) for path in list_images(sorted(folder.iterdir()))]
    return _records(files, folder, folder.resolve().parent.name)


def list_images(paths: Iterable[Path]) -> Iterator[Path]:
    """Those of the paths that are image files by their names, whether or not they can be read."""
    return (
        path
        for path in paths
        if path.suffix.lower() in IMAGE_SUFFIXES
        and not path.name.startswith(".")
        and not path.is_dir()
    )


def _files_below(folder: Path) -> Iterator[Path]:
    # Not `rglob`: it passes over folders that may not be read, and a class would be missing.
    def refuse(error: OSError) -> None:
        raise error

    for place, _, names in os.walk(folder, onerror=refuse):
        yield from (Path(place) / name for name in names)


def _folders(folder: Path) -> list[Path]:
    return sorted(c for c in folder.iterdir() if c.is_dir() and not c.name.startswith("."))


def _kermany(name: str, label: str) -> tuple[str, str | None]:
    """The finer class and the patient that a file name of Kermany's set (Cell 172:1122) tells.

    `NORMAL2-IM-0381` and `IM-0381` are numbered apart: thumbnails of equal numbers under the two
    prefixes correlate no more than random pairs (median 0.74 against 0.74; one prefix: 0.81).
    """
    if match := _KERMANY_PNEUMONIA.match(name):
        kind = BACTERIAL if match[2].lower() == "bacteria" else VIRAL
        return (kind if label == "Pneumonia" else label), f"{match[1]}_{match[2]}".lower()
    match = _KERMANY_NORMAL.match(name)
    return label, match[1] if match else None


def _read_csv(file: Path, column: str) -> list[Record]:
    source = file.parent.resolve().name
    try:
        with file.open(newline="", encoding="utf-8-sig") as handle:
            rows = list(csv.DictReader(handle))
    except (UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(
            f"{file}: expected a CSV file path,label[,split,group]: {error}"
        ) from None
    # As in folders: files numbered anew in each are of different patients.
    stems = Counter(Path(row.get("path") or "").stem for row in rows)
    labels = canonical_labels(row[column] for row in rows if row.get(column))
    records = []
    for number, row in enumerate(rows, start=2):
        if column != "label" and row.get(column) == "":
            continue
        if not row.get("path") or not row.get(column):
            raise DatasetError(
                f"{file}, line {number}: expected the columns path and {column} filled. "
                f"Received: {dict(row)}"
            )
        split = (row.get("split") or "").strip().lower()
        if split not in (*SPLITS, ""):
            raise DatasetError(
                f"{file}, line {number}: split must be train, val, test or empty. "
                f"Received: {split!r}"
            )
        path = file.parent / row["path"]
        label, patient = _kermany(path.name, labels[row[column]])
        own = path.stem if stems[path.stem] == 1 else row["path"]
        group = (row.get("group") or "").strip() or patient or own
        mask, copy_of = row.get("mask"), row.get("copy_of") or ""
        lesion = Lesion(file.parent / mask) if mask else None
        group = f"{source}/{group}"
        records.append(Record(path, label, split, group, source, _age(row), lesion, copy_of))
    return records


def _age(row: Mapping[str, str]) -> float | None:
    try:
        return float(row.get("age") or "")
    except ValueError:
        return None
