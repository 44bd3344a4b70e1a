import os
from dataclasses import replace

import pytest

from xraycore.datasets.labels import BACTERIAL, CHEST4, COVID, NORMAL, VIRAL, parse_classes
from xraycore.datasets.manifest import Manifest, read_manifest
from xraycore.errors import DatasetError


@pytest.fixture
def touch(tmp_path):
    """Makes empty files: a manifest decodes nothing."""

    def make(*names):
        for name in names:
            path = tmp_path / "set" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        return tmp_path / "set"

    return make


def by_name(manifest):
    return {record.path.name: record for record in manifest.records}


def test_kermany_names_tell_class_and_patient(touch):
    folder = touch(
        "train/PNEUMONIA/person12_bacteria_46.jpeg",
        "train/PNEUMONIA/person12_bacteria_47.jpeg",
        "train/PNEUMONIA/person12_virus_48.jpeg",
        "train/NORMAL/IM-0115-0001.jpeg",
        "test/NORMAL/NORMAL2-IM-0115-0001.jpeg",
        "test/NORMAL/NORMAL2-IM-0115-0001-0002.jpeg",
    )
    found = {
        name: (r.label, r.split, r.group) for name, r in by_name(read_manifest(folder)).items()
    }
    assert found == {
        "person12_bacteria_46.jpeg": (BACTERIAL, "train", "set/person12_bacteria"),
        "person12_bacteria_47.jpeg": (BACTERIAL, "train", "set/person12_bacteria"),
        "person12_virus_48.jpeg": (VIRAL, "train", "set/person12_virus"),
        "IM-0115-0001.jpeg": (NORMAL, "train", "set/IM-0115"),
        "NORMAL2-IM-0115-0001.jpeg": (NORMAL, "test", "set/NORMAL2-IM-0115"),
        "NORMAL2-IM-0115-0001-0002.jpeg": (NORMAL, "test", "set/NORMAL2-IM-0115"),
    }


def test_a_finer_class_folder_is_not_overruled_by_the_name(touch):
    record = read_manifest(touch("COVID/person1_virus_2.png")).records[0]
    assert (record.label, record.split, record.source) == (COVID, "", "set")


def test_counts_and_classes_in_fixed_order(touch):
    folder = touch(
        "test/VIRUS/a.png", "train/Covid/b.png", "train/NORMAL/c.png", "train/Healthy/d.png"
    )
    manifest = read_manifest(folder)
    assert manifest.classes == (NORMAL, VIRAL, COVID)
    assert manifest.counts() == {"train": {NORMAL: 2, COVID: 1}, "test": {VIRAL: 1}}
    assert [record.path.name for record in manifest.split("test")] == ["a.png"]


def test_only_images_count(touch):
    folder = touch("A/x.PNG", "A/deep/y.dcm", "A/notes.txt", "A/.hidden.png", ".git/z.png")
    assert sorted(by_name(read_manifest(folder))) == ["x.PNG", "y.dcm"]


def test_classes_drop_and_merge_labels(touch):
    folder = touch("bacteria/a.png", "virus/b.png", "normal/c.png", "covid/d.png")
    manifest = read_manifest(folder, parse_classes("Normal; Ill = bacteria | virus"))
    assert {name: r.label for name, r in by_name(manifest).items()} == {
        "a.png": "Ill",
        "b.png": "Ill",
        "c.png": NORMAL,
    }


def test_empty_folders_are_refused(touch, tmp_path):
    with pytest.raises(DatasetError, match="found none"):
        read_manifest(touch("A/notes.txt"))
    with pytest.raises(DatasetError, match="there is nothing"):
        read_manifest(tmp_path / "nowhere")
    with pytest.raises(DatasetError, match="with one of the labels Tuberculosis"):
        read_manifest(touch("A/x.png"), {"Tuberculosis": "Tuberculosis"})


def test_a_flat_folder_is_named_by_its_label(tmp_path):
    folder = tmp_path / "covid_qu" / "Pneumonia"
    folder.mkdir(parents=True)
    for name in ("b.png", "a.jpg", ".hidden.png", "notes.txt"):
        (folder / name).touch()
    records = read_manifest(folder).records
    # Its parent is the source: a label is no data set's name.
    assert [(r.path.name, r.label, r.split, r.group, r.source) for r in records] == [
        ("a.jpg", "Pneumonia", "", "covid_qu/a", "covid_qu"),
        ("b.png", "Pneumonia", "", "covid_qu/b", "covid_qu"),
    ]


