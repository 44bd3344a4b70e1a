"""Asked against a real Orthanc: what is pushed is found, fetched as it is, and named."""

import dataclasses
from datetime import date

import pytest

from tests.pacs.orthanc import NAME, PASSWORD, PATIENT, as_file, make_film
from xraycore.access.settings import find_connection
from xraycore.errors import AccessError, PacsError
from xraycore.pacs.address import Address, StudyQuery
from xraycore.pacs.dicomweb import DicomWeb
from xraycore.pacs.films import fetch_film, list_films

NEW, OLD, OTHER = "1.2.826.1", "1.2.826.2", "1.2.826.3"


@pytest.fixture(scope="module")
def films(orthanc):
    """A study of two films, an older one of the same patient, one of another."""
    found = [
        make_film(study=NEW, seed=0, number=2),
        make_film(study=NEW, seed=1, number=1),
        make_film(study=OLD, seed=2, StudyDate="20240101", Modality="DX"),
        make_film(study=OTHER, seed=3, StudyDate="20260302", PatientID="PID-1", PatientName="X"),
    ]
    orthanc.push(*found)
    return found


@pytest.fixture
def pacs(films, pacs_settings):
    return DicomWeb(find_connection("orthanc"))


def test_studies_are_found_by_day_modality_and_patient(pacs):
    assert [one.uid for one in pacs.search(StudyQuery())] == [OTHER, NEW, OLD]
    assert [one.uid for one in pacs.search(StudyQuery(), most=1)] != []
    assert [one.uid for one in pacs.search(StudyQuery(modalities=("DX",)))] == [OLD]
    assert [one.uid for one in pacs.search(StudyQuery(last=date(2025, 1, 1)))] == [OLD]
    march = StudyQuery(date(2026, 3, 1), date(2026, 3, 1))
    (found,) = pacs.search(march)
    assert (found.name, found.patient) == (NAME.replace("^", " "), PATIENT)
    assert (found.day, found.modalities, found.instances) == (date(2026, 3, 1), ("CR",), 2)
    assert pacs.search(StudyQuery(patient="PID-9")) == []


def test_pages_of_one_study_come_to_all_of_them(pacs):
    found = [one.uid for one in pacs.studies(StudyQuery(modalities=()), page=1)]
    assert sorted(found) == [NEW, OLD, OTHER]


def test_earlier_studies_are_of_the_same_patient(pacs):
    newest, new, _ = pacs.search(StudyQuery())
    assert [one.uid for one in pacs.priors(new, 3)] == [OLD]
    assert pacs.priors(new, 0) == []
    assert pacs.priors(newest, 3) == []
    assert pacs.priors(dataclasses.replace(new, patient="PID*"), 3) == []


def test_films_come_by_number_and_as_they_were_pushed(pacs, films):
    found = list(list_films(Address("orthanc", NEW)))
    assert [one.instance for one in found] == [films[1].SOPInstanceUID, films[0].SOPInstanceUID]
    assert fetch_film(found[1]) == as_file(films[0])
    assert len(list(list_films(Address.parse("dicomweb://orthanc?date=20260301-")))) == 3


def test_a_study_that_is_not_there(pacs):
    with pytest.raises(PacsError, match="study 1.2.3; received no projection radiograph"):
        list(list_films(Address("orthanc", "1.2.3")))


def test_wrong_credentials(pacs, monkeypatch):
    monkeypatch.setenv("XRAYCORE_PACS_ORTHANC_PASSWORD", "wrong-too")
    with pytest.raises(PacsError, match="status 401") as raised:
        pacs.search(StudyQuery())
    assert "wrong-too" not in str(raised.value) and PASSWORD not in str(raised.value)


def test_an_unknown_name_says_where_names_are(pacs_settings):
    with pytest.raises(AccessError, match=r"expected a table \[pacs.nobody\].*orthanc, archive"):
        find_connection("nobody")
