"""Answers stay as they were given, and one that was changed all the same is found."""

import json
import sqlite3

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from xraycore.cli.app import app
from xraycore.cli.main import main  # noqa: F401  (registers the commands)
from xraycore.imaging.box import Box
from xraycore.reader_study import Answer, Author, ReaderStudyError, StudyLead, check_answers
from xraycore.reader_study.database import open_database
from xraycore.reader_study.repository import ReaderStudyRepository

# What somebody with the database's password may do to the rules that it keeps.
OPEN = {
    "sqlite": [f"DROP TRIGGER xraycore_reviews_{what}" for what in ("update", "delete")],
    "postgresql": ["DROP TRIGGER xraycore_reviews_row ON xraycore_reviews"],
}


@pytest.fixture
def answered(reviews, heatmaps):
    """A study with two readers' answers, one of them in two versions."""
    study = reviews.create_study("Pilot", heatmaps[:2], seed=1, blinded=True)
    first, second = reviews.items(study)
    ada, bob = reviews.add_reader("Ada"), reviews.add_reader("Bob")
    box = Box(left=0.1, top=0.2, right=0.3, bottom=0.7)
    author = Author("ada@example.org")
    reviews.save_draft(ada, first, Answer(comment="apex"), seconds=1.5, author=author)
    answer = Answer("agree", 4, "apex", [box], before_heat=[box])
    reviews.save_review(ada, first, answer, seconds=0.1, author=author)
    reviews.save_review(bob, second, Answer("unsure", 3, no_finding=True))
    return study


def run(engine, *statements: str) -> None:
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


def faults(engine, since=None) -> list[str]:
    (check,) = check_answers(engine, since)
    return list(check.faults)


def test_an_answer_keeps_who_when_and_from_which_session(reviews, answered):
    kept = {review.reader.name: review for review in reviews.results(answered)}
    assert kept["Ada"].author.login == "ada@example.org"
    assert len(kept["Ada"].author.session) == 32
    assert kept["Ada"].author.session != kept["Bob"].author.session
    assert kept["Ada"].saved.tzinfo is not None


def test_what_was_given_is_in_order(engine, answered):
    (check,) = check_answers(engine)
    assert (check.answers, check.erased, check.unlinked, check.faults) == (3, 0, 0, ())
    assert check.name == "Pilot"
    assert len(check.head) == 64


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE xraycore_reviews SET grade = 1",
        "UPDATE xraycore_reviews SET comment = ''",
        "UPDATE xraycore_reviews SET comment = '', author = '', session = '', "
        "grade = 1, erased = '2026-01-01'",
        "DELETE FROM xraycore_reviews",
        "DELETE FROM xraycore_reviews WHERE id = 3",
        "UPDATE xraycore_events SET who = 'eve'",
        "DELETE FROM xraycore_events",
    ],
)
def test_the_database_lets_nobody_change_an_answer(engine, answered, statement):
    StudyLead(engine).finish(answered, who="lead")
    with pytest.raises(Exception, match="kept"):
        run(engine, statement)
    assert faults(engine) == []


@pytest.mark.parametrize("table", ["reviews", "events"])
def test_sqlite_lets_nobody_replace_a_row(engine, answered, table):
    if engine.name != "sqlite":
        pytest.skip("PostgreSQL has no REPLACE")
    StudyLead(engine).invite(answered, "Cy", who="lead")
    again = f"SELECT * FROM xraycore_{table} WHERE id = 1"
    with pytest.raises(Exception, match="kept"):
        run(engine, f"REPLACE INTO xraycore_{table} {again}")
    row = "(item_id, reader_id, version, final, comment, boxes, seconds, saved)"
    values = "(1, 1, 1, false, '', '[]', 0, '2026-01-01')"
    with pytest.raises(Exception, match="kept"):
        run(engine, f"REPLACE INTO xraycore_reviews {row} VALUES {values}")
    assert faults(engine) == []


def test_a_finished_study_is_not_opened_again(engine, answered):
    StudyLead(engine).finish(answered, who="lead")
    statements = ["UPDATE xraycore_studies SET finished = NULL"]
    if engine.name == "sqlite":
        statements.append(
            "REPLACE INTO xraycore_studies (id, name, key, seed, blinded, created, owner) "
            "SELECT id, name, key, seed, blinded, created, owner FROM xraycore_studies"
        )
    for statement in statements:
        with pytest.raises(Exception, match="finished, and that is kept"):
            run(engine, statement)


