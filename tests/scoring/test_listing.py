"""Which films an archive holds."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from xraycore.errors import ArgumentError, RadiographError
from xraycore.scoring.listing import SOURCES, ListedFilm, Source, list_films, read_listed


def test_a_folder_gives_all_files_but_hidden_ones(tmp_path):
    for name in ("b.png", "a/c.dcm", "a/.hidden.png", ".git/d.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "a" / "above").symlink_to(tmp_path)
    found = sorted(list_films(str(tmp_path)))
    assert [film.place for film in found] == [str(tmp_path / "a/c.dcm"), str(tmp_path / "b.png")]
    assert all(film.id == film.place and film[2:] == ("", "", "") for film in found)


def test_a_name_that_is_no_text_is_read_all_the_same(tmp_path):
    name = b"film-\xff.png"
    try:
        open(bytes(tmp_path) + b"/" + name, "wb").close()
    except OSError:
        pytest.skip("this file system has text for names")
    (film,) = list_films(str(tmp_path))
    assert film.id.endswith("film-\\udcff.png")
    with pytest.raises(RadiographError, match="an empty file"):
        read_listed(film)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_list_says_where_when_by_what_and_whose(tmp_path, separator):
    rows = [
        ["SOPInstanceUID", "Image Path", "StudyDate", "Scanner", "Hospital", "age"],
        ["1.2.3", "a.png", "20260314", "Maker X", "North", "50"],
        ["", "/far/b.png", "2026-03", "", "", ""],
        ["", "", "", "", "", ""],
        ["1.2.4", "c.png", "no date", "", "South", ""],
    ]
    file = tmp_path / "list.csv"
    file.write_text("\ufeff" + "\n".join(separator.join(row) for row in rows))
    assert list(list_films(str(file))) == [
        ListedFilm("1.2.3", str(tmp_path / "a.png"), "2026-03", "Maker X", "North"),
        ListedFilm("/far/b.png", "/far/b.png", "2026-03", "", ""),
        ListedFilm("1.2.4", str(tmp_path / "c.png"), "", "", "South"),
    ]


def test_a_parquet_list_says_the_same(tmp_path):
    file = tmp_path / "list.parquet"
    columns = {"path": ["a.png", None], "date": [None, "2026-03-14"], "site": ["N", "S"]}
    pq.write_table(pa.table(columns), file)
    assert list(list_films(str(file))) == [
        ListedFilm(str(tmp_path / "a.png"), str(tmp_path / "a.png"), "", "", "N")
    ]


@pytest.mark.parametrize(
    ("name", "content", "match"),
    [
        ("list.csv", b"label,age\nNormal,3\n", "a column of paths"),
        ("list.csv", b"path\n", "without a row"),
        ("list.csv", b"path\n\xff\xfe\n", "UTF-8"),
        ("list.parquet", b"no parquet", "a Parquet file"),
        ("list.xlsx", b"", r"ends in \.csv"),
        (None, b"", "Received: no such"),
    ],
)
def test_what_is_no_list_is_said(tmp_path, name, content, match):
    file = tmp_path / (name or "missing")
    if name:
        file.write_bytes(content)
    with pytest.raises(ArgumentError, match=match):
        list(list_films(str(file)))


def test_a_source_of_its_own_gives_films_and_reads_them(monkeypatch):
    film = ListedFilm("1.2.3", "pacs://HOSPITAL/1.2.3", "2026-03")
    source = Source(lambda query: iter([film]), lambda place: f"film of {place}")
    monkeypatch.setitem(SOURCES, "pacs", source)
    assert list(list_films("pacs://HOSPITAL?Modality=DX")) == [film]
    assert read_listed(film) == "film of pacs://HOSPITAL/1.2.3"
    with pytest.raises(ArgumentError, match="expected a source of films"):
        list(list_films("other://HOSPITAL"))
