"""What students answer is kept, under a name or a login, and cannot be changed."""

import csv
import io
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from tests.lessons.test_reading import TWO_FILMS, lesson  # noqa: F401  (a fixture)
from xraycore.errors import LessonError, ReaderStudyError
from xraycore.lessons import progress as module
from xraycore.lessons import read_lesson
from xraycore.lessons.progress import LessonProgress, StepAnswer
from xraycore.lessons.results import results_csv, standing
from xraycore.reader_study import open_database
from xraycore.reader_study.backup import backup_database, restore_database
from xraycore.reader_study.erasure import erase_reader


@pytest.fixture
def kept(tmp_path):
    """A database of lessons."""
    engine = open_database(f"sqlite:///{tmp_path / 'reviews.sqlite3'}")
    yield LessonProgress(engine)
    engine.dispose()


def answer(step: int, right: bool = True, sure: float = 0.8, **networks: bool) -> StepAnswer:
    told = {name: {"right": one, "sure": 0.9} for name, one in networks.items()}
    found = {"right": right, "networks": told}
    return StepAnswer(step, {"sure": sure}, found, float(right), seconds=3.0)


def test_a_student_goes_on_where_he_left_off(kept, lesson):  # noqa: F811
    taught = read_lesson(lesson())
    ada = kept.add_student("Ada")
    assert kept.add_student("ada") == ada and kept.find_student("ADA") == ada
    assert kept.newest_attempt(ada, taught) is None
    attempt = kept.begin_attempt(ada, taught, "Class 5")
    kept.add_answer(attempt, answer(1))
    again = kept.newest_attempt(ada, taught)
    assert again.id == attempt.id and again.course == "Class 5"
    (one,) = kept.answers(again).values()
    assert (one.step, one.response, one.points, one.seconds) == (1, {"sure": 0.8}, 1.0, 3.0)
    # Of a lesson that was changed since, it is another attempt.
    changed = read_lesson(lesson(TWO_FILMS.replace("Two films", "Both films")))
    assert kept.newest_attempt(ada, changed) is None


def test_the_first_answer_counts(kept, lesson):  # noqa: F811
    attempt = kept.begin_attempt(kept.add_student("Ada"), read_lesson(lesson()))
    kept.add_answer(attempt, answer(0, right=False))
    with pytest.raises(LessonError, match="has been answered"):
        kept.add_answer(attempt, answer(0))
    assert kept.answers(attempt)[0].points == 0


def test_no_answer_counts_once_the_time_is_over(kept, lesson, monkeypatch):  # noqa: F811
    taught = read_lesson(lesson(TWO_FILMS.replace('summary = "Two films."', "limit_minutes = 2")))
    attempt = kept.begin_attempt(kept.add_student("Ada"), taught)
    assert 115 < attempt.seconds_left <= 120
    kept.add_answer(attempt, answer(0))

    class Later(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) + timedelta(minutes=3)

    monkeypatch.setattr(module, "datetime", Later)
    assert attempt.seconds_left == 0
    with pytest.raises(LessonError, match="time of this lesson is over"):
        kept.add_answer(attempt, answer(1))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE xraycore_lesson_answers SET points = 1",
        "DELETE FROM xraycore_lesson_answers",
        "INSERT OR REPLACE INTO xraycore_lesson_answers SELECT id, attempt_id, step, said, found, "
        "1, seconds, saved FROM xraycore_lesson_answers",
        "UPDATE xraycore_lesson_attempts SET course = 'x'",
        "DELETE FROM xraycore_lesson_attempts",
    ],
)
def test_what_was_answered_cannot_be_changed(kept, lesson, statement):  # noqa: F811
    attempt = kept.begin_attempt(kept.add_student("Ada"), read_lesson(lesson()))
    kept.add_answer(attempt, answer(0, right=False))
    refused = pytest.raises(sqlite3.IntegrityError, match="is kept")
    with closing(sqlite3.connect(kept.engine.url.database)) as raw, refused:
        raw.execute(statement)
    with kept.engine.begin() as connection:
        assert connection.execute(text("SELECT points FROM xraycore_lesson_answers")).scalar() == 0


def test_two_who_sign_in_with_one_name_are_two(kept):
    first, second = (kept.add_student("Kim", login=login) for login in ("a1", "b2"))
    assert first.id != second.id and second.name == "Kim 2"
    assert kept.add_student("Kim Renamed", login="a1") == first
    with pytest.raises(ReaderStudyError, match="another reader's"):
        kept.add_student("Kim")


def test_the_class_is_a_row_an_answer(kept, lesson):  # noqa: F811
    taught = read_lesson(lesson())
    for name, right in (("=Ada", True), ("Bo", False)):
        attempt = kept.begin_attempt(kept.add_student(name), taught, "A")
        kept.add_answer(attempt, answer(0, right=right, vgg16=not right))
    kept.begin_attempt(kept.add_student("Cy"), taught)
    found = kept.results("mine")
    rows = list(csv.DictReader(io.StringIO(results_csv({"mine": taught}, found))))
    assert [row["student"] for row in rows] == ["'=Ada", "Bo", "Cy"]
    assert [row["points"] for row in rows] == ["1.0", "0.0", ""]
    assert rows[0]["title"] == "The first" and rows[0]["kind"] == "read"
    assert all(row["current"] == "True" and row["notice"] for row in rows)
    ada, bo, cy = (standing(taught, *one) for one in found)
    # One of two questions was answered; only Ada beat the network.
    assert (ada.points, bo.points, cy.points) == (0.5, 0.0, 0.0)
    assert (ada.beaten, bo.beaten, ada.finished) == (1, 0, False)
    assert ada.sureness.brier == pytest.approx(0.04) and bo.sureness.brier == pytest.approx(0.64)
    assert found[0][0].begun.tzinfo is UTC


def test_who_is_erased_leaves_his_answers_without_his_name(kept, lesson):  # noqa: F811
    attempt = kept.begin_attempt(kept.add_student("Ada"), read_lesson(lesson()))
    kept.add_answer(attempt, answer(0))
    pseudonym, _ = erase_reader(kept.engine, "Ada")
    ((left, answers),) = kept.results()
    assert left.student.name == pseudonym and answers[0].points == 1.0
    assert kept.find_student("Ada") is None


def test_a_copy_holds_lessons_and_never_takes_the_place_of_others(kept, lesson, tmp_path):  # noqa: F811
    attempt = kept.begin_attempt(kept.add_student("Ada"), read_lesson(lesson()))
    kept.add_answer(attempt, answer(0))
    copy = tmp_path / "copy.sqlite3"
    backup_database(kept.engine, copy)
    with pytest.raises(ReaderStudyError, match="1 attempts at lessons"):
        restore_database(copy, str(kept.engine.url))
    other = f"sqlite:///{tmp_path / 'other.sqlite3'}"
    restore_database(copy, other)
    engine = open_database(other)
    ((_, answers),) = LessonProgress(engine).results()
    engine.dispose()
    assert answers[0].response == {"sure": 0.8}
