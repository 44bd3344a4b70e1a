"""Data sets whose tables name findings: NIH ChestX-ray14, CheXpert, MIMIC-CXR-JPG, PadChest."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from xraycore.datasets.labelling import Labelling, sign, split_labels
from xraycore.datasets.labels import canonical_label
from xraycore.datasets.layouts.layout import Place, Reading
from xraycore.datasets.layouts.listed import Listed, is_lateral, read_listed
from xraycore.datasets.masks import Lesion, Rectangle, box_shares
from xraycore.datasets.reasons import BROKEN_ROW, NONE_POSITIVE
from xraycore.datasets.split_names import split_of
from xraycore.datasets.table import Row, Table, parse_age, parse_number, plain_number, read_table

# The labeler's 14 (Irvin et al. 2019, arXiv:1901.07031), as `column_key` writes them.
CHEXPERT_FINDINGS = (
    *("nofinding", "enlargedcardiomediastinum", "cardiomegaly", "lungopacity", "lunglesion"),
    *("edema", "consolidation", "pneumonia", "atelectasis", "pneumothorax", "pleuraleffusion"),
    *("pleuralother", "fracture", "supportdevices"),
)


def read_nih(place: Place, labelling: Labelling) -> Reading | None:
    """NIH ChestX-ray14, whole or a part of it, also Kaggle's sample."""
    tables = place.having("imageindex", "findinglabels")
    if not tables:
        return None
    boxes = _nih_boxes(place)
    splits = _nih_splits(place.root)

    def listed() -> Iterator[Listed]:
        for table in map(read_table, tables):
            for row in table.rows:
                name = row.get("imageindex")
                yield Listed(
                    where(table, row),
                    name,
                    tuple(split_labels(row.get("findinglabels"))),
                    split=splits.get(name.lower(), ""),
                    patient=plain_number(row.get("patientid")).zfill(8)
                    if row.get("patientid")
                    else "",
                    age=parse_age(row.get("patientage")),
                    lateral=is_lateral(row.get("viewposition")),
                    lesion=Lesion(boxes=boxes[name.lower()]) if name.lower() in boxes else None,
                    reason=BROKEN_ROW if "" in table.columns and row.extra and not name else "",
                )

    return read_listed(place.root, place.folder, listed(), labelling, "NIH ChestX-ray14")


def _nih_splits(root: Path) -> dict[str, str]:
    """Name in lower case -> its split by the official lists of the patients' films."""
    found: dict[str, str] = {}
    for file, split in (("train_val_list.txt", "train"), ("test_list.txt", "test")):
        if (root / file).is_file():
            names = (root / file).read_text(encoding="utf-8", errors="replace").split()
            found |= {name.lower(): split for name in names}
    return found


def _nih_boxes(place: Place) -> dict[str, tuple[Rectangle, ...]]:
    """`BBox_List_2017.csv`, in pixels of the films of 1024 x 1024."""
    found: dict[str, tuple[Rectangle, ...]] = {}
    for table in map(read_table, place.having("imageindex", "findinglabel", "bboxx")):
        for row in table.rows:
            numbers = [parse_number(row.get(key)) for key in ("bboxx", "y", "w", "h")]
            values = [number for number in numbers if number is not None]
            if len(values) == 4:
                name = row.get("imageindex").lower()
                found[name] = (*found.get(name, ()), box_shares(*values))
    return found


def read_chexpert(place: Place, labelling: Labelling) -> Reading | None:
    """CheXpert, of any size."""
    tables = place.having("path", "frontallateral", "nofinding")
    if not tables:
        return None

    def listed() -> Iterator[Listed]:
        for table in map(read_table, tables):
            for row in table.rows:
                path = row.get("path")
                findings, doubt, reason = _four_valued(table, row, labelling)
                yield Listed(
                    where(table, row),
                    path,
                    findings,
                    doubt,
                    split=split_of(table.file.name.split(".")[0]),
                    age=parse_age(row.get("age")),
                    lateral=is_lateral(row.get("frontallateral")),
                    reason=reason,
                )

    return read_listed(place.root, place.folder, listed(), labelling, "CheXpert")


def read_mimic(place: Place, labelling: Labelling) -> Reading | None:
    """MIMIC-CXR-JPG: a study's labels are those of all of its films."""
    studies = [file for file in place.having("subjectid", "studyid", "nofinding")]
    if not studies:
        return None
    # The labeler's table before NegBio's, as the data set's authors advise.
    chosen = read_table(min(studies, key=lambda file: ("chexpert" not in file.name, file.name)))
    labels = {row.get("studyid"): row for row in chosen.rows}
    splits = _by_film(place, "dicomid", "split")
    views = _by_film(place, "dicomid", "viewposition")
    films = splits or views

    def listed() -> Iterator[Listed]:
        for name, (table, row) in films.items():
            study = labels.get(row.get("studyid"))
            findings, doubt, reason = (
                _four_valued(chosen, study, labelling) if study else ((), False, "")
            )
            view = views[name][1].get("viewposition") if name in views else ""
            yield Listed(
                where(table, row),
                name,
                findings,
                doubt,
                split=split_of(row.get("split")),
                patient=f"p{row.get('subjectid').removeprefix('p')}",
                lateral=is_lateral(view),
                reason=reason,
            )

    return read_listed(place.root, place.folder, listed(), labelling, "MIMIC-CXR-JPG")


def _by_film(place: Place, *columns: str) -> dict[str, tuple[Table, Row]]:
    return {
        row.get("dicomid"): (table, row)
        for table in map(read_table, place.having(*columns))
        for row in table.rows
    }


def read_padchest(place: Place, labelling: Labelling) -> Reading | None:
    """PadChest: lists of labels in a cell."""
    tables = [
        *place.having("imageid", "labels", "patientid"),
        *place.having("imageid", "labels", "projection"),
    ]
    if not tables:
        return None

    def listed() -> Iterator[Listed]:
        for table in map(read_table, dict.fromkeys(tables)):
            for row in table.rows:
                yield Listed(
                    where(table, row),
                    row.get("imageid"),
                    tuple(split_labels(row.get("labels"))),
                    patient=row.get("patientid"),
                    age=_age_at(row.get("studydatedicom"), row.get("patientbirth")),
                    lateral=is_lateral(row.get("projection", "viewpositiondicom")),
                )

    return read_listed(place.root, place.folder, listed(), labelling, "PadChest")


def _age_at(date: str, birth: str) -> float | None:
    """Years from a year of birth to a date, which begins with its year."""
    try:
        return parse_age(str(int(date[:4]) - int(float(birth))))
    except ValueError:
        return None


def _four_valued(table: Table, row: Row, labelling: Labelling) -> tuple[tuple[str, ...], bool, str]:
    """A row's positive findings, whether one is uncertain, and what is wrong with it."""
    cells: Mapping[str, str] = {
        table.columns[key]: row.get(key) for key in CHEXPERT_FINDINGS if key in table.columns
    }
    try:
        positive, doubt = labelling.policy.positive(cells)
        said = any(sign(cell) is not None for cell in cells.values())
    except ValueError:
        return (), False, BROKEN_ROW
    findings = tuple(canonical_label(name) for name in positive)
    return findings, doubt, "" if positive or doubt or not said else NONE_POSITIVE


def where(table: Table, row: Row) -> str:
    """A row, in words."""
    return f"{table.file.name}, line {row.number}"
