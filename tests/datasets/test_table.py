"""Cells of tables: ages by their unit, signs of findings, and how much of a table is read."""

import gzip

import pytest

from xraycore.datasets import table
from xraycore.datasets.labelling import sign
from xraycore.datasets.manifest import read_manifest
from xraycore.datasets.table import MAX_AGE, parse_age
from xraycore.errors import DatasetError


@pytest.mark.parametrize(
    ("text", "years"),
    [
        *(("2", 2.0), ("2 years", 2.0), ("18M", 1.5), ("6 months old", 0.5)),
        # Of a year there are 365.25 / 7 weeks.
        *(("26W", 26 * 7 / 365.25), ("521.8 weeks", 10.0), ("1461d", 4.0)),
        *(("120", MAX_AGE), ("120.1", None), ("1440 m", MAX_AGE), ("1441 m", None)),
    ],
)
def test_an_age_in_years_whatever_its_unit(text, years):
    assert parse_age(text) == (years if years is None else pytest.approx(years, rel=1e-4))


@pytest.mark.parametrize(
    ("there", "texts"),
    [
        (1, ("1", "1.0", "1,0", "True", "yes", "POSITIVE")),
        (0, ("0", "0.0", "false", "No", "negative")),
        (-1, ("-1", "-1.0", "uncertain")),
        (None, ("", " ")),
    ],
)
def test_what_a_cell_of_a_finding_says(there, texts):
    assert [sign(text) for text in texts] == [there] * len(texts)


@pytest.mark.parametrize("text", ["2", "-2", "0.5", "1e9"])
def test_a_number_that_is_no_sign_is_refused(text):
    with pytest.raises(ValueError, match="expected 1, 0, -1 or nothing"):
        sign(text)


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_a_table_of_the_most_bytes_is_read_and_no_larger_one(tmp_path, monkeypatch, pack):
    text = b"path,label\na.png,Normal\nb.png,covid\n"
    file = tmp_path / "films.csv"
    file.write_bytes(pack(text))
    monkeypatch.setattr(table, "MAX_BYTES", len(text))
    assert [record.path.name for record in read_manifest(file).records] == ["a.png", "b.png"]
    monkeypatch.setattr(table, "MAX_BYTES", len(text) - 1)
    with pytest.raises(DatasetError, match="a CSV file of at most 0 MiB. Received: more"):
        read_manifest(file)
