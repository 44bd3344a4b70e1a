"""Who took which lesson and what he answered, in the review database."""

import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, select
from sqlalchemy.exc import IntegrityError

from xraycore.errors import LessonError, ReaderStudyError
from xraycore.lessons.reading import Lesson
from xraycore.reader_study import tables
from xraycore.reader_study.checks import check_seconds
from xraycore.reader_study.invitations import find_or_add_reader
from xraycore.reader_study.names import tidy_name
from xraycore.reader_study.records import Reader
from xraycore.reader_study.store import Store, insert_row

# An answer may be on its way when the time ends.
_GRACE = timedelta(seconds=5)
# Of one name of a sign-in, which several people may have.
_MOST_NAMESAKES = 50


@dataclass(frozen=True)
class Attempt:
    """One sitting of a student at a lesson.

    Attributes:
        id: Of the database.
        student: Who.
        lesson: Its id.
        sha256: Of the lesson as it was then.
        course: What the class is called; "" for none.
        begun: When, with its time zone.
        limit_minutes: After so many no answer counts; None for no limit.
    """

    id: int
    student: Reader
    lesson: str
    sha256: str
    course: str
    begun: datetime
    limit_minutes: float | None = None

    @property
    def seconds_left(self) -> float | None:
        """Until its time is over, never below 0; None where it has no limit."""
        if self.limit_minutes is None:
            return None
        spent = (datetime.now(UTC) - self.begun).total_seconds()
        return max(0.0, 60 * self.limit_minutes - spent)


@dataclass(frozen=True)
class StepAnswer:
    """What a student answered at a step.

    Attributes:
        step: Its number in the file, from 0.
        response: Of the student.
        outcome: What is true, and what networks said.
        points: 0 to 1.
        seconds: Time spent on it.
        saved: When, with its time zone; None where it is not kept.
    """

    step: int
    response: Mapping[str, Any]
    outcome: Mapping[str, Any]
    points: float
    seconds: float = 0.0
    saved: datetime | None = None

    def __post_init__(self) -> None:
        if not (math.isfinite(self.points) and 0 <= self.points <= 1):
            raise LessonError(f"points must lie in [0, 1]. Received: {self.points}")


