import os
import shutil
import stat
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

import xraycore.reader_study.migrations
from xraycore.reader_study import (
    Author,
    ReaderStudyError,
    ReaderStudyRepository,
    check_answers,
    open_database,
)
from xraycore.reader_study.database import HEAD, VERSION_TABLE
from xraycore.reader_study.tables import metadata

TABLES = {
    *("xraycore_readers", "xraycore_studies", "xraycore_items", "xraycore_reviews"),
    *("xraycore_invitations", "xraycore_events"),
    *("xraycore_lesson_attempts", "xraycore_lesson_answers"),
    VERSION_TABLE,
}


@pytest.fixture
def unprivileged():
    """Rights of somebody whom a file's mode can stop."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    yield
    os.seteuid(0)


@pytest.fixture
def open_folder():
    """A folder that others than its owner can see into, unlike pytest's."""
    folder = Path(tempfile.mkdtemp(prefix="xraycore-reviews-"))
    folder.chmod(0o755)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


def test_an_empty_database_is_migrated_to_what_the_code_expects(engine):
    with engine.connect() as connection:
        assert set(inspect(connection).get_table_names()) == TABLES
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        assert compare_metadata(context, metadata) == []


def test_the_schema_refuses_what_the_library_would(engine, reviews, heatmaps):
    """Rows may come from other programs; the database keeps the rules too."""
    reviews.create_study("Pilot", heatmaps[:1])
    reviews.add_reader("Ada")
    row = "(item_id, reader_id, version, final, verdict, grade, comment, boxes, seconds, saved)"
    insert = f"INSERT INTO xraycore_reviews {row} VALUES (1, 1, 1, %s, '', '[]', %s, '2026-01-01')"
    bad = [("true, 'agree', 6", 0), ("true, 'maybe', 3", 0), ("true, NULL, 3", 0)]
    for said, seconds in [*bad, ("true, 'agree', 3", -1)]:
        with pytest.raises(Exception, match="(?i)check"), engine.begin() as connection:
            connection.execute(text(insert % (said, seconds)))
    with engine.begin() as connection:
        connection.execute(text(insert % ("true, 'agree', 3", 0)))
    with pytest.raises(Exception, match="(?i)unique|kept"), engine.begin() as connection:
        connection.execute(text(insert % ("false, NULL, NULL", 0)))


def test_the_newest_migration_is_the_one_the_code_names():
    folder = Path(xraycore.reader_study.migrations.__file__).parent
    assert ScriptDirectory(folder).get_heads() == [HEAD]


def make_older(url: str, revision: str) -> None:
    """A database as an older version of xraycore left it, with a review of a reader."""
    engine = open_database(url)
    with engine.begin() as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(text(f"DROP TABLE {table.name}"))
        functions = ("reviews", "events", "finished", "lessons")
        for function in functions if engine.name == "postgresql" else ():
            connection.execute(text(f"DROP FUNCTION xraycore_keep_{function}"))
        connection.execute(text(f"DROP TABLE {VERSION_TABLE}"))
        config = Config()
        config.set_main_option("script_location", "xraycore.reader_study:migrations")
        config.attributes.update(connection=connection, version_table=VERSION_TABLE)
        command.upgrade(config, revision)
        for row in (
            "readers (name, key) VALUES ('Ada', 'ada')",
            "studies (name, key, blinded, created) VALUES ('Pilot', 'pilot', false, '2026-01-01')",
            "items (study_id, position, sha256, model, method, target) "
            f"VALUES (1, 0, '{0:064x}', 'vgg16', 'grad_cam', 'Pneumonia')",
            "reviews (item_id, reader_id, version, final, verdict, grade, comment, boxes, seconds, "
            "saved) VALUES (1, 1, 1, true, 'agree', 4, '', '[]', 2, '2026-01-02')",
        ):
            connection.execute(text(f"INSERT INTO xraycore_{row}"))
    engine.dispose()


