"""A class's results: as a table, and as CSV."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from xraycore.config import NOTICE, VERSION
from xraycore.lessons.progress import Attempt, StepAnswer
from xraycore.lessons.reading import Lesson
from xraycore.lessons.scoring import (
    Sureness,
    beaten,
    measure_sureness,
    share_of_points,
    student_bets,
)
from xraycore.utils.text import to_csv

Results = Sequence[tuple[Attempt, Mapping[int, StepAnswer]]]


@dataclass(frozen=True)
class Standing:
    """How an attempt went.

    Attributes:
        attempt: Which.
        answered: Steps with an answer.
        asked: Steps that ask something.
        points: Share of all points, in [0, 1]; None where nothing is asked.
        beaten: Steps that the student got right and a network did not.
        sureness: How sure he was and how often rightly; None where he was not asked.
        seconds: Time spent on the answers.
    """

    attempt: Attempt
    answered: int
    asked: int
    points: float | None
    beaten: int
    sureness: Sureness | None
    seconds: float

    @property
    def finished(self) -> bool:
        """Whether all is answered."""
        return self.answered >= self.asked


def standing(lesson: Lesson, attempt: Attempt, answers: Mapping[int, StepAnswer]) -> Standing:
    """How an attempt at a lesson went so far."""
    given = list(answers.values())
    asked = len(lesson.asked)
    return Standing(
        attempt,
        len(given),
        asked,
        share_of_points(given, asked),
        len(beaten(answers)),
        measure_sureness(student_bets(given)),
        sum(one.seconds for one in given),
    )


def results_csv(lessons: Mapping[str, Lesson], results: Results) -> str:
    """A class's answers as CSV, a row each, with a heading; an attempt without one has a row too.

    What was said and what is true are JSON objects. Times are UTC. Answers to an earlier version of
    a lesson say so in `current`. A text that a spreadsheet would take for a formula begins with an
    apostrophe.
    """
    table: list[list[object]] = [
        [
            *("lesson", "lesson_sha256", "current", "course", "student", "attempt", "begun"),
            *("step", "kind", "title", "said", "found", "points", "seconds", "saved"),
            *("xraycore", "notice"),
        ]
    ]
    for attempt, answers in results:
        lesson = lessons.get(attempt.lesson)
        current = lesson is not None and lesson.sha256 == attempt.sha256
        start = [attempt.lesson, attempt.sha256, current, attempt.course, attempt.student.name]
        start += [attempt.id, attempt.begun.isoformat()]
        for step, one in sorted(answers.items()):
            told = lesson.steps[step] if lesson and current and step < len(lesson.steps) else None
            table.append(
                [
                    *start,
                    *(step + 1, told.kind if told else None, told.title if told else None),
                    *(json.dumps(dict(one.response)), json.dumps(dict(one.outcome))),
                    *(round(one.points, 4), round(one.seconds, 1)),
                    *(one.saved.isoformat() if one.saved else None, VERSION, NOTICE),
                ]
            )
        if not answers:
            table.append([*start, *[None] * 8, VERSION, NOTICE])
    return to_csv(table)