class LessonProgress(Store):
    """The lessons of a database that `open_database` gave; answers are added and never changed."""

    def find_student(self, name: str) -> Reader | None:
        """The student or reader of this name, whatever its case; None where there is none.

        Raises:
            ReaderStudyError: If it is no name.
        """
        key = tidy_name(name, "a student").casefold()
        readers = tables.readers.c
        with self._read() as connection:
            row = connection.execute(
                select(readers.id, readers.name).where(readers.key == key)
            ).first()
        return Reader(*row) if row else None

    def add_student(self, name: str, *, login: str = "") -> Reader:
        """The student of this name or login; a new one where there is none.

        Args:
            name: As results show it. Of one who has signed in and whose name another has, a number
                behind it tells them apart.
            login: What the sign-in knows him by; "" where nobody signs in.

        Raises:
            ReaderStudyError: If it is no name, or looks like another's.
        """
        name = tidy_name(name, "a student")
        try:
            with self._write() as connection:
                return _find_or_add(connection, name, login)
        except IntegrityError:  # Another process has added the same in between.
            with self._write() as connection:
                return _find_or_add(connection, name, login)

    def begin_attempt(self, student: Reader, lesson: Lesson, course: str = "") -> Attempt:
        """A new attempt of a student.

        Raises:
            ReaderStudyError: If the course's name is too long.
        """
        course = tidy_name(course, "a course") if course.strip() else ""
        limit = lesson.table.limit_minutes
        begun = datetime.now(UTC)
        row = {
            "reader_id": student.id,
            "lesson": lesson.id,
            "lesson_sha256": lesson.sha256,
            "course": course,
            "begun": begun,
            "limit_minutes": limit,
        }
        with self._write() as connection:
            number = insert_row(connection, tables.lesson_attempts, **row)
        return Attempt(number, student, lesson.id, lesson.sha256, course, begun, limit)

    def newest_attempt(self, student: Reader, lesson: Lesson) -> Attempt | None:
        """The student's last attempt at this lesson as it is now; None where there is none."""
        attempts = tables.lesson_attempts.c
        query = _select_attempts().where(
            attempts.reader_id == student.id, attempts.lesson_sha256 == lesson.sha256
        )
        with self._read() as connection:
            row = connection.execute(query.order_by(attempts.id.desc()).limit(1)).first()
        return _attempt(row) if row else None

    def answers(self, attempt: Attempt) -> dict[int, StepAnswer]:
        """What was answered in an attempt, by step."""
        with self._read() as connection:
            return _answers(connection, [attempt.id]).get(attempt.id, {})

    def add_answer(self, attempt: Attempt, answer: StepAnswer) -> StepAnswer:
        """Keeps an answer; the first to a step is the one that counts.

        Raises:
            LessonError: If the step has been answered, or the time is over.
        """
        left = attempt.seconds_left
        if left == 0 and datetime.now(UTC) - attempt.begun > _GRACE + timedelta(
            minutes=attempt.limit_minutes or 0
        ):
            raise LessonError("the time of this lesson is over: this answer does not count")
        saved, seconds = datetime.now(UTC), check_seconds(answer.seconds)
        row = {
            "attempt_id": attempt.id,
            "step": answer.step,
            "said": dict(answer.response),
            "found": dict(answer.outcome),
            "points": float(answer.points),
            "seconds": seconds,
            "saved": saved,
        }
        try:
            with self._write() as connection:
                insert_row(connection, tables.lesson_answers, **row)
        except IntegrityError:
            raise LessonError("this step has been answered, maybe in another tab") from None
        return replace(answer, seconds=seconds, saved=saved)

    def results(self, lesson: str = "") -> list[tuple[Attempt, dict[int, StepAnswer]]]:
        """All attempts and their answers, the first first; of one lesson, if it is named."""
        query = _select_attempts().order_by(tables.lesson_attempts.c.id)
        if lesson:
            query = query.where(tables.lesson_attempts.c.lesson == lesson)
        with self._read() as connection:
            attempts = [_attempt(row) for row in connection.execute(query)]
            answers = _answers(connection, [one.id for one in attempts])
        return [(one, answers.get(one.id, {})) for one in attempts]


def _find_or_add(connection: Connection, name: str, login: str) -> Reader:
    if not login:
        return find_or_add_reader(connection, name)
    readers = tables.readers.c
    known = select(readers.id, readers.name).where(readers.login == login)
    if row := connection.execute(known).first():
        return Reader(*row)
    for number in range(1, _MOST_NAMESAKES):
        with suppress(ReaderStudyError):
            called = name if number == 1 else f"{name} {number}"
            return find_or_add_reader(connection, called, login)
    raise ReaderStudyError(f"too many are named {name!r}")


def _select_attempts() -> Any:
    attempts, readers = tables.lesson_attempts.c, tables.readers.c
    return select(
        attempts.id,
        readers.id.label("reader_id"),
        readers.name,
        attempts.lesson,
        attempts.lesson_sha256,
        attempts.course,
        attempts.begun,
        attempts.limit_minutes,
    ).join_from(tables.lesson_attempts, tables.readers)


def _attempt(row: Row) -> Attempt:
    return Attempt(
        row.id,
        Reader(row.reader_id, row.name),
        row.lesson,
        row.lesson_sha256,
        row.course,
        row.begun,
        row.limit_minutes,
    )


def _answers(connection: Connection, attempts: list[int]) -> dict[int, dict[int, StepAnswer]]:
    table = tables.lesson_answers.c
    found: dict[int, dict[int, StepAnswer]] = {}
    if not attempts:
        return found
    query = select(tables.lesson_answers).where(table.attempt_id.in_(attempts)).order_by(table.id)
    for row in connection.execute(query):
        found.setdefault(row.attempt_id, {})[row.step] = StepAnswer(
            row.step, row.said, row.found, row.points, row.seconds, row.saved
        )
    return found