@pytest.mark.parametrize("revision", ["0001", "0002", "0003", "0004", "0006"])
def test_a_database_of_an_older_schema_keeps_its_reviews(url, agrees, revision):
    make_older(url, revision)
    engine = open_database(url)
    reviews = ReaderStudyRepository(engine)
    (study,) = reviews.studies()
    assert (study.owner, study.finished) == ("", None)
    (kept,) = reviews.results(study)
    assert kept.answer == agrees
    assert kept.item.weights == ""
    # When its boxes were drawn, and by whom, is not known, nor guessed; of what comes now it is.
    assert kept.answer.marked_after_heat is None
    assert kept.author == Author("", "")
    author = Author("ada@example.org")
    reviews.save_review(kept.reader, kept.item, replace(agrees, before_heat=()), author=author)
    (now,) = reviews.results(study)
    (check,) = check_answers(engine)
    engine.dispose()
    assert now.answer.marked_after_heat is False
    assert now.author == author
    assert (check.answers, check.unlinked, check.faults) == (2, 1, ())


def test_what_is_stored_is_there_when_it_is_opened_again(url, heatmaps):
    for _ in range(2):
        engine = open_database(url)
        reviews = ReaderStudyRepository(engine)
        if not reviews.studies():
            reviews.create_study("Pilot", heatmaps)
        engine.dispose()
    assert [study.name for study in reviews.studies()] == ["Pilot"]
    engine.dispose()


def test_a_newer_schema_is_refused_and_left_alone(url, engine):
    with engine.begin() as connection:
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))
    with pytest.raises(
        ReaderStudyError, match="newer version of xraycore.*9999.*Update"
    ) as refused:
        open_database(url)
    assert "\n" not in str(refused.value)
    with engine.connect() as connection:
        assert connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).all() == [
            ("9999",)
        ]


def test_sqlite_keeps_a_write_ahead_log_and_checks_references(tmp_path):
    engine = open_database(f"sqlite:///{tmp_path / 'reviews.sqlite3'}")
    with engine.connect() as connection:
        settings = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    engine.dispose()
    assert settings == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


def test_the_database_lies_in_the_users_data_folder_unless_named(tmp_path, monkeypatch):
    monkeypatch.delenv("XRAYCORE_DATABASE", raising=False)
    monkeypatch.setattr("platformdirs.user_data_path", lambda *a, **k: tmp_path / "data")
    open_database().dispose()
    assert (tmp_path / "data" / "reviews.sqlite3").is_file()
    monkeypatch.setenv("XRAYCORE_DATABASE", f"sqlite:///{tmp_path / 'named.db'}")
    open_database().dispose()
    assert (tmp_path / "named.db").is_file()


def test_a_read_only_folder_is_one_clear_line(open_folder, unprivileged, monkeypatch):
    monkeypatch.delenv("XRAYCORE_DATABASE", raising=False)
    with pytest.raises(
        ReaderStudyError, match="reviews.sqlite3: its folder does not exist or is not"
    ):
        open_database(f"sqlite:///{open_folder / 'reviews.sqlite3'}")
    monkeypatch.setattr("platformdirs.user_data_path", lambda *a, **k: open_folder / "data")
    with pytest.raises(
        ReaderStudyError, match="cannot make the folder.*Permission denied.*_DATABASE"
    ):
        open_database()


def test_a_file_that_became_read_only_is_one_clear_line(open_folder, request):
    file = open_folder / "reviews.sqlite3"
    open_database(f"sqlite:///{file}").dispose()
    file.chmod(0o444)
    open_folder.chmod(0o555)
    request.getfixturevalue("unprivileged")
    with pytest.raises(ReaderStudyError, match="Make the file and its folder writable"):
        open_database(f"sqlite:///{file}")


def test_what_is_no_database_is_one_clear_line(tmp_path):
    (tmp_path / "notes.txt").write_text("no database, but long enough to have a header. " * 20)
    with pytest.raises(ReaderStudyError, match="notes.txt: the file is no SQLite database"):
        open_database(f"sqlite:///{tmp_path / 'notes.txt'}")
    with pytest.raises(ReaderStudyError, match="needs an SQLAlchemy URL"):
        open_database("reviews")
    with pytest.raises(ReaderStudyError, match="one in memory"):
        open_database("sqlite://")


def test_a_server_that_is_not_there_is_one_line_without_the_password(tmp_path):
    with pytest.raises(ReaderStudyError, match="cannot reach the server") as refused:
        open_database(f"postgresql://ada:secret@/reviews?host={tmp_path}")
    assert "\n" not in str(refused.value)
    assert "secret" not in str(refused.value)


def test_a_new_database_is_its_users_alone(tmp_path):
    before = os.umask(0o022)
    try:
        open_database(f"sqlite:///{tmp_path / 'new.sqlite3'}").dispose()
    finally:
        os.umask(before)
    assert {stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()} == {0o600}
