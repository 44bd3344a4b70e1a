"""Public data sets as they are downloaded: films, classes, splits, patients, and what is not used.

Every number was counted by hand from `miniatures.py`.
"""

import numpy as np
import pytest
from PIL import Image

from tests.datasets.layouts.miniatures import LAYOUTS, touch
from xraycore.datasets.labelling import LabelPolicy
from xraycore.datasets.labels import BACTERIAL, COVID, NORMAL, VIRAL, parse_classes
from xraycore.datasets.layouts import registry
from xraycore.datasets.manifest import read_manifest
from xraycore.datasets.splits import read_splits
from xraycore.errors import DatasetError


@pytest.fixture
def made(tmp_path):
    """`made(name)`: that data set in a folder of its own."""
    return lambda name, folder="set": LAYOUTS[name](tmp_path / "data" / folder)


def said(manifest):
    """Film -> label, split, patient."""
    return {
        record.path.name: (record.label, record.split, record.group.partition("/")[2])
        for record in manifest.records
    }


def left(manifest):
    return {reason: one.count for reason, one in manifest.left_out.items()}


def test_every_layout_has_its_miniature():
    assert list(LAYOUTS) == [layout.name for layout in registry.LAYOUTS]


@pytest.mark.parametrize("name", LAYOUTS)
def test_no_file_is_left_out_silently(made, name):
    """Films, masks, tables: each file is used or counted. Rows without a film come on top."""
    root = made(name)
    manifest = read_manifest(root)
    files = sum(path.is_file() for path in root.rglob("*"))
    rows = manifest.left_out.get("rows whose film is not here")
    counted = sum(left(manifest).values()) - (rows.count if rows else 0)
    assert len(manifest.records) + counted == files
    assert all(one.examples for one in manifest.left_out.values())


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_folder_too_high_is_the_same_data_set(made, name):
    root = made(name)
    exact, high = read_manifest(root), read_manifest(root.parent)
    assert high.layouts == exact.layouts
    assert {(r.path, r.label, r.split) for r in high.records} == {
        (r.path, r.label, r.split) for r in exact.records
    }


def test_nih(made):
    manifest = read_manifest(made("nih"))
    assert manifest.layouts == ("NIH ChestX-ray14: 4 films of 3 patients",)
    assert said(manifest) == {
        "00000001_000.png": ("Cardiomegaly", "train", "00000001"),
        "00000001_001.png": (NORMAL, "train", "00000001"),
        "00000002_000.png": ("Pneumonia", "test", "00000002"),
        "00000003_000.png": (NORMAL, "test", "00000003"),
    }
    assert left(manifest) == {
        "rows whose film is not here": 1,
        "films that no table names": 1,
        "tables and texts": 5,
    }
    ages = {record.path.name: record.age for record in manifest.records}
    assert list(ages.values()) == [58.0, 58.0, 0.5, None]
    boxes = {r.path.name: r.lesion.boxes for r in manifest.records if r.lesion}
    assert boxes == {"00000002_000.png": ((0.25, 0.5, 0.125, 0.0625), (0.0, 0.0, 0.5, 1.0))}


def test_a_part_of_nih_is_told_by_the_table_above_it(made):
    root = made("nih")
    for part in ("images_001", "images_001/images"):
        manifest = read_manifest(root / part)
        assert manifest.layouts == ("NIH ChestX-ray14: 2 films of 1 patient",)
        assert sorted(said(manifest)) == ["00000001_000.png", "00000001_001.png"]
        assert left(manifest) == {}


@pytest.mark.parametrize(
    ("several", "label"), [("known", "Cardiomegaly"), ("first", "Cardiomegaly"), ("leave-out", "")]
)
def test_several_findings_by_the_rule_that_is_asked_for(made, several, label):
    manifest = read_manifest(made("nih"), policy=LabelPolicy(several=several))
    assert said(manifest).get("00000001_000.png", ("",))[0] == label


def test_classes_that_are_asked_for_are_found_among_several_findings(made):
    manifest = read_manifest(made("nih"), parse_classes("Normal; Emphysema; Infiltration"))
    assert {name: label for name, (label, *_) in said(manifest).items()} == {
        "00000001_000.png": "Emphysema",
        "00000001_001.png": NORMAL,
        "00000002_000.png": "Infiltration",
        "00000003_000.png": NORMAL,
    }
    both = read_manifest(made("nih", "two"), parse_classes("Cardiomegaly; Emphysema; Normal"))
    assert left(both)["with findings of several classes"] == 1


