"""What reporters of other projects fell over, in folders and in tables."""

import os

import pytest

from tests.datasets.layouts.miniatures import chexpert, touch
from xraycore.datasets.labelling import LabelPolicy, split_labels
from xraycore.datasets.labels import BACTERIAL, COVID, NORMAL, VIRAL, canonical_label
from xraycore.datasets.manifest import read_manifest
from xraycore.datasets.split_names import split_of
from xraycore.datasets.table import parse_age, read_table
from xraycore.errors import ArgumentError, DatasetError


def labels(manifest):
    return {record.path.name: record.label for record in manifest.records}


def left(manifest):
    return {reason: one.count for reason, one in manifest.left_out.items()}


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("Pneumonia_Viral", VIRAL),
        ("VIRAL-PNEUMONIA", VIRAL),
        ("Pneumonia-Bacterial", BACTERIAL),
        ("NORMAL ", NORMAL),
        ("No_Finding", NORMAL),
        ("covid_19", COVID),
        ("COVID-19 Pneumonia", COVID),
        ("SARS-CoV-2", COVID),
        ("Lung_Opacity", "Pneumonia"),
        ("Non-COVID", "Non-COVID"),
        ("No Lung Opacity / Not Normal", "No Lung Opacity / Not Normal"),
        ("abnormal", "abnormal"),
        ("正常 ", "正常"),
        # As macOS writes it, and as all others do.
        ("Neumoni\u0301a", "Neumon\u00eda"),
    ],
)
def test_labels_in_any_case_order_and_script(name, label):
    assert canonical_label(name) == label


@pytest.mark.parametrize(
    ("name", "split"),
    [
        *((name, "train") for name in ("Training", "TRAIN", "train_set", "01-Train", "trainset")),
        *((name, "train") for name in ("Entrenamiento", "训练集", "stage_2_train_images")),
        *((name, "val") for name in ("Valid", "validation", "Val_Images", "dev", "Validación")),
        *((name, "test") for name in ("Testing", "test_set", "TestData", "holdout")),
        *((name, "") for name in ("NORMAL", "images", "1", "", "train and test", "Tuberculosis")),
    ],
)  # fmt: skip
def test_splits_in_any_spelling(name, split):
    assert split_of(name) == split


def test_folders_within_classes(tmp_path):
    root = touch(
        tmp_path / "set",
        *("train/PNEUMONIA/VIRUS/a.png", "train/PNEUMONIA/b.png", "train/PNEUMONIA/images/c.png"),
        *("train/Tuberculosis/patient7/x.png", "train/Tuberculosis/patient7/y.png"),
        *("test/NORMAL /d.PNG", "test/NORMAL /d_mask.png", "test/NORMAL /lung masks/d.png"),
        *("test/Thumbs.db", "test/NORMAL /._d.PNG", "test/loose.png", "data.zip", "labels.xlsx"),
    )
    manifest = read_manifest(root)
    assert labels(manifest) == {
        "a.png": VIRAL,
        "b.png": "Pneumonia",
        "c.png": "Pneumonia",
        "x.png": "Tuberculosis",
        "y.png": "Tuberculosis",
        "d.PNG": NORMAL,
    }
    groups = {record.path.name: record.group for record in manifest.records}
    assert groups["x.png"] == groups["y.png"] == "set/patient7"
    assert left(manifest) == {
        "masks, not films": 2,
        "hidden files and what systems add": 2,
        "films in no folder of a class": 1,
        "archives, which are not unpacked": 1,
        "tables and texts": 1,
    }


def test_splits_below_the_classes(tmp_path):
    root = touch(tmp_path / "set", "COVID/train/a.png", "COVID/test/b.png", "Normal/train/c.png")
    assert read_manifest(root).counts() == {"train": {NORMAL: 1, COVID: 1}, "test": {COVID: 1}}


def test_links_are_followed_but_not_in_circles(tmp_path):
    root = touch(tmp_path / "set", "Normal/a.png", "COVID/x/b.png")
    touch(tmp_path / "elsewhere", "c.png")
    os.symlink(tmp_path / "elsewhere", root / "Normal" / "more")
    os.symlink(root / "COVID", root / "COVID" / "x" / "round")
    os.symlink(tmp_path / "gone.png", root / "COVID" / "gone.png")
    manifest = read_manifest(root)
    assert labels(manifest) == {"a.png": NORMAL, "c.png": NORMAL, "b.png": COVID}
    assert left(manifest) == {"links that lead nowhere or back": 2}


