import numpy as np
import pytest

from tests.datasets.film_files import draw, write
from xraycore.datasets.audit.audit import audit
from xraycore.datasets.audit.overview import average_films, survey_dataset
from xraycore.datasets.index import ImageIndex
from xraycore.datasets.manifest import read_manifest
from xraycore.datasets.synthetic.flawed_dataset import write_flawed_dataset


def test_films_by_class_path_and_patient(tmp_path):
    for name in ("train/PNEUMONIA/person1_virus_1.png", "test/PNEUMONIA/person1_virus_2.png"):
        write(tmp_path / name, draw(len(name)))
    write(tmp_path / "train" / "NORMAL" / "IM-1-1.png", draw(3))
    (tmp_path / "train" / "NORMAL" / "broken.png").write_bytes(b"none")
    found = survey_dataset(tmp_path)
    assert {label: len(films) for label, films in found.by_class.items()} == {
        "Normal": 1,
        "Viral pneumonia": 2,
    }
    assert found.root == tmp_path
    (normal,) = found.by_class["Normal"]
    assert found.by_path[tmp_path / "train" / "NORMAL" / "IM-1-1.png"] is normal
    assert found.name(normal.record.path) == "train/NORMAL/IM-1-1.png"
    patient = found.by_class["Viral pneumonia"][0].record.group
    assert len(found.of_patient(patient)) == 2
    assert len(found.manifest.records) == 4


def test_averages_by_hand(tmp_path):
    # Greys 40 and 80 of one class, 180 of the other: 60 and 180, which lie 60 from their middle.
    for name, grey, shape in (
        ("A/1", 40, (60, 60)),
        ("A/2", 80, (60, 180)),
        ("B/1", 180, (60, 60)),
    ):
        write(tmp_path / f"{name}.png", np.full(shape, grey, np.uint8))
    averages = average_films(survey_dataset(tmp_path).by_class)
    assert averages["A"].pixels == pytest.approx(60 / 255)
    assert averages["A"].excess == pytest.approx(-60 / 255)
    assert averages["B"].excess == pytest.approx(60 / 255)
    assert (averages["A"].aspect, averages["A"].films) == (2.0, 2)
    assert average_films({}) == {}


def test_what_was_measured_before_a_stop_is_kept(tmp_path):
    for number in range(70):
        write(tmp_path / "set" / "A" / f"{number}.png", draw(number, (40, 40)))
    store = ImageIndex(tmp_path / "films.sqlite3")

    class Stopped(Exception):
        pass

    said = []

    def stop(progress):
        said.append(progress)
        if progress.activity == "reading films, 65 of 70":
            raise Stopped

    with pytest.raises(Stopped):
        survey_dataset(tmp_path / "set", store=store, report=stop)
    assert (said[0].done, said[0].activity) == (0.0, "looking for films")
    hashes = [film.facts.sha256 for film in survey_dataset(tmp_path / "set").films]
    assert len(store.films(hashes)) == 64


def test_the_audit_finds_every_fault_of_the_teaching_set(tmp_path):
    shares = []
    file = write_flawed_dataset(tmp_path, 12, size=96, report=lambda now: shares.append(now.done))
    found = audit(read_manifest(file))
    assert shares[-1] == 1 and len(shares) == 29
    assert found.films == 31
    assert [bad.path.name for bad in found.unreadable] == ["cut.png"]
    assert found.patients.crossing == {f"{tmp_path.name}/leak": ("test", "train")}
    (same,) = found.copies
    assert sorted(path.name for path in same.paths) == ["copy.png", "original.png"]
    assert same.splits_disagree and same.patients_disagree and not same.labels_disagree
    assert ["again.jpg", "first.png"] in [
        sorted(path.name for path in pair.paths) for pair in found.near_copies
    ]
    assert found.confounding.grey_auroc > 0.7
    with pytest.raises(ValueError, match="at least 10"):
        write_flawed_dataset(tmp_path, 9)