def test_a_flat_folder_tells_patients_and_kinds_by_its_names(tmp_path):
    """As `chest_xray/train/PNEUMONIA` and `chest_xray` itself do."""
    folder = tmp_path / "train" / "PNEUMONIA"
    folder.mkdir(parents=True)
    for name in ("person1_bacteria_1.jpeg", "person1_bacteria_2.jpeg", "a.png", "a.jpg"):
        (folder / name).touch()
    records = by_name(read_manifest(folder))
    assert records["person1_bacteria_2.jpeg"].label == BACTERIAL
    groups = {name: record.group for name, record in records.items()}
    assert groups["person1_bacteria_1.jpeg"] == groups["person1_bacteria_2.jpeg"]
    assert groups["a.png"] != groups["a.jpg"]


def test_a_flat_folder_may_be_given_its_label(tmp_path, monkeypatch):
    folder = tmp_path / "hospital" / "images"
    folder.mkdir(parents=True)
    (folder / "a.png").touch()
    records = read_manifest(f"{folder}=covid").records
    assert [(r.path, r.label, r.source) for r in records] == [(folder / "a.png", COVID, "hospital")]
    # Without a label a folder of any name is no flat one, nor is the folder one happens to be in.
    monkeypatch.chdir(folder)
    with pytest.raises(DatasetError, match="found none"):
        read_manifest(folder)
    with pytest.raises(DatasetError, match="there is nothing"):
        read_manifest(tmp_path / "gone")


def test_a_folder_of_class_folders_is_not_flat_whatever_its_name(tmp_path):
    for name in ("Normal/a.png", "Virus/b.png"):
        (tmp_path / "covid" / name).parent.mkdir(parents=True)
        (tmp_path / "covid" / name).touch()
    records = read_manifest(tmp_path / "covid").records
    assert [(r.label, r.source) for r in records] == [(NORMAL, "covid"), (VIRAL, "covid")]


def test_a_label_that_is_a_set_of_classes_is_counted_but_is_no_class(touch):
    folder = touch("bacteria/a.png", "virus/b.png", "pneumonia/c.png", "normal/d.png")
    manifest = read_manifest(folder)
    assert manifest.classes == (NORMAL, BACTERIAL, VIRAL)
    assert manifest.counts() == {"": {NORMAL: 1, BACTERIAL: 1, VIRAL: 1, "Pneumonia": 1}}
    # Merged with its members it is a class like any other.
    merged = read_manifest(folder, parse_classes("Normal; Pneumonia = bacteria|virus|pneumonia"))
    assert merged.classes == (NORMAL, "Pneumonia")
    assert merged.counts() == {"": {NORMAL: 1, "Pneumonia": 3}}


def write_csv(tmp_path, text):
    file = tmp_path / "set" / "labels.csv"
    file.parent.mkdir(exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


def test_csv_columns(tmp_path):
    file = write_csv(
        tmp_path,
        "\ufeffpath,label,split,group\nfilms/a.png,Healthy,Train,p7\nb.png,covid,,\n"
        "person3_virus_1.png,Pneumonia,test,\n",
    )
    records = by_name(read_manifest(file))
    assert {name: (r.label, r.split, r.group) for name, r in records.items()} == {
        "a.png": (NORMAL, "train", "set/p7"),
        "b.png": (COVID, "", "set/b"),
        "person3_virus_1.png": (VIRAL, "test", "set/person3_virus"),
    }
    assert records["a.png"].path == tmp_path / "set" / "films" / "a.png"


def test_a_csv_of_zeros_and_ones_keeps_them_for_the_user_to_name(tmp_path):
    file = tmp_path / "labels.csv"
    file.write_text("path,label\na.png,0\nb.png,1\n")
    assert [record.label for record in read_manifest(file).records] == ["0", "1"]
    named = read_manifest(file, parse_classes("Normal = 0; Pneumonia = 1"))
    assert [record.label for record in named.records] == ["Normal", "Pneumonia"]
    file.write_text("path,label\na.png,0\nb.png,1\nc.png,2\nd.png,3\n")
    assert read_manifest(file).counts() == {"": dict.fromkeys(CHEST4, 1)}


def test_csv_ages_in_years(tmp_path):
    file = write_csv(
        tmp_path,
        "path,label,age\na.png,covid,63\nb.png,covid,0.5\nc.png,covid,\nd.png,covid,O63Y\n",
    )
    ages = {name: record.age for name, record in by_name(read_manifest(file)).items()}
    assert ages == {"a.png": 63.0, "b.png": 0.5, "c.png": None, "d.png": None}
    without = write_csv(tmp_path, "path,label\na.png,covid\n")
    assert read_manifest(without).records[0].age is None


def test_csv_labels_of_another_column(tmp_path):
    file = write_csv(
        tmp_path, "path,label,rsna\na.png,Fracture,opacity\nb.png,Normal,\nc.png,,normal\n"
    )
    records = by_name(read_manifest(f"{file}#rsna"))
    # Rows where it is empty are left out; what another column says does not matter.
    assert {name: r.label for name, r in records.items()} == {"a.png": "Opacity", "c.png": NORMAL}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("path,label\n,covid\n", "1 rows without a file name .*line 2: no path"),
        ("path,label\na.png,\n", "1 without a label .*line 2: a.png"),
        ("foto,label\na.png,covid\n", "columns path and label. Received: foto, label"),
        ("path,label,split\na.png,covid,fold 3\n", "1 rows of a split that is not .*line 2"),
        ("path,label\n", "found none"),
    ],
)
def test_csv_errors_name_the_cause(tmp_path, text, message):
    with pytest.raises(DatasetError, match=message):
        read_manifest(write_csv(tmp_path, text))


