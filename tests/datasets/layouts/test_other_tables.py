"""Tables and folders of data sets that have no layout of their own, as they are downloaded."""

import unicodedata

import pytest

from tests.datasets.layouts.miniatures import touch
from xraycore.datasets.labelling import split_labels
from xraycore.datasets.labels import BACTERIAL, COVID, NORMAL, VIRAL, canonical_label
from xraycore.datasets.manifest import read_manifest
from xraycore.errors import DatasetError


def table(tmp_path, text, name="l.csv"):
    file = touch(tmp_path / "set", *(f"img/{letter}.png" for letter in "abcdef")) / name
    file.write_text(text, encoding="utf-8")
    return file


def told(manifest):
    return {record.path.stem: record.label for record in manifest.records}


def test_coronahack(tmp_path):
    head = "X_ray_image_name,Label,Dataset_type,Label_2_Virus_category\n"
    rows = "0,a.png,Normal,TRAIN,\n1,b.png,Pnemonia,TEST,\n"
    manifest = read_manifest(table(tmp_path, f",{head}{rows}"))
    assert manifest.counts() == {"train": {NORMAL: 1}, "test": {"Pneumonia": 1}}


def test_cohens_table_has_classes_below_classes_and_tomograms(tmp_path):
    rows = (
        "patientid,finding,view,modality,folder,filename\n"
        "2,Pneumonia/Viral/COVID-19,PA,X-ray,images,a.png\n"
        "3,Pneumonia/Bacterial/Streptococcus,AP Supine,X-ray,images,b.png\n"
        "4,Pneumonia/Viral,L,X-ray,images,c.png\n"
        "5,Pneumonia/Viral/COVID-19,Axial,CT,volumes,d.nii.gz\n"
        "6,todo,PA,X-ray,images,e.png\n"
        "7,Unknown,PA,X-ray,images,f.png\n"
    )
    manifest = read_manifest(table(tmp_path, rows))
    assert told(manifest) == {"a": COVID, "b": BACTERIAL}
    assert {reason: one.count for reason, one in manifest.left_out.items()} == {
        "lateral views": 1,
        "of another modality than radiography, as the table says": 1,
        "without a label": 2,
    }


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("Pneumonia/Viral/COVID-19", COVID),
        ("Pneumonia/Aspiration", "Pneumonia"),
        ("Normal/Abnormal", "Normal/Abnormal"),
        ("0_normal", NORMAL),
        ("2 - Viral Pneumonia", VIRAL),
        ("19", "19"),
    ],
)
def test_classes_with_numbers_and_above_others(name, label):
    assert canonical_label(name) == label


def test_findings_parted_by_commas():
    assert split_labels("COVID, Lung Opacity") == [COVID, "Pneumonia"]
    # What is not known may be part of a name.
    assert split_labels("COVID-19, read as clear") == ["COVID-19, read as clear"]
    assert split_labels("Pneumonia, viral") == [VIRAL]
    assert split_labels("Mass, left") == ["Mass, left"]


@pytest.mark.parametrize(("there", "not_there"), [("True", "False"), ("yes", "No"), ("1.0", "0.0")])
def test_a_single_finding_is_there_or_not(tmp_path, there, not_there):
    text = f"uid,path,Pneumonia\n1,img/a.png,{there}\n1,img/b.png,{not_there}\n"
    for column in ("", "#Pneumonia"):
        manifest = read_manifest(f"{table(tmp_path, text)}{column}")
        assert told(manifest) == {"a": "Pneumonia", "b": "No Pneumonia"}


def test_a_quote_that_does_not_end_is_not_a_label_of_many_lines(tmp_path):
    rows = 'img/a.png,"Normal\nimg/b.png,Normal\nimg/c.png,"COVID"\nimg/d.png,Normal\n'
    manifest = read_manifest(table(tmp_path, "path,label\n" + rows))
    assert told(manifest) == {"d": NORMAL}
    (reason,) = manifest.left_out
    assert reason == "rows with more cells than columns, or a quote that does not end"


def test_dummies_of_pandas(tmp_path):
    text = "path,Normal,COVID\nimg/a.png,True,False\nimg/b.png,False,True\n"
    assert told(read_manifest(table(tmp_path, text))) == {"a": NORMAL, "b": COVID}


def test_a_number_of_rows_is_no_finding(tmp_path):
    """OpenI's table of projections has no labels."""
    with pytest.raises(DatasetError, match="Received: uid, filename, projection"):
        read_manifest(table(tmp_path, "uid,filename,projection\n1,a.png,Frontal\n"))


def test_whole_numbers_that_pandas_wrote_with_decimals(tmp_path):
    rows = "img/a.png,0.0,7.0\nimg/b.png,1.0,7\nimg/c.png,2.0,\nimg/d.png,3.0,8.0\n"
    manifest = read_manifest(table(tmp_path, "path,label,patient_id\n" + rows))
    assert told(manifest) == {"a": COVID, "b": NORMAL, "c": VIRAL, "d": BACTERIAL}
    assert [record.group for record in manifest.records] == ["set/7", "set/7", "set/c", "set/8"]


def test_names_as_macos_and_as_addresses_have_them(tmp_path):
    file = table(tmp_path, "path,label\nimg/m\u00fcller.png,Normal\nimg/a%20b.png,COVID\n")
    touch(file.parent, "img/" + unicodedata.normalize("NFD", "m\u00fcller.png"), "img/a b.png")
    records = read_manifest(file).records
    assert [(record.path.is_file(), record.label) for record in records] == [
        (True, NORMAL),
        (True, COVID),
    ]


def test_folders_named_by_split_and_class(tmp_path):
    names = ("Normal_train/a.png", "COVID-19_train/b.png", "test normal/c.png", "Test_Covid/d.png")
    manifest = read_manifest(touch(tmp_path / "set", *names))
    assert manifest.counts() == {"train": {NORMAL: 1, COVID: 1}, "test": {NORMAL: 1, COVID: 1}}


def test_a_folder_of_pictures_is_no_class(tmp_path):
    """That of the Shenzhen films is called so."""
    with pytest.raises(DatasetError, match="1 films in no folder of a class"):
        read_manifest(touch(tmp_path / "set", "CXR_png/CHNCXR_0001_0.png"))
