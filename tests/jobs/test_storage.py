"""What lies on the disk, how it is deleted, and when a job finds no room."""

import os
import time

import pytest

from xraycore.errors import StorageError
from xraycore.jobs import process as jobs
from xraycore.jobs.process import launch
from xraycore.jobs.storage import CACHE, PHANTOMS, RUN, check_space, delete, expire, list_stored

NOBODY = {"at_work": lambda folder: False}
DAY = 86_400


@pytest.fixture(autouse=True)
def folders(tmp_path, monkeypatch):
    """Runs and caches of this test: two runs, drawn films and a database with its log."""
    monkeypatch.setenv("XRAYCORE_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("XRAYCORE_CACHE", str(tmp_path / "cache"))
    for name, size, days in (
        ("runs/large/best.weights.h5", 300_000, 3),
        ("runs/small/run.json", 1_000, 40),
        ("cache/phantoms-10/train/a.png", 100_000, 50),
        ("cache/films.sqlite3", 20_000, 1),
        ("cache/films.sqlite3-wal", 30_000, 60),
    ):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(bytes([1]) * size)
        then = time.time() - days * DAY
        for one in (file, *file.parents):
            if one == tmp_path:
                break
            os.utime(one, (then, then))
    return tmp_path


def names():
    return [one.name for one in list_stored()]


def test_all_that_is_kept_is_listed_with_its_size_and_age():
    found = list_stored()
    assert [(one.kind, one.name) for one in found] == [
        (RUN, "large"),
        (PHANTOMS, "phantoms-10"),
        (CACHE, "films.sqlite3"),
        (RUN, "small"),
    ]
    large, phantoms, database, small = found
    # Whole blocks of the disk.
    assert 300_000 <= large.bytes < 330_000
    assert 50_000 <= database.bytes < 70_000
    assert round(large.days) == 3
    assert round(database.days) == 1


def test_what_is_deleted_is_gone_with_all_that_belongs_to_it(folders):
    found = {one.name: one for one in list_stored()}
    assert delete(found["films.sqlite3"], **NOBODY) == found["films.sqlite3"].bytes
    delete(found["large"], **NOBODY)
    assert names() == ["phantoms-10", "small"]
    assert [file.name for file in (folders / "cache").iterdir()] == ["phantoms-10"]
    assert [file.name for file in (folders / "runs").iterdir()] == ["small"]


def test_where_a_process_works_nothing_is_deleted(folders):
    (folders / "runs" / "large" / "shipping").mkdir()
    large = next(one for one in list_stored() if one.name == "large")
    with pytest.raises(StorageError, match="large: a process is at work there. Stop it first"):
        delete(large, lambda folder: folder.name == "shipping")
    assert "large" in names()
    gone = expire(0, lambda folder: folder.name == "shipping", (RUN,))
    assert [one.name for one in gone] == ["small"]


def test_nothing_elsewhere_is_deleted(folders, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    kept = list_stored()[0]
    for path in (elsewhere, folders / "runs", folders / "runs" / "large" / ".." / ".."):
        with pytest.raises(StorageError, match="expected something in"):
            delete(type(kept)(RUN, "x", path, 1, 0.0), **NOBODY)
    link = folders / "runs" / "link"
    link.symlink_to(elsewhere)
    assert "link" not in names()
    with pytest.raises(StorageError, match="expected something in"):
        delete(type(kept)(RUN, "link", link, 1, 0.0), **NOBODY)
    assert elsewhere.is_dir()


def test_what_was_not_written_for_long_expires(folders):
    assert [one.name for one in expire(30, kinds=(PHANTOMS, CACHE), **NOBODY)] == ["phantoms-10"]
    assert names() == ["large", "films.sqlite3", "small"]
    assert [one.name for one in expire(30, kinds=(RUN,), **NOBODY)] == ["small"]


def test_a_job_needs_room_on_the_disk_and_within_the_quota(folders, monkeypatch):
    monkeypatch.setenv("XRAYCORE_LIMITS", "free_gb=0.001")
    check_space(folders / "runs" / "new" / "shipping")
    monkeypatch.setenv("XRAYCORE_LIMITS", "free_gb=1e9")
    with pytest.raises(StorageError, match=r"expected at least 1e\+09 GB that are free"):
        check_space(folders / "runs" / "new")
    monkeypatch.setenv("XRAYCORE_LIMITS", "free_gb=0.001,disk_gb=0.0003")
    monkeypatch.setattr(jobs, "COMMAND", ("false",))
    with pytest.raises(StorageError, match=r"take 0\.0 GB, and may take 0\.0003 GB"):
        launch(folders / "runs" / "new", ["train", "films"])
    assert "new" not in names()