def test_chexpert(made):
    manifest = read_manifest(made("chexpert", "CheXpert-v1.0-small"))
    assert manifest.layouts == ("CheXpert: 4 films of 3 patients",)
    assert sorted((r.label, r.split, r.group.partition("/")[2]) for r in manifest.records) == [
        (NORMAL, "train", "patient00001"),
        ("Pleural Effusion", "val", "patient64541"),
        # Lung Opacity is Pneumonia's alias; an uncertain effusion counts for nothing beside it.
        ("Pneumonia", "train", "patient00002"),
        ("Pneumonia", "train", "patient00002"),
    ]
    assert left(manifest) == {
        "with uncertain labels only": 1,
        "without a positive finding, yet not called normal": 1,
        "lateral views": 1,
        "tables and texts": 2,
    }


@pytest.mark.parametrize(
    ("policy", "films", "pneumonia"),
    [("uncertain=positive", 5, 3), ("uncertain=negative", 4, 2), ("views=all", 5, 2)],
)
def test_policies_of_chexpert(made, policy, films, pneumonia):
    manifest = read_manifest(made("chexpert"), policy=LabelPolicy.parse(policy))
    labels = [record.label for record in manifest.records]
    assert (len(labels), labels.count("Pneumonia")) == (films, pneumonia)


@pytest.mark.parametrize(
    ("policy", "counts"),
    [
        ("", {"Pneumonia": 1, "No Pneumonia": 2}),
        ("uncertain=positive", {"Pneumonia": 2, "No Pneumonia": 2}),
        ("uncertain=negative", {"Pneumonia": 1, "No Pneumonia": 3}),
        ("blank=leave-out", {"Pneumonia": 1, "No Pneumonia": 1}),
        ("blank=leave-out; uncertain=negative", {"Pneumonia": 1, "No Pneumonia": 2}),
    ],
)
def test_one_finding_of_a_table(tmp_path, policy, counts):
    file = tmp_path / "c.csv"
    file.write_text("path,Pneumonia\na.jpg,1.0\nb.jpg,0.0\nc.jpg,-1.0\nd.jpg,\n")
    found = read_manifest(f"{file}#Pneumonia", policy=LabelPolicy.parse(policy))
    assert found.counts() == {"": counts}
    # The only such column need not be named.
    assert read_manifest(file, policy=LabelPolicy.parse(policy)).counts() == {"": counts}


def test_mimic(made):
    manifest = read_manifest(made("mimic-cxr-jpg"))
    assert manifest.layouts == ("MIMIC-CXR-JPG: 2 films of 1 patient",)
    assert said(manifest) == {
        "02aa804e.jpg": (NORMAL, "train", "p10000032"),
        "2a2277a9.jpg": ("Pneumonia", "train", "p10000032"),
    }
    assert left(manifest) == {
        "lateral views": 1,
        "with uncertain labels only": 1,
        "tables and texts": 3,
    }


def test_padchest(made):
    manifest = read_manifest(made("padchest"))
    assert manifest.layouts == ("PadChest: 3 films of 2 patients",)
    assert said(manifest) == {
        "1_a.png": (NORMAL, "", "P1"),
        "2_b.png": ("Pneumonia", "", "P1"),
        # The finer of two known classes.
        "5_e.png": (COVID, "", "P3"),
    }
    assert {record.age for record in manifest.records} == {84.0}


def test_vindr(made):
    root = made("vindr-cxr")
    manifest = read_manifest(root)
    found = {r.path.stem[0]: (r.label, r.split) for r in manifest.records}
    # Two of three readers name the effusion of b, one only its heart; those of c do not agree.
    assert found == {
        "a": (NORMAL, "train"),
        "b": ("Pleural effusion", "train"),
        "d": (NORMAL, "test"),
    }
    assert left(manifest)["films whose readers disagree"] == 1
    (lesion,) = (record.lesion for record in manifest.records if record.lesion)
    assert lesion.boxes == ((2.0, 1.0, 4.0, 2.0), (2.0, 1.0, 2.0, 2.0))
    # In pixels of the film itself: of 8 x 4 they are half its width and height.
    Image.fromarray(np.zeros((4, 8), np.uint8)).save(lesion.pixels_of, "PNG")
    drawn = lesion.draw()
    assert drawn[64:192, 64:192].all() and drawn.sum() == 128 * 128


def test_rsna(made):
    manifest = read_manifest(made("rsna"))
    assert manifest.layouts == ("RSNA pneumonia detection challenge: 3 films of 3 patients",)
    assert said(manifest) == {
        "0004.dcm": (NORMAL, "", "0004"),
        "0009.dcm": ("Pneumonia", "", "0009"),
        "00a8.dcm": ("No Lung Opacity / Not Normal", "", "00a8"),
    }
    (lesion,) = (record.lesion for record in manifest.records if record.lesion)
    assert lesion.boxes == ((0.25, 0.5, 0.125, 0.25), (0.5, 0.5, 0.125, 0.25))
    assert left(manifest)["films that no table names"] == 1