def test_csv_that_is_no_text(tmp_path):
    file = tmp_path / "labels.csv"
    file.write_bytes(b"\xff\xfe\x00\x80")
    with pytest.raises(DatasetError, match="labels.csv: expected a CSV file"):
        read_manifest(file)


def test_several_data_sets_keep_their_sources(touch, tmp_path):
    folder = touch("A/x.png")
    other = tmp_path / "other" / "A" / "x.png"
    other.parent.mkdir(parents=True)
    other.touch()
    manifest = read_manifest([folder, tmp_path / "other"])
    assert [r.group for r in manifest.records] == ["set/x", "other/x"]


def test_fingerprint_follows_what_decides_a_run_and_no_more(touch):
    manifest = read_manifest(touch("A/x.png", "B/y.png"))
    first, second = manifest.records
    same = Manifest((second, first)).fingerprint()
    assert manifest.fingerprint() == same
    for field in ("label", "split", "group"):
        changed = replace(first, **{field: "another"})
        assert Manifest((changed, second)).fingerprint() != same


def test_files_numbered_anew_in_every_folder_are_different_patients(tmp_path):
    for folder in ("train/A", "train/B", "test/A"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "1.png").touch()
    (tmp_path / "train/A/only.png").touch()
    groups = [record.group.split("/", 1)[1] for record in read_manifest(tmp_path).records]
    assert groups == ["train/A/1.png", "only", "train/B/1.png", "test/A/1.png"]


def test_numbered_anew_in_a_csv_too(tmp_path):
    rows = ["Normal/0.png,Normal", "Ill/0.png,COVID", "Ill/1.png,COVID"]
    (tmp_path / "labels.csv").write_text("path,label\n" + "\n".join(rows))
    groups = [record.group for record in read_manifest(tmp_path / "labels.csv").records]
    source = tmp_path.name
    assert groups == [f"{source}/Normal/0.png", f"{source}/Ill/0.png", f"{source}/1"]


def test_other_names_of_splits_and_folders_beside_them(touch, caplog):
    folder = touch("train/NORMAL/a.png", "valid/NORMAL/b.png", "Test/NORMAL/c.png", "more/d.png")
    found = {name: r.split for name, r in by_name(read_manifest(folder)).items()}
    assert found == {"a.png": "train", "b.png": "val", "c.png": "test"}
    assert "left out 1 in folders beside the splits (more/d.png)" in caplog.text


def test_a_folder_that_may_not_be_read_is_no_class_less(touch, monkeypatch):
    root = touch("Normal/a.png", "Viral/b.png")
    walk = os.walk

    def guarded(folder, onerror, followlinks):
        onerror(PermissionError(13, "Permission denied", f"{folder}/Viral"))
        return walk(folder, onerror=onerror, followlinks=followlinks)

    # The tests may run as root, who may read all.
    monkeypatch.setattr("xraycore.datasets.files.os.walk", guarded)
    with pytest.raises(DatasetError, match="Viral: may not be read by this user"):
        read_manifest(root)


def test_a_name_that_is_not_utf8_is_refused_by_name(touch):
    root = touch("Normal/a.png", "Normal/M\udcfcller.png")
    with pytest.raises(DatasetError, match=r"not UTF-8.*ller"):
        read_manifest(root)


def test_one_split_of_a_data_set_is_a_part_of_it(touch):
    folder = touch("train/NORMAL/a.png", "test/NORMAL/b.png")
    (record,) = read_manifest(folder / "test").records
    assert (record.source, record.split, record.group) == ("set", "test", "set/b")