def test_dicom_files_without_an_ending(tmp_path):
    root = touch(
        tmp_path / "set", "NORMAL/a.dcm", "NORMAL/DICOMDIR", "NORMAL/x.part", "COVID/b.DCM"
    )
    for name in ("IM00001", "b.IMA", "1.2.840.113619.2.850819"):
        (root / "NORMAL" / name).write_bytes(bytes(128) + b"DICM" + bytes(8))
    (root / "COVID" / "scan").write_bytes(b"\x89PNG\r\n")
    manifest = read_manifest(root)
    assert manifest.counts() == {"": {NORMAL: 4, COVID: 2}}
    assert left(manifest) == {
        "hidden files and what systems add": 1,
        "files that are no images": 1,
    }


def csv(tmp_path, text, name="l.csv"):
    file = touch(tmp_path / "set", "img/a.png", "img/b.png") / name
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


@pytest.mark.parametrize(
    "text",
    [
        "path,label\nimg\\a.png,Normal\n",
        "path,label\nC:\\data\\set\\img\\a.png,Normal\n",
        "path,label\n/mnt/c/set/img/a.png,Normal\n",
        "path,label\n./img/../img/a.png,Normal\n",
        "path,label\na,Normal\n",
        "path,label\nA.PNG,Normal\n",
        "path,label\na.dcm,Normal\n",
        "path;label\nimg/a.png;Normal\n",
        "path\tlabel\r\nimg/a.png\tNormal\r\n",
        "path|label\nimg/a.png|Normal\n",
        "sep=;\nImage Path;Class Name\nimg/a.png;Normal\n",
        '"Path","Label"\n"img/a.png","Normal"\n',
        ",FILE_NAME,Finding Labels\n0,img/a.png,No Finding\n",
        "\ufeffpath,label\n\n img/a.png , Normal \n\n".encode(),
        "path,label\nimg/a.png,Normal\n".encode("utf-16"),
        "path,label\nimg/a.png,Normal\n".encode("utf-16-le"),
        "path,label,who\nimg/a.png,Normal,Müller\n".encode("cp1252"),
    ],
)
def test_tables_as_people_and_programs_write_them(tmp_path, text):
    (record,) = read_manifest(csv(tmp_path, text)).records
    assert record.path.resolve() == (tmp_path / "set/img/a.png").resolve()
    assert (record.label, record.group) == (NORMAL, "set/a")


def test_columns_by_their_synonyms(tmp_path):
    text = (
        "Patient ID;Filename;Diagnosis;Subset;Patient Age;View Position\n"
        "P 7;img/a.png;COVID|Effusion;Validation;63,5;PA\n"
        "P 7;img/b.png;No Finding|Effusion;training;006M;Lateral\n"
    )
    (record,) = read_manifest(csv(tmp_path, text)).records
    assert (record.label, record.split, record.group) == (COVID, "val", "set/P 7")
    assert record.age == 63.5
    both = read_manifest(csv(tmp_path, text), policy=LabelPolicy(views="all")).records
    # A finding counts more than that there is none.
    assert [(r.label, r.split, r.age) for r in both[1:]] == [("Effusion", "train", 0.5)]


def test_each_row_that_is_not_used_has_its_reason(tmp_path):
    rows = [
        *("img/a.png,Normal,train", "img/a.png,Normal,train", "img/b.png,nan,train", ",Normal,"),
        *("x.png,,", "y.png,Normal,later", "z.png,Normal,test,more", "c.png,COVID,test"),
    ]
    manifest = read_manifest(csv(tmp_path, "path,label,split\n" + "\n".join(rows)))
    # What is not there is told where films are read.
    assert labels(manifest) == {"a.png": NORMAL, "c.png": COVID}
    assert {reason: one.examples for reason, one in manifest.left_out.items()} == {
        "rows that repeat another": ("l.csv, line 3: img/a.png",),
        "without a label": ("l.csv, line 4: img/b.png", "l.csv, line 6: x.png"),
        "rows without a file name": ("l.csv, line 5: no path",),
        "rows of a split that is not train, val or test": ("l.csv, line 7: y.png",),
        "rows with more cells than columns, or a quote that does not end": (
            "l.csv, line 8: z.png",
        ),
    }