def test_rsna_without_the_readers_words_is_opacity_or_not(made):
    root = made("rsna")
    (root / "stage_2_detailed_class_info.csv").unlink()
    labels = {name: label for name, (label, *_) in said(read_manifest(root)).items()}
    assert labels == {
        "0004.dcm": "No Lung Opacity",
        "0009.dcm": "Pneumonia",
        "00a8.dcm": "No Lung Opacity",
    }


def test_siim(made):
    manifest = read_manifest(made("siim-acr"))
    assert {name: one[0] for name, one in said(manifest).items()} == {
        "1.2.276.1.dcm": "Pneumothorax",
        "1.2.276.2.dcm": "No pneumothorax",
    }
    (lesion,) = (record.lesion for record in manifest.records if record.lesion)
    # From pixel 1034 on, 4 down: column 1, rows 10 to 13; 1020 further, column 2, the same rows.
    assert lesion.boxes == ((1 / 1024, 10 / 1024, 2 / 1024, 4 / 1024),)


def test_covid_qu_ex(made):
    root = made("covid-qu-ex")
    manifest = read_manifest(root)
    assert manifest.layouts == ("COVID-QU-Ex: 5 films of 5 patients",)
    assert {name: one[:2] for name, one in said(manifest).items()} == {
        "covid_1.png": (COVID, "test"),
        "n1.png": ("Pneumonia", "test"),
        "h1.png": (NORMAL, "test"),
        "n1x.png": ("Pneumonia", "train"),
        "h1x.png": (NORMAL, "train"),
    }
    drawn = {r.path.name: r.lesion.mask for r in manifest.records if r.lesion}
    (mask,) = drawn.values()
    assert mask.parent.name == "infection masks" and mask.stem == "covid_1"
    assert left(manifest) == {
        "masks, not films": 9,
        "films that stand in another part of the data set too": 1,
    }


def test_radiography(made):
    root = made("covid-radiography", "COVID-19_Radiography_Dataset")
    manifest = read_manifest(root)
    assert manifest.counts() == {"": {NORMAL: 1, VIRAL: 1, COVID: 1, "Pneumonia": 1}}
    assert left(manifest) == {"masks, not films": 4, "tables and texts": 5}
    assert not any(record.lesion for record in manifest.records)
    # A folder too low is its class.
    for low in ("COVID", "COVID/images"):
        (record,) = read_manifest(root / low).records
        assert (record.label, record.source) == (COVID, root.name)


def test_kermany(made):
    manifest = read_manifest(made("kermany", "chest_xray"))
    assert manifest.layouts == ("Kermany's chest X-rays of children: 5 films of 4 patients",)
    assert said(manifest)["person1_bacteria_2.jpeg"] == (BACTERIAL, "train", "person1_bacteria")
    assert said(manifest)["person1_virus_6.jpeg"] == (VIRAL, "test", "person1_virus")
    assert left(manifest) == {
        "in a second copy of the data set in a folder of its own name": 5,
        "hidden files and what systems add": 2,
    }


def test_several_data_sets_in_a_folder_are_named(tmp_path):
    for name in ("one", "two"):
        touch(tmp_path / "all" / name, "train/NORMAL/a.png", "test/COVID/b.png")
    with pytest.raises(DatasetError, match="several, one, two: name each by itself"):
        read_manifest(tmp_path / "all")


def test_no_patient_of_a_split_that_came_so_is_trained_and_tested_on(tmp_path):
    root = touch(
        tmp_path / "set",
        *(f"train/NORMAL/{n:08d}_000.png" for n in range(4)),
        *(f"train/COVID/{n:08d}_000.png" for n in range(10, 14)),
        "test/NORMAL/00000001_001.png",
        "test/COVID/00000020_001.png",
    )
    for path in root.rglob("*.png"):
        path.write_text(path.name)
    manifest = read_splits(root)
    assert manifest.crossing() == {}
    assert left(manifest)["films of patients who are tested on or validated on"] == 1
    assert read_manifest(root).crossing() == {"set/00000001": ("test", "train")}


def test_of_a_served_app_tables_above_its_folders_are_not_read(made, monkeypatch):
    folder = made("nih") / "images_001"
    assert read_manifest(folder).layouts
    monkeypatch.setenv("XRAYCORE_ROOTS", str(folder))
    with pytest.raises(DatasetError):
        read_manifest(folder)
