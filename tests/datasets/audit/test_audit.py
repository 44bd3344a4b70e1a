import hashlib
import json
from collections import Counter

import cv2
import numpy as np
import pytest

from tests.datasets.film_files import draw, write
from xraycore.datasets.audit.audit import audit
from xraycore.datasets.audit.findings import audit_to_json, describe
from xraycore.datasets.manifest import Manifest, read_manifest
from xraycore.utils.progress import Progress


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """Six films, and beside them one of each fault."""
    folder = tmp_path_factory.mktemp("planted") / "set"
    for number, split in enumerate(("train", "train", "test", "test")):
        write(folder / split / "NORMAL" / f"IM-000{number}-0001.png", draw(number))
    write(folder / "train" / "PNEUMONIA" / "person1_bacteria_1.png", draw(10))
    write(folder / "train" / "PNEUMONIA" / "person2_virus_2.png", draw(11))
    # The same patient in two splits, with another film.
    write(folder / "test" / "PNEUMONIA" / "person1_bacteria_3.png", draw(12))
    # One file in two splits, under two names.
    normal = folder / "train" / "NORMAL"
    (folder / "test" / "NORMAL" / "IM-0009-0001.png").write_bytes(
        (normal / "IM-0000-0001.png").read_bytes()
    )
    # One exposure with two classes, smaller, brighter and as a JPEG.
    small = cv2.resize(draw(11), (140, 140), interpolation=cv2.INTER_AREA)
    brighter = np.round(small * 1.1).astype(np.uint8)
    write(normal / "IM-0008-0001.jpeg", brighter, quality=80)
    (normal / "IM-0007-0001.png").write_bytes(b"no picture at all")
    write(normal / "IM-0006-0001.png", np.full((160, 160), 90, np.uint8))
    return folder


@pytest.fixture(scope="module")
def found(planted):
    return audit(read_manifest(planted))


def names(likes):
    return [sorted(path.name for path in same.paths) for same in likes]


def titles(found, severity):
    return [finding.title for finding in describe(found) if finding.severity == severity]


def test_counts(found):
    assert found.films == 11
    assert found.counts == {
        "train": {"Normal": 5, "Bacterial pneumonia": 1, "Viral pneumonia": 1},
        "test": {"Normal": 3, "Bacterial pneumonia": 1},
    }
    assert found.sources == {
        "set": {"Normal": 8, "Bacterial pneumonia": 2, "Viral pneumonia": 1},
    }
    assert "The test split has no image of Viral pneumonia." in titles(found, "warning")


def test_unreadable_file_is_named_with_its_error(found):
    (bad,) = found.unreadable
    assert bad.path.name == "IM-0007-0001.png"
    assert "IM-0007-0001.png" in bad.error
    assert "1 of 11 files cannot be read: IM-0007-0001.png." in titles(found, "warning")


def test_film_warnings_are_counted_by_kind(found):
    assert list(found.film_warnings.values()) == [1]
    (text,) = found.film_warnings
    assert text.startswith("The image is almost blank: # % of it")


def test_byte_identical_copies_across_splits(found):
    assert names(found.copies) == [["IM-0000-0001.png", "IM-0009-0001.png"]]
    same = found.copies[0]
    assert (same.labels_disagree, same.splits_disagree, same.patients_disagree, same.likeness) == (
        *(False, True, True),
        1.0,
    )
    (title,) = (t for t in titles(found, "warning") if "byte-identical" in t)
    assert title.startswith("2 files are byte-identical to another, 1 more")
    assert "1 of these across splits (IM-0000-0001.png = IM-0009-0001.png)" in title


def test_near_copy_with_two_classes(found):
    assert names(found.near_copies) == [["IM-0008-0001.jpeg", "person2_virus_2.png"]]
    same = found.near_copies[0]
    assert (same.labels_disagree, same.splits_disagree) == (True, False)
    assert 0.9 < same.likeness < 1
    (title,) = (t for t in titles(found, "warning") if "one exposure" in t)
    assert "1 pair of different files" in title
    assert "1 with two classes" in title


def test_patient_in_two_splits(found):
    # Eight IM numbers and two persons, of whom one has two films.
    assert (found.patients.count, found.patients.with_several_films) == (10, 1)
    assert found.patients.crossing == {"set/person1_bacteria": ("test", "train")}
    (finding,) = (f for f in describe(found) if "1 patient lies" in f.title)
    assert finding.severity == "warning"
    assert "file names" in finding.advice
    assert "numbers start again" in finding.advice


def test_findings_stand_worst_first(found):
    order = [("warning", "note", "ok").index(finding.severity) for finding in describe(found)]
    assert order == sorted(order)
    assert set(order) == {0, 1}


def test_audit_is_json(found):
    said = json.loads(json.dumps(audit_to_json(found), allow_nan=False))
    assert said["films"] == 11
    assert said["copies"][0]["splits_disagree"] is True
    assert said["patients"]["crossing"] == {"set/person1_bacteria": ["test", "train"]}
    assert said["confounding"] is None
    assert said["findings"][0].keys() == {"topic", "severity", "title", "advice"}


