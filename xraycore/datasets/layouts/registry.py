"""The layouts that are recognised, in the order in which they are tried."""

from collections.abc import Iterator
from pathlib import Path

from xraycore.access.paths import permit_path
from xraycore.datasets.labelling import Labelling
from xraycore.datasets.layouts.box_tables import read_rsna, read_siim, read_vindr
from xraycore.datasets.layouts.class_folders import candidates, subfolders
from xraycore.datasets.layouts.class_layouts import read_covid_qu, read_kermany, read_radiography
from xraycore.datasets.layouts.findings_tables import (
    read_chexpert,
    read_mimic,
    read_nih,
    read_padchest,
)
from xraycore.datasets.layouts.layout import Layout, Place, Reading
from xraycore.datasets.public import offered_folders
from xraycore.datasets.table import read_columns
from xraycore.errors import PathError

# Folders of a data set that hold its tables, beside those of its films.
_TABLE_FOLDERS = ("annotations", "labels", "metadata", "csv", "tables")
# A data set has a few; a folder with more of them is none.
_MOST_TABLES = 30

LAYOUTS: tuple[Layout, ...] = (
    Layout(
        "nih",
        "NIH ChestX-ray14",
        "a table with `Image Index`, `Finding Labels` (`Data_Entry_2017.csv`)",
        "`Finding Labels`, parted by `|`",
        "`Patient ID`, or the number before `_`",
        "`train_val_list.txt`, `test_list.txt`",
        "boxes of `BBox_List_2017.csv`",
        read_nih,
    ),
    Layout(
        "chexpert",
        "CheXpert",
        "a table with `Path`, `Frontal/Lateral`, `No Finding`",
        "14 columns of 1, 0, -1 and blank",
        "folders `patient00001`",
        "`train.csv`, `valid.csv`, `test.csv`",
        "",
        read_chexpert,
    ),
    Layout(
        "mimic-cxr-jpg",
        "MIMIC-CXR-JPG",
        "a table with `subject_id`, `study_id`, `No Finding`, packed or not",
        "14 columns of 1, 0, -1 and blank, of a study; `…-chexpert` before `…-negbio`",
        "`subject_id`",
        "`…-split.csv.gz`",
        "",
        read_mimic,
    ),
    Layout(
        "padchest",
        "PadChest",
        "a table with `ImageID`, `Labels`, `PatientID` or `Projection`",
        "`Labels`, a list; *unchanged*, *exclude* and *suboptimal study* say nothing",
        "`PatientID`",
        "none",
        "",
        read_padchest,
    ),
    Layout(
        "vindr-cxr",
        "VinDr-CXR",
        "a table with `image_id`, `class_name`, `x_min` … `y_max`",
        "findings that more than half of a film's readers name",
        "each film its own",
        "`annotations_train.csv`, `annotations_test.csv`",
        "those readers' boxes, in pixels of the film",
        read_vindr,
    ),
    Layout(
        "rsna",
        "RSNA pneumonia detection challenge",
        "a table with `patientId`, `x`, `y`, `width`, `height`, `Target`",
        "`stage_2_detailed_class_info.csv`, else `Target`",
        "`patientId`",
        "none",
        "all boxes of a patient",
        read_rsna,
    ),
    Layout(
        "siim-acr",
        "SIIM-ACR pneumothorax segmentation",
        "a table with `ImageId`, `EncodedPixels`",
        "Pneumothorax where a mask is drawn",
        "each film its own",
        "none",
        "a box around each mask",
        read_siim,
    ),
    Layout(
        "covid-qu-ex",
        "COVID-QU-Ex",
        "folders `Infection Segmentation Data`, `Lung Segmentation Data`",
        "folders; `Non-COVID` is Pneumonia",
        "each film its own",
        "`Train`, `Val`, `Test` of the part that a film is used from",
        "infection masks of COVID-19 films; lung masks are not used",
        read_covid_qu,
    ),
    Layout(
        "covid-radiography",
        "COVID-19 Radiography Database",
        "`<class>/images` beside `<class>/masks`",
        "folders",
        "each film its own",
        "none",
        "nothing: its masks are of lungs",
        read_radiography,
    ),
    Layout(
        "kermany",
        "Kermany's chest X-rays of children",
        "names as `person12_bacteria_46.jpeg`, `IM-0115-0001.jpeg` below splits",
        "folders; the names tell bacterial from viral",
        "`person12` with its kind, `IM-0115`",
        "`train`, `val`, `test`",
        "",
        read_kermany,
    ),
)


def read_layout(folder: Path, labelling: Labelling) -> Reading | None:
    """What lies in a folder of a known layout, which may begin in it or above it; None of others.

    Raises:
        DatasetError: If one of its tables cannot be read.
    """
    for place in _places(folder):
        for layout in LAYOUTS:
            reading = layout.read(place, labelling)
            if reading is not None:
                return reading
    return None


def _places(folder: Path) -> Iterator[Place]:
    for root in candidates(folder):
        yield Place(folder, root, _tables(root))
    above = folder.resolve()
    for _ in range(3):
        above = above.parent
        try:
            permit_path(above, offered_folders())
        except PathError:  # A visitor may name the folder, not what lies above it.
            return
        if tables := _tables(above):
            yield Place(folder.resolve(), above, tables)


def _tables(root: Path) -> dict[Path, tuple[str, ...]]:
    try:
        inner = [c for c in subfolders(root) if c.name.lower() in _TABLE_FOLDERS]
        files = [
            file
            for place in (root, *inner)
            for file in sorted(place.iterdir())
            if file.name.lower().endswith((".csv", ".csv.gz")) and not file.name.startswith(".")
        ]
    except PermissionError:
        return {}
    return {file: read_columns(file) for file in files} if len(files) <= _MOST_TABLES else {}