def test_a_name_that_several_folders_have_is_not_guessed(tmp_path):
    file = csv(tmp_path, "path,label\na.png,Normal\nother/a.png,COVID\n")
    touch(tmp_path / "set", "more/other/a.png")
    manifest = read_manifest(file)
    assert [record.label for record in manifest.records] == [COVID]
    assert left(manifest) == {"rows whose film could be any of several": 1}


def test_a_table_in_the_folder_of_the_images_or_above(tmp_path):
    file = csv(tmp_path, "path,label\na.png,Normal\nb.png,\n", "labels.csv")
    touch(tmp_path / "set", "img/c.png", "masks/a.png")
    for folder in (file.parent, file.parent / "img"):
        manifest = read_manifest(folder)
        assert labels(manifest) == {"a.png": NORMAL}
        assert left(manifest)["films that no table names"] == 1
        assert left(manifest)["without a label"] == 1


def test_a_table_of_findings_as_columns(tmp_path):
    text = "path,Cardiomegaly,Mass,age,sex\nimg/a.png,1,0,40,1\nimg/b.png,0,1.0,50,0\n"
    assert labels(read_manifest(csv(tmp_path, text))) == {
        "a.png": "Cardiomegaly",
        "b.png": "Mass",
    }


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"PK\x03\x04workbook", "a workbook or archive: save it as CSV"),
        (b"", "Received: none"),
        (b'path,label\n"a.png,Normal\n', "EOF inside string"),
        (b"\x1f\x8bnothing", "expected a CSV file"),
        (b"foto,label\na.png,Normal\n", "columns path and label. Received: foto, label"),
    ],
)
def test_what_is_no_table_is_said(tmp_path, content, said):
    with pytest.raises(DatasetError, match=said):
        read_manifest(csv(tmp_path, content))


@pytest.mark.parametrize(
    ("text", "years"),
    [
        *(("055Y", 55), ("6M", 0.5), ("63,5", 63.5), ("63.5 years", 63.5), ("0", 0)),
        *((text, None) for text in ("", "411", "-3", "O63Y", "nan", "unknown")),
    ],
)
def test_ages(text, years):
    assert parse_age(text) == years


def test_findings_of_a_cell():
    assert split_labels("['normal', 'nan']") == [NORMAL]
    assert split_labels("Effusion; Mass|") == ["Effusion", "Mass"]
    assert split_labels(" N/A ") == []


def test_a_policy_of_other_words_is_refused():
    for text in ("uncertain=perhaps", "certain=positive", "several", "views=all; views=all"):
        with pytest.raises(ArgumentError):
            LabelPolicy.parse(text)
    assert LabelPolicy.parse("views=all ; blank=negative").describe() == "views=all"


def test_ten_thousand_rows_are_read_in_one_go(tmp_path):
    """Every one of them by its name alone, which is the slowest way."""
    rows = "".join(f"{n}.png,Normal\n" for n in range(10_000))
    file = csv(tmp_path, "path,label\n" + rows)
    assert len(read_table(file).rows) == 10_000
    assert len(read_manifest(file).records) == 10_000


def test_splits_below_unknown_classes_are_no_data_sets(tmp_path):
    root = touch(tmp_path / "set", "Mass/train/a.png", "Nodule/train/b.png", "Mass/test/c.png")
    assert read_manifest(root).counts() == {"train": {"Mass": 1, "Nodule": 1}, "test": {"Mass": 1}}


def test_a_folder_of_folders_of_data_sets_is_refused(tmp_path):
    for name in ("a/one", "b/two"):
        touch(tmp_path / "all" / name, "train/NORMAL/x.png", "test/COVID/y.png")
    touch(tmp_path / "all", "c/notes.txt")
    with pytest.raises(DatasetError, match="several, one, two: name each by itself"):
        read_manifest(tmp_path / "all")


def test_a_patient_of_chexpert_is_not_taken_for_another(tmp_path):
    """Each has a study1/view1_frontal.jpg."""
    root = chexpert(tmp_path / "CheXpert-v1.0-small")
    manifest = read_manifest(root / "train" / "patient00002")
    assert [(r.label, r.group.split("/")[1]) for r in manifest.records] == [
        ("Pneumonia", "patient00002"),
        ("Pneumonia", "patient00002"),
    ]
