"""Copies of the review database come back whole, and a person can be taken out of it."""

import shutil
import sqlite3

import pytest
from sqlalchemy import text

from xraycore.imaging.box import Box
from xraycore.reader_study import (
    Answer,
    Author,
    ReaderStudyError,
    ReaderStudyRepository,
    StudyLead,
    check_answers,
    open_database,
)
from xraycore.reader_study.backup import backup_database, restore_database
from xraycore.reader_study.erasure import erase_reader

ADA = Author("ada@example.org", "a session of hers")


@pytest.fixture
def filled(reviews, engine, heatmaps):
    """A finished study and one that is read, with answers of two readers; (studies, reader)."""
    lead = StudyLead(engine)
    studies = [reviews.create_study(name, heatmaps, seed=3) for name in ("Pilot", "Main")]
    ada, _ = lead.invite(studies[0], "Ada Lovelace", login=ADA.login, who="lead")
    bob, token = lead.invite(studies[1], "Bob", who="lead")
    answer = Answer("agree", 4, "said by Ada", boxes=(Box(0.1, 0.2, 0.3, 0.4),))
    for study in studies:
        for item in reviews.items(study)[:3]:
            reviews.save_draft(ada, item, Answer(), seconds=1.25, author=ADA)
            reviews.save_review(ada, item, answer, seconds=0.5, author=ADA)
            reviews.save_review(bob, item, Answer("unsure", 2), author=Author("", "of Bob"))
    studies[0] = lead.finish(studies[0], who="lead")
    return studies, ada


def told(engine):
    """All that results, worklists and checks say."""
    repository, lead = ReaderStudyRepository(engine), StudyLead(engine)
    return [
        (study, repository.results(study), lead.events(study), lead.invitations(study))
        for study in repository.studies()
    ], [(one.name, one.answers, one.head, one.faults) for one in check_answers(engine)]


def bytes_of(folder):
    return b"".join(file.read_bytes() for file in folder.rglob("*") if file.is_file())


def test_a_plain_copy_of_the_file_lacks_what_is_in_the_log_and_a_backup_does_not(
    tmp_path, heatmaps
):
    """Why there is a command for it."""
    engine = open_database(f"sqlite:///{tmp_path / 'reviews.sqlite3'}")
    reviews = ReaderStudyRepository(engine)
    reviews.create_study("Pilot", heatmaps)
    shutil.copyfile(tmp_path / "reviews.sqlite3", tmp_path / "plain.sqlite3")
    with sqlite3.connect(tmp_path / "plain.sqlite3") as plain:
        assert plain.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)
    plain.close()
    backup_database(engine, tmp_path / "copy.sqlite3")
    with sqlite3.connect(tmp_path / "copy.sqlite3") as copy:
        assert copy.execute("SELECT name FROM xraycore_studies").fetchall() == [("Pilot",)]
    copy.close()
    engine.dispose()


def test_a_copy_comes_back_with_every_answer_in_its_chain(filled, engine, url, tmp_path):
    file = tmp_path / "copy"
    before = told(engine)
    checks = backup_database(engine, file)
    assert [(one.answers, one.faults) for one in checks] == [(9, ()), (9, ())]
    assert file.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in tmp_path.glob("copy*")] == ["copy"]
    with pytest.raises(ReaderStudyError, match="expected the name of a new file"):
        backup_database(engine, file)
    with pytest.raises(ReaderStudyError, match="holds 2 studies already"):
        restore_database(file, url)
    # Into SQLite, whichever database it is of.
    other = f"sqlite:///{tmp_path / 'restored.sqlite3'}"
    checks, aside = restore_database(file, other)
    assert aside is None
    assert [(one.answers, one.faults) for one in checks] == [(9, ()), (9, ())]
    restored = open_database(other)
    assert told(restored) == before
    # And it is a database that goes on: the next answer has its place in the chain.
    repository = ReaderStudyRepository(restored)
    main = next(study for study in repository.studies() if study.name == "Main")
    ada = repository.add_reader("Ada Lovelace")
    item = repository.items(main)[0]
    assert repository.save_review(ada, item, Answer("disagree", 1)).version == 3
    assert [one.faults for one in check_answers(restored)] == [(), ()]
    restored.dispose()


@pytest.mark.slow
def test_a_copy_comes_back_into_postgresql(filled, engine, tmp_path, postgresql):
    before = told(engine)
    backup_database(engine, tmp_path / "copy")
    empty = postgresql()
    checks, _ = restore_database(tmp_path / "copy", empty)
    assert [one.faults for one in checks] == [(), ()]
    restored = open_database(empty)
    assert told(restored) == before
    repository = ReaderStudyRepository(restored)
    assert repository.add_reader("Cleo").id > filled[1].id
    restored.dispose()
    with pytest.raises(ReaderStudyError, match="holds 2 studies already: name an empty one"):
        restore_database(tmp_path / "copy", empty, replace=True)