def test_postgresql_lets_nobody_empty_the_table(engine, answered):
    if engine.name != "postgresql":
        pytest.skip("SQLite has no TRUNCATE")
    for table in ("reviews", "events"):
        with pytest.raises(Exception, match="kept"):
            run(engine, f"TRUNCATE xraycore_{table}")


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("UPDATE xraycore_reviews SET grade = 1 WHERE id = 2", "answer 2: what it says"),
        ("UPDATE xraycore_reviews SET verdict = 'disagree' WHERE id = 3", "answer 3: what it says"),
        ("UPDATE xraycore_reviews SET seconds = 0 WHERE id = 2", "answer 2: what it says"),
        ("UPDATE xraycore_reviews SET boxes = '[]' WHERE id = 2", "answer 2: what it says"),
        ("UPDATE xraycore_reviews SET boxes_before_heat = '[]' WHERE id = 2", "answer 2: what it"),
        ("UPDATE xraycore_reviews SET saved = '2026-01-01' WHERE id = 1", "answer 1: what it says"),
        ("UPDATE xraycore_reviews SET reader_id = 1 WHERE id = 3", "answer 3: what it says"),
        ("UPDATE xraycore_reviews SET comment = 'x' WHERE id = 1", "answer 1: its author"),
        ("UPDATE xraycore_reviews SET author = 'x' WHERE id = 3", "answer 3: its author"),
        ("DELETE FROM xraycore_reviews WHERE id = 1", "answer 2: a version before it is missing"),
        ("DELETE FROM xraycore_reviews WHERE id = 2", "answer 3: it does not follow"),
        ("UPDATE xraycore_reviews SET chain = NULL WHERE id = 2", "answer 2: it is in no chain"),
        (
            "UPDATE xraycore_items SET target = 'Normal' WHERE id = 1",
            "answer 1: it does not follow",
        ),
        ("UPDATE xraycore_studies SET blinded = false", "answer 1: it does not follow"),
    ],
)
def test_what_was_changed_all_the_same_is_found(engine, answered, statement, found):
    run(engine, *OPEN[engine.name], statement)
    assert any(fault.startswith(found) for fault in faults(engine)), faults(engine)


def test_a_last_answer_that_is_gone_is_found_by_who_noted_its_link(engine, answered):
    (before,) = check_answers(engine)
    run(engine, *OPEN[engine.name], "DELETE FROM xraycore_reviews WHERE id = 3")
    assert faults(engine) == []
    assert faults(engine, {before.study: before.head}) == [
        "the link that was noted down is no longer there"
    ]
    *_, lost = check_answers(engine, {99: "0" * 64})
    assert (lost.study, lost.faults) == (99, ("the study is gone",))


def test_an_erasure_takes_words_and_name_and_leaves_the_rest_to_be_checked(engine, answered):
    blank = "UPDATE xraycore_reviews SET author = '', session = '', comment = '', erased = "
    run(engine, blank + "'2026-02-01' WHERE reader_id = 1")
    (check,) = check_answers(engine)
    assert (check.answers, check.erased, check.faults) == (3, 2, ())
    # Once, not to write something else over it.
    with pytest.raises(Exception, match="kept"):
        run(engine, blank + "'2026-03-01' WHERE reader_id = 1")
    run(engine, *OPEN[engine.name], "UPDATE xraycore_reviews SET grade = 1 WHERE id = 2")
    assert faults(engine) == ["answer 2: what it says was changed"]


def test_a_finished_study_takes_no_answer(engine, reviews, answered):
    item = reviews.items(answered)[0]
    reader = reviews.add_reader("Bob")
    finished = StudyLead(engine).finish(answered, who="lead@example.org")
    assert finished.finished is not None
    for save in (reviews.save_draft, reviews.save_review):
        with pytest.raises(ReaderStudyError, match="finished, and its answers are locked"):
            save(reader, item, Answer("agree", 5))
    row = "(item_id, reader_id, version, final, comment, boxes, seconds, saved)"
    values = "(1, 2, 1, false, '', '[]', 0, '2026-01-01')"
    with pytest.raises(Exception, match="finished"):
        run(engine, f"INSERT INTO xraycore_reviews {row} VALUES {values}")
    assert faults(engine) == []


def test_the_command_says_what_is_wrong_and_fails(tmp_path, monkeypatch, heatmaps):
    file = tmp_path / "reviews.sqlite3"
    monkeypatch.setenv("XRAYCORE_DATABASE", f"sqlite:///{file}")
    engine = open_database()
    reviews = ReaderStudyRepository(engine)
    study = reviews.create_study("Pilot", heatmaps[:1])
    reviews.save_review(reviews.add_reader("Ada"), reviews.items(study)[0], Answer("agree", 4))
    engine.dispose()
    good = CliRunner().invoke(app, ["reviews", "check", "--json"])
    assert good.exit_code == 0
    (told,) = json.loads(good.stdout)["studies"]
    assert (told["name"], told["answers"], told["faults"]) == ("Pilot", 1, [])
    (tmp_path / "before.json").write_text(good.stdout)
    with sqlite3.connect(file) as connection:
        connection.execute("DROP TRIGGER xraycore_reviews_delete")
        connection.execute("DELETE FROM xraycore_reviews")
    connection.close()
    since = ["reviews", "check", "--since", str(tmp_path / "before.json")]
    bad = CliRunner().invoke(app, since)
    assert bad.exit_code == 1
    assert "noted down" in bad.stdout
    (tmp_path / "before.json").write_text("[]")
    wrong = CliRunner().invoke(app, since)
    assert "expected what `reviews check --json` printed" in str(wrong.exception)
