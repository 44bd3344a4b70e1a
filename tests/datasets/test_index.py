import os
import stat
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from tests.datasets.film_files import draw, write
from xraycore.datasets import index
from xraycore.datasets.audit.audit import audit
from xraycore.datasets.index import KEPT_DAYS, ImageIndex, measure_images, read_measured
from xraycore.datasets.manifest import Record, read_manifest
from xraycore.imaging import RadiographError


@pytest.fixture
def manifest(tmp_path):
    """Six films of two classes and a file that is none."""
    for number in range(6):
        write(tmp_path / "set" / ("normal", "covid")[number % 2] / f"{number}.png", draw(number))
    (tmp_path / "set" / "covid" / "notes.png").write_text("no film")
    return read_manifest(tmp_path / "set")


@pytest.fixture
def reads(monkeypatch):
    """The names of the films that were decoded."""
    names = []
    read = index.read_radiograph

    def watched(source, *, name):
        names.append(name)
        return read(source, name=name)

    monkeypatch.setattr(index, "read_radiograph", watched)
    return names


def test_a_film_is_decoded_once_for_good(manifest, reads, tmp_path):
    store = tmp_path / "cache" / "films.sqlite3"
    first, bad = measure_images(manifest.records, ImageIndex(store))
    assert len(reads) == 7
    assert [one.path.name for one in bad] == ["notes.png"]
    reads.clear()
    again, bad = measure_images(manifest.records, ImageIndex(store))
    assert reads == ["notes.png"]
    assert len(bad) == 1
    for (record, old), (same, new) in zip(first, again, strict=True):
        assert record == same
        assert old.features == new.features
        assert (old.sha256, old.warnings) == (new.sha256, new.warnings)
        np.testing.assert_array_equal(old.fingerprint.phash, new.fingerprint.phash)
        np.testing.assert_array_equal(old.fingerprint.dhash, new.fingerprint.dhash)
        np.testing.assert_array_equal(old.fingerprint.thumbnail, new.fingerprint.thumbnail)


def test_a_changed_file_is_measured_anew_and_a_moved_one_is_not(manifest, reads, tmp_path):
    store = ImageIndex(tmp_path / "films.sqlite3")
    measure_images(manifest.records, store)
    reads.clear()
    folder = tmp_path / "set" / "normal"
    (folder / "0.png").rename(folder / "moved.png")
    write(folder / "2.png", draw(99))
    films, _ = measure_images(read_manifest(tmp_path / "set").records, store)
    assert sorted(reads) == ["2.png", "notes.png"]
    assert len(films) == 6


def test_a_film_that_was_replaced_since_is_not_shown_as_the_one_measured(manifest):
    ((_, film), *_), _ = measure_images(manifest.records[:1])
    path = manifest.records[0].path
    assert read_measured(path, film.sha256).info.sha256 == film.sha256
    write(path, draw(99))
    with pytest.raises(RadiographError, match="expected the film that was measured; received"):
        read_measured(path, film.sha256)


def test_the_audit_is_the_same_with_and_without_a_store(manifest, tmp_path):
    write(tmp_path / "set" / "normal" / "copy.png", draw(0))
    write(tmp_path / "set" / "normal" / "near.jpg", draw(2), quality=75)
    manifest = read_manifest(tmp_path / "set")
    store = ImageIndex(tmp_path / "films.sqlite3")
    plain = audit(manifest).to_json()
    assert plain["copies"]
    assert plain["near_copies"]
    assert audit(manifest, store=store).to_json() == plain
    assert audit(manifest, store=store).to_json() == plain


def test_answers_are_kept_by_question(tmp_path):
    store = ImageIndex(tmp_path / "films.sqlite3")
    assert store.answer("a", lambda: [1, 0.5]) == [1, 0.5]
    assert store.answer("a", lambda: pytest.fail("asked again")) == [1, 0.5]
    assert store.answer("b", lambda: None) is None


@pytest.mark.parametrize("content", [b"", b"no database at all, but long enough to be one" * 50])
def test_a_store_that_cannot_be_used_is_no_error(manifest, reads, tmp_path, content):
    (tmp_path / "broken").write_bytes(content)
    films, _ = measure_images(manifest.records, ImageIndex(tmp_path / "broken"))
    assert len(films) == 6
    blocked = ImageIndex(tmp_path / "broken" / "films.sqlite3")  # Its folder is a file.
    assert len(measure_images(manifest.records, blocked)[0]) == 6
    assert blocked.answer("a", lambda: 3) == 3


def test_a_newer_version_measures_anew(manifest, reads, tmp_path, monkeypatch):
    store = ImageIndex(tmp_path / "films.sqlite3")
    measure_images(manifest.records, store)
    reads.clear()
    monkeypatch.setattr(index, "VERSION", index.VERSION + 1)
    measure_images(manifest.records, store)
    assert len(reads) == 7


def test_an_index_is_asked_by_any_thread(tmp_path):
    store = ImageIndex(tmp_path / "films.sqlite3")
    with ThreadPoolExecutor(1) as thread:
        assert thread.submit(store.answer, "a question", lambda: 1).result() == 1
    assert store.answer("a question", lambda: 2) == 1


def test_what_is_kept_is_this_users_alone_and_not_for_good(tmp_path, monkeypatch):
    before = os.umask(0o022)
    try:
        index = ImageIndex(tmp_path / "cache" / "films.sqlite3")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "cache").stat().st_mode) == 0o700
    for file in (tmp_path / "cache").iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
    day = [20_000]
    monkeypatch.setattr("xraycore.datasets.index.today", lambda: day[0])
    film = write(tmp_path / "film.png", draw(0))
    ((_, facts),), _ = measure_images([Record(film, "a", "", "s/1", "s")], index)

    def known():
        return bool(ImageIndex(tmp_path / "cache" / "films.sqlite3").films([facts.sha256]))

    day[0] += KEPT_DAYS
    assert known()
    # Asked for on that day, it stays as long again.
    day[0] += KEPT_DAYS
    assert known()
    day[0] += KEPT_DAYS + 1
    assert not known()