def test_what_a_copy_replaces_is_kept_aside(tmp_path, heatmaps):
    url = f"sqlite:///{tmp_path / 'reviews.sqlite3'}"
    engine = open_database(url)
    reviews = ReaderStudyRepository(engine)
    reviews.create_study("First", heatmaps)
    backup_database(engine, tmp_path / "copy")
    reviews.create_study("Second", heatmaps)
    _, aside = restore_database(tmp_path / "copy", url, replace=True)
    assert [study.name for study in reviews.studies()] == ["First"]
    engine.dispose()
    kept = open_database(f"sqlite:///{aside}")
    names = [study.name for study in ReaderStudyRepository(kept).studies()]
    assert names == ["Second", "First"]
    kept.dispose()


def test_what_is_no_copy_is_not_brought_back(tmp_path):
    url = f"sqlite:///{tmp_path / 'reviews.sqlite3'}"
    (tmp_path / "text").write_text("no database at all, but some words that are long enough")
    sqlite3.connect(tmp_path / "empty").close()
    for name in ("text", "empty", "missing"):
        with pytest.raises(ReaderStudyError, match=f"{name}: expected a copy that"):
            restore_database(tmp_path / name, url)
    assert not (tmp_path / "reviews.sqlite3").exists()


def test_a_reader_who_is_erased_is_nowhere_and_what_he_found_stays(filled, engine, tmp_path):
    (pilot, main), ada = filled

    def judged():
        found = ReaderStudyRepository(engine).results(main)
        return {(one.item, one.answer.verdict, one.answer.boxes, one.seconds) for one in found}

    before = judged()
    assert erase_reader(engine, "ada LOVELACE", "lead") == (f"Erased reader {ada.id}", 12)
    assert judged() == before
    found = ReaderStudyRepository(engine).results(main)
    assert {one.reader.name for one in found} == {f"Erased reader {ada.id}", "Bob"}
    checks = check_answers(engine)
    assert [(one.answers, one.erased, one.faults) for one in checks] == [(9, 6, ()), (9, 6, ())]
    lead = StudyLead(engine)
    assert [one.reader.name for one in lead.invitations(pilot)] == []
    assert lead.invited(pilot, login=ADA.login) is None
    assert (lead.events(pilot)[-1].kind, lead.events(pilot)[-1].who) == (
        f"erased reader {ada.id}",
        "lead",
    )
    # No table, and of SQLite no page of its files, has anything of her.
    backup_database(engine, tmp_path / "copy")
    engine.dispose()
    words = bytes_of(tmp_path)
    for text_of_hers in (
        b"Ada Lovelace",
        b"lovelace",
        b"ada@example",
        b"session of hers",
        b"by Ada",
    ):
        assert text_of_hers not in words
    with pytest.raises(ReaderStudyError, match="no reader named 'Ada Lovelace'"):
        erase_reader(engine, "Ada Lovelace")


def test_an_answer_that_was_changed_is_found_in_the_copy(filled, engine, tmp_path):
    with engine.begin() as connection:
        name = "xraycore_reviews"
        off = f"ALTER TABLE {name} DISABLE TRIGGER ALL"
        if engine.dialect.name == "sqlite":
            off = "DROP TRIGGER xraycore_reviews_update"
        connection.execute(text(off))
        connection.execute(text(f"UPDATE {name} SET grade = 5 WHERE grade = 4"))
    assert any(one.faults for one in backup_database(engine, tmp_path / "copy"))


def test_the_commands_tell_what_they_did(filled, engine, url, tmp_path, monkeypatch, run_cli):
    monkeypatch.setenv("XRAYCORE_DATABASE", url)
    code, out, _ = run_cli("reviews", "backup", tmp_path / "copy", "--json")
    assert (code, '"answers": 18' in out) == (0, True)
    code, _, said = run_cli("reviews", "restore", tmp_path / "copy")
    assert (code, "holds 2 studies already" in said) == (2, True)
    code, out, _ = run_cli("reviews", "erase-reader", "Bob", "--yes", "--json")
    assert (code, '"answers": 6' in out) == (0, True)
    monkeypatch.setenv("XRAYCORE_DATABASE", f"sqlite:///{tmp_path / 'new.sqlite3'}")
    code, out, _ = run_cli("reviews", "restore", tmp_path / "copy", "--json")
    assert (code, '"studies": 2' in out, '"faults": []' in out) == (0, True, True)
