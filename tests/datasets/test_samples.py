"""Films to try and public data sets: what is offered with a data folder and without."""

import pytest

from tests.datasets.film_files import draw, write
from xraycore.datasets.public import CITATIONS, list_datasets
from xraycore.datasets.samples import list_samples, phantom_film


@pytest.fixture
def data(tmp_path, monkeypatch):
    """A data folder, empty as yet."""
    root = tmp_path / "data"
    (root / "chest_xray").mkdir(parents=True)
    monkeypatch.setenv("XRAYCORE_DATA", str(root))
    return root


def test_generated_films_are_always_there(data):
    samples = list_samples()
    assert [(sample.id, sample.title, sample.truth) for sample in samples] == [
        (f"phantom-{n}-{kind}", f"{title} {n}", f"Drawn with {truth}.")
        for n in (1, 2, 3)
        for kind, title, truth in (
            ("normal", "Clear lungs", "clear lungs"),
            ("opacity", "Opacity", "an opacity"),
        )
    ]
    assert all(sample.synthetic for sample in samples)
    # Each reads its own film, not that of the last one in the list.
    hashes = {sample.read().info.sha256 for sample in samples}
    assert len(hashes) == 6
    first = phantom_film(3, opacity=True)
    assert samples[1].read().info.sha256 == first.info.sha256
    assert first.info.name == "synthetic-opacity-3.png"
    assert (first.info.width, first.info.height, first.info.bit_depth) == (768, 768, 8)


def test_real_films_are_offered_where_there_are_any(data):
    for number in range(3):
        write(data / "originals" / "NORMAL" / f"n{number}.png", draw(number))
    write(data / "originals" / "VIRUS" / "v.png", draw(4))
    write(data / "covid_radiography" / "COVID" / "COVID-1.png", draw(5))
    (data / "originals" / "NORMAL" / "notes.txt").write_text("no film")
    real = [sample for sample in list_samples() if not sample.synthetic]
    assert [(sample.id, sample.title, sample.truth) for sample in real] == [
        ("originals-normal-1", "Child, normal 1", "Its data set says: child, normal."),
        ("originals-normal-2", "Child, normal 2", "Its data set says: child, normal."),
        ("originals-virus-1", "Child, viral 1", "Its data set says: child, viral."),
        (
            "covid_radiography-covid-1",
            "Adult, COVID 1",
            "Its data set says: adult, COVID-19.",
        ),
    ]
    assert [sample.read().info.name for sample in real] == ["n0.png", "n1.png", "v.png",
                                                            "COVID-1.png"]  # fmt: skip


def test_two_films_of_each_public_data_set(data, dicom_bytes):
    folders = (
        *("originals/NORMAL", "originals/BACTERIA", "originals/VIRUS"),
        *("covid_radiography/Normal", "covid_radiography/COVID"),
    )
    for folder in folders:
        for number in range(4):
            write(data / folder / f"{number}.png", draw(number))
    (data / "dicom").mkdir()
    for number in range(4):
        (data / "dicom" / f"{number}.dcm").write_bytes(dicom_bytes(draw(1).astype("uint16")))
    real = [sample.id for sample in list_samples() if not sample.synthetic]
    expected = (*(folder.replace("/", "-").lower() for folder in folders), "dicom")
    assert real == [f"{name}-{number}" for name in expected for number in (1, 2)]


def test_dicom_files_are_offered_without_a_truth_and_without_the_fake_one(data, dicom_bytes):
    folder = data / "dicom"
    folder.mkdir()
    for name in ("a.dcm", "b.dcm", "c.dcm", "Fake_d.dcm"):
        (folder / name).write_bytes(dicom_bytes(draw(1).astype("uint16")))
    found = [sample for sample in list_samples() if not sample.synthetic]
    assert [(sample.id, sample.title, sample.truth) for sample in found] == [
        ("dicom-1", "DICOM file 1", ""),
        ("dicom-2", "DICOM file 2", ""),
    ]
    (folder / "a.dcm").unlink()
    (folder / "b.dcm").unlink()
    assert len([sample for sample in list_samples() if not sample.synthetic]) == 1


def test_public_data_sets_are_those_that_lie_there(data):
    assert list_datasets() == {"chest_xray": data / "chest_xray"}
    (data / "external" / "nih").mkdir(parents=True)
    assert list(list_datasets()) == ["chest_xray"]
    (data / "external" / "nih" / "labels.csv").write_text("path,label\n")
    (data / "covid_radiography").mkdir()
    assert list_datasets() == {
        "chest_xray": data / "chest_xray",
        "covid_radiography": data / "covid_radiography",
        "nih": data / "external" / "nih" / "labels.csv",
    }
    assert set(list_datasets()) < set(CITATIONS)
