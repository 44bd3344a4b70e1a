from datetime import date
from pathlib import Path

import pytest

from xraycore.errors import ArgumentError
from xraycore.pacs.address import Address, StudyQuery, is_address, parse_day


def test_an_address_names_a_pacs_and_what_of_it():
    assert Address.parse("dicomweb://hospital/1.2.3") == Address("hospital", "1.2.3")
    film = Address("hospital", "1.2.3", "1.2.3.4", "1.2.3.4.5")
    assert Address.parse(str(film)) == film
    assert str(film) == "dicomweb://hospital/1.2.3/1.2.3.4/1.2.3.4.5"


def test_an_address_survives_pathlib_which_takes_a_slash():
    path = Path("dicomweb://hospital/1.2.3")
    assert is_address(path) and not is_address(Path("films/dicomweb"))
    assert Address.parse(path) == Address("hospital", "1.2.3")


def test_an_address_may_ask_for_studies():
    found = Address.parse("dicomweb://a?date=20260101-20260131&modality=CR,DX&patient=7").query
    assert found == StudyQuery(date(2026, 1, 1), date(2026, 1, 31), ("CR", "DX"), "7")
    assert found.dates == "20260101-20260131"
    one = Address.parse("dicomweb://a?date=2026-03-01&modality=").query
    assert (one.dates, one.modalities) == ("20260301", ())
    assert Address.parse("dicomweb://a?date=20260101-").query.dates == "20260101-"
    assert Address.parse("dicomweb://a").query.dates == ""


@pytest.mark.parametrize(
    "text",
    [
        "dicomweb://",
        "dicomweb://a/../../etc",
        "dicomweb://a/1.2/series",
        "dicomweb://a/1.2/1.3/1.4/1.5",
        "dicomweb://a/" + "1" * 65,
        "dicomweb://a/1.2?date=20260101",
        "dicomweb://a?date=yesterday",
        "dicomweb://a?date=20260201-20260101",
        "dicomweb://a?patient=1*",
        "dicomweb://a?patient=1&patient=2",
        "dicomweb://a?colour=red",
        "dicomweb://a?modality=cr%5CDX",
        "https://a/1.2",
    ],
)
def test_what_is_no_address_is_refused(text):
    with pytest.raises(ArgumentError, match="expected"):
        Address.parse(text)


def test_a_day_has_two_forms():
    assert parse_day("20260131") == parse_day("2026-01-31") == date(2026, 1, 31)
    with pytest.raises(ArgumentError, match="2026-13-01"):
        parse_day("2026-13-01")
