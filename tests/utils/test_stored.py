"""What is read of files that anybody may have written."""

import json
import os

import pytest

from xraycore.errors import ArgumentError, WeightsError
from xraycore.utils.stored import (
    Count,
    FileName,
    Name,
    Stored,
    finite,
    read_limited,
    read_stored,
    read_table,
)


class Kept(Stored):
    name: Name
    films: Count = 0
    share: float = 0.0
    beside: FileName = "a.csv"
    inner: dict[Name, "Kept"] = {}


def read(tmp_path, content):
    file = tmp_path / "kept.json"
    file.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return read_stored(file, Kept, ArgumentError)


def test_entries_come_as_they_stand_with_those_of_later_versions(tmp_path):
    entries = {"name": "Émile", "share": 1, "later": {"more": [1, None]}}
    assert read(tmp_path, entries) == entries


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "expected JSON"),
        (b"{", "expected JSON"),
        (b"\xff\xfe", "expected JSON"),
        (b"[" * 100_000, "expected JSON: recursion limit"),
        (b'{"a":' * 5000 + b"1" + b"}" * 5000, "expected JSON: recursion limit"),
        (b'{"name": "x", "films": 1' + b"0" * 5000 + b"}", "expected JSON: number out of range"),
        # Half of a pair cannot be written anywhere.
        (b'{"name": "\\ud800"}', "expected JSON"),
        (b"[]", "expected a JSON object. Received: a list of 0"),
        (b"null", "expected a JSON object. Received: None"),
        (b'"' + b"x" * 500 + b'"', "Received: 'xxx"),
        ({}, "expected the entries name; they are missing"),
        ({"name": 3}, "name: Input should be a valid string. Received: 3"),
        ({"name": ""}, "name: "),
        ({"name": "two\nlines"}, "name: expected a line of printable characters"),
        ({"name": "turned \u202e round"}, "name: expected a line of printable characters"),
        ({"name": "x" * 121}, "name: "),
        ({"name": "x", "films": True}, "films: .*Received: True"),
        ({"name": "x", "films": "3"}, "films: .*Received: '3'"),
        ({"name": "x", "films": -1}, "films: .*Received: -1"),
        ({"name": "x", "films": 10**30}, "films: "),
        (b'{"name": "x", "share": NaN}', "share: .*finite.*Received: nan"),
        (b'{"name": "x", "share": Infinity}', "share: .*finite"),
        (b'{"name": "x", "share": 1e999}', "share: .*finite"),
        ({"name": "x", "beside": "../a.csv"}, "beside: "),
        ({"name": "x", "beside": "/etc/passwd"}, "beside: "),
        ({"name": "x", "beside": "a\n"}, "beside: "),
        ({"name": "x", "beside": ".hidden"}, "beside: "),
        ({"name": "x", "inner": {"y": {"name": "y", "films": {}}}}, "inner.y.films: .*an object"),
    ],
)
def test_anything_else_is_one_line_that_names_the_file(tmp_path, content, said):
    with pytest.raises(ArgumentError, match=said) as raised:
        read(tmp_path, content)
    message = str(raised.value)
    assert message.startswith(str(tmp_path / "kept.json"))
    assert "\n" not in message
    assert len(message) < 400 + len(str(tmp_path))


def test_a_large_file_is_not_read(tmp_path):
    file = tmp_path / "kept.json"
    with file.open("wb") as opened:
        opened.truncate(2**30)
    with pytest.raises(WeightsError, match="expected at most 8 MiB. Received: more"):
        read_stored(file, Kept, WeightsError)


def test_what_is_no_plain_file_is_not_waited_for(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    (tmp_path / "zero").symlink_to("/dev/zero")
    (tmp_path / "round").symlink_to(tmp_path / "round")
    for file in (pipe, tmp_path / "zero"):
        with pytest.raises(ArgumentError, match="expected a plain file"):
            read_limited(file, ArgumentError)
    for file in (tmp_path, tmp_path / "round"):
        with pytest.raises(ArgumentError, match="expected a file that can be read"):
            read_limited(file, ArgumentError)
    with pytest.raises(FileNotFoundError):
        read_limited(tmp_path / "none", ArgumentError)


def test_a_table_has_a_cell_for_every_column(tmp_path):
    file = tmp_path / "table.csv"
    file.write_text('\ufeffepoch,"lo\'ss"\n1,"2,5"\n')
    assert read_table(file, ArgumentError) == [{"epoch": "1", "lo'ss": "2,5"}]
    for content, said in (
        (b"a,b\n1\n", "row 2: expected a cell for each of 2 columns"),
        (b"a,b\n1,2\n1,2,3\n", "row 3: expected a cell"),
        (b"a,a\n1,2\n", "expected one name a column"),
        (b"\xff\n", "expected a CSV file"),
        (b'a\n"' + b"x" * 200_000, "expected a CSV file"),
    ):
        file.write_bytes(content)
        with pytest.raises(ArgumentError, match=said):
            read_table(file, ArgumentError)


def test_a_number_of_a_table_is_finite():
    assert finite("2.5") == 2.5
    for text in ("nan", "inf", "1e999", "x", ""):
        with pytest.raises(ValueError):
            finite(text)
