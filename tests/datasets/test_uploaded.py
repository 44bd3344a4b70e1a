import io
import stat
import zipfile

import pytest

from tests.datasets.film_files import draw, write
from xraycore.config import cache_folder
from xraycore.datasets import uploaded
from xraycore.datasets.manifest import read_manifest
from xraycore.datasets.uploaded import unpack_dataset
from xraycore.errors import DatasetError
from xraycore.jobs.storage import UPLOADED, list_stored


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XRAYCORE_CACHE", str(tmp_path / "cache"))


def packed(files: dict[str, bytes]) -> io.BytesIO:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    buffer.seek(0)
    return buffer


def test_an_archive_becomes_a_data_set(tmp_path):
    film = tmp_path / "film.png"
    write(film, draw(0))
    files = {
        f"set/{label}/{number}.png": film.read_bytes()
        for label in ("NORMAL", "OPACITY")
        for number in range(2)
    }
    folder = unpack_dataset("my set.zip", packed(files | {"__MACOSX/set/._a": b"", "set/.x": b""}))
    assert folder.name == "set"
    assert folder.is_relative_to(cache_folder())
    assert read_manifest(folder).counts() == {"": {"Normal": 2, "Opacity": 2}}
    (kept,) = (one for one in list_stored() if one.kind == UPLOADED)
    assert kept.name in folder.parts
    # Films of patients, maybe: of the app's user alone.
    assert stat.S_IMODE(kept.path.stat().st_mode) == 0o700
    # Splits at the top are no folder to go into.
    split = unpack_dataset("b.zip", packed({"train/NORMAL/a.png": film.read_bytes()}))
    assert [one.name for one in split.iterdir()] == ["train"]


@pytest.mark.parametrize(
    "name", ["../out.png", "/etc/out.png", "a/../../out.png", "..\\out.png", "C:\\out.png"]
)
def test_a_name_that_leads_out_is_refused_and_nothing_stays(name):
    with pytest.raises(DatasetError, match="names inside the archive"):
        unpack_dataset("evil.zip", packed({"NORMAL/a.png": b"1", name: b"2"}))
    assert not any(cache_folder().glob("uploaded-*"))


def test_links_are_passed_over(tmp_path):
    buffer = packed({"NORMAL/a.png": b"1"})
    with zipfile.ZipFile(buffer, "a") as archive:
        link = zipfile.ZipInfo("NORMAL/passwd.png")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    buffer.seek(0)
    folder = unpack_dataset("a.zip", buffer)
    assert [one.name for one in folder.rglob("*.png")] == ["a.png"]


def test_what_holds_too_much_is_refused(monkeypatch):
    monkeypatch.setattr(uploaded, "MAX_TOTAL_BYTES", 2000)
    with pytest.raises(DatasetError, match="at most 20,000 files"):
        unpack_dataset("bomb.zip", packed({"a.png": b"0" * 3000}))
    monkeypatch.setattr(uploaded, "MAX_FILES", 1)
    with pytest.raises(DatasetError, match="2 files"):
        unpack_dataset("many.zip", packed({"a.png": b"", "b.png": b""}))
    # A list that tells less than there is.
    monkeypatch.setattr(uploaded, "MAX_BYTES", 1000)
    with pytest.raises(DatasetError, match="Received more"):
        unpack_dataset("liar.zip", packed({"a.png": b"0" * 1500}))
    assert not any(cache_folder().glob("uploaded-*"))


@pytest.mark.parametrize("data", [b"no archive", b"", b"PK\x05\x06" + b"\0" * 18])
def test_what_is_no_archive_of_films_is_named(data):
    with pytest.raises(DatasetError, match=r"films\.zip: expected"):
        unpack_dataset("films.zip", io.BytesIO(data))


def test_nobody_else_looks_into_what_was_brought(monkeypatch, tmp_path):
    monkeypatch.setenv("XRAYCORE_CACHE", str(tmp_path / "new" / "cache"))
    folder = unpack_dataset("a.zip", packed({"NORMAL/a.png": b"1"}))
    made = next(one for one in folder.parents if one.parent.name == "cache")
    assert [stat.S_IMODE(one.stat().st_mode) for one in (made, made.parent)] == [0o700, 0o700]