def test_clean_folder_without_splits_says_so(tmp_path):
    folder = tmp_path / "set"
    for number in range(4):
        write(folder / "AB"[number % 2] / f"film{number}.png", draw(number))
    calls = []
    found = audit(read_manifest(folder), report=calls.append)
    reading = [Progress(n / 4, f"reading films, {n} of 4") for n in range(1, 5)]
    assert calls == [*reading, Progress(1.0, "comparing 4 films with one another")]
    assert (found.copies, found.near_copies, found.unreadable, found.film_warnings) == (
        *((), (), ()),
        {},
    )
    assert found.patients.crossing is None
    assert "Patients are unknown: every file counts as one." in titles(found, "note")
    assert not titles(found, "warning")


def test_no_crossing_is_claimed_of_names_only(tmp_path):
    for split, person in (("train", 1), ("test", 2)):
        for film in range(2):
            path = tmp_path / "set" / split / "PNEUMONIA" / f"person{person}_virus_{film}.png"
            write(path, draw(10 * person + film))
    found = audit(read_manifest(tmp_path / "set"))
    assert found.patients.crossing == {}
    (finding,) = (f for f in describe(found) if "crosses splits" in f.title)
    assert finding.title == "By name, none of 2 patients crosses splits."
    assert finding.severity == "ok"
    assert "names cannot tell" in finding.advice


def test_small_validation_split_is_noted(tmp_path):
    for split in ("train", "val", "test"):
        write(tmp_path / "set" / split / "A" / f"{split}.png", draw(len(split)))
    notes = titles(audit(read_manifest(tmp_path / "set")), "note")
    assert "The validation split has 1 images and fewer than 20 of A." in notes


def test_class_of_one_source_is_a_warning(tmp_path):
    for number, name in enumerate(("one/A", "one/B", "two/A")):
        write(tmp_path / name / f"{number}.png", draw(number))
    found = audit(read_manifest([tmp_path / "one", tmp_path / "two"]))
    assert titles(found, "warning") == ["B comes from one data set only."]


def test_file_named_twice_with_two_classes(tmp_path):
    write(tmp_path / "x.png", draw(0))
    (tmp_path / "labels.csv").write_text("path,label\nx.png,A\nx.png,B\ngone.png,A\n")
    found = audit(read_manifest(tmp_path / "labels.csv"))
    assert found.copies[0].labels_disagree
    assert [bad.path.name for bad in found.unreadable] == ["gone.png"]


def test_an_audit_of_nothing_readable(tmp_path):
    (tmp_path / "set" / "A").mkdir(parents=True)
    (tmp_path / "set" / "A" / "x.png").write_bytes(b"")
    found = audit(read_manifest(tmp_path / "set"))
    assert len(found.unreadable) == found.films == 1
    assert found.confounding is None


def test_file_size_that_tells_the_class_is_a_warning(tmp_path):
    for number in range(24):
        size = (140, 200) if number % 2 else (200, 140)
        write(tmp_path / "set" / "AB"[number % 2] / f"{number}.png", draw(number, size))
    found = audit(read_manifest(tmp_path / "set"))
    assert found.confounding.file_auroc == 1.0
    assert found.confounding.medians["A"]["aspect"] == 0.7
    assert titles(found, "warning")[0].startswith("The file gives the class away: AUROC 1.00")


@pytest.mark.slow
@pytest.mark.realdata
def test_official_test_and_validation_films(real_data):
    manifest = read_manifest(real_data / "chest_xray")
    found = audit(Manifest(manifest.split("test") + manifest.split("val")))
    assert found.counts == {
        "val": {"Normal": 8, "Bacterial pneumonia": 8},
        "test": {"Normal": 234, "Bacterial pneumonia": 242, "Viral pneumonia": 148},
    }
    assert not found.unreadable
    assert found.near_copies == ()
    assert found.patients.crossing == {}
    assert not any(same.splits_disagree for same in found.copies)
    # All files have one size and format; even so, their bytes and brightness tell the class.
    assert found.confounding.file_auroc == pytest.approx(0.70, abs=0.07)
    assert found.confounding.grey_auroc > found.confounding.file_auroc


@pytest.mark.realdata
def test_byte_identical_films_of_the_whole_set(real_data):
    records = read_manifest(real_data / "chest_xray").records
    by_content = Counter()
    splits = {}
    for record in records:
        content = hashlib.sha256(record.path.read_bytes()).hexdigest()
        by_content[content] += 1
        splits.setdefault(content, set()).add(record.split)
    assert sum(number > 1 for number in by_content.values()) == 30
    assert len(records) - len(by_content) == 32
    assert all(len(names) == 1 for names in splits.values())


@pytest.mark.realdata
def test_films_that_were_cropped_in_two_ways(real_data):
    folder = real_data / "covid_radiography" / "COVID"
    numbers = (300, 984, 302, 987, 1195, 1835, 1, 2, 3, 4)
    records = read_manifest(folder.parent).records
    films = [r for r in records if r.path.stem in {f"COVID-{number}" for number in numbers}]
    assert len(films) >= 6
    found = audit(Manifest(tuple(films)))
    assert sorted(names(found.near_copies)) == [
        ["COVID-1195.jpg", "COVID-1835.jpg"],
        ["COVID-300.jpg", "COVID-984.jpg"],
        ["COVID-302.jpg", "COVID-987.jpg"],
    ]
