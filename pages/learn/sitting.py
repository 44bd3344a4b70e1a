"""A student at a lesson: who he is, what he has answered, how much time he has."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import streamlit as st

from pages.learn.routing import AT, COURSE
from pages.shared.access import acts, current_user, get_access, permitted
from xraycore.access import Action
from xraycore.config import database_url
from xraycore.errors import LessonError, ReaderStudyError
from xraycore.lessons import Lesson
from xraycore.lessons.progress import Attempt, LessonProgress, StepAnswer
from xraycore.reader_study import Reader, open_database

# State of the session: sittings by lesson, the student who has said to be one, what is typed in
# the fields, what is wrong with it, and whose name it is that was typed.
_SITTINGS, _ME = "learn-sittings", "learn-me"
NAME, CLASS, PROBLEM, ASK = "learn-name", "learn-class", "learn-problem", "learn-ask"


@dataclass(eq=False)
class Sitting:
    """A student at a lesson.

    Attributes:
        lesson: Which.
        attempt: What is kept of it; None where nothing is.
        answers: By step.
        begun: When.
        shown_at: When each step was shown first, by the clock of this process.
        opened: Place at which it was opened, from 1, where the link names none: once that step is
            answered it is still the one that is shown.
    """

    lesson: Lesson
    attempt: Attempt | None = None
    answers: dict[int, StepAnswer] = field(default_factory=dict)
    begun: datetime = field(default_factory=lambda: datetime.now(UTC))
    shown_at: dict[int, float] = field(default_factory=dict)
    opened: int | None = None

    @property
    def order(self) -> tuple[int, ...]:
        """Numbers of the steps as this student gets them."""
        return self.lesson.order(str(self.attempt.student.id) if self.attempt else "")

    @property
    def seconds_left(self) -> float | None:
        """Until the time is over; None where there is no limit."""
        if self.attempt:
            return self.attempt.seconds_left
        limit = self.lesson.table.limit_minutes
        if limit is None:
            return None
        return max(0.0, 60 * limit - (datetime.now(UTC) - self.begun).total_seconds())

    @property
    def over(self) -> bool:
        """Whether the time is over."""
        return self.seconds_left == 0

    def show(self, step: int) -> None:
        """Notes that a step is shown now, if it was not before."""
        self.shown_at.setdefault(step, time.monotonic())

    def open(self) -> int | None:
        """Place of the step to show where the link names none; None at the end."""
        self.opened = self.opened or self.next_open()
        return self.opened

    def next_open(self) -> int | None:
        """Place of the first step that is not answered, from 1; None if all are.

        Texts before it are shown again.
        """
        left = [i for i, step in enumerate(self.order) if step in self.lesson.asked]
        open_ones = [i for i in left if self.order[i] not in self.answers]
        if not open_ones:
            return None
        place = open_ones[0]
        while place and self.order[place - 1] not in self.lesson.asked and not self.answers:
            place -= 1
        return place + 1

    def answer(
        self, step: int, response: Mapping[str, Any], outcome: Mapping[str, Any], points: float
    ) -> None:
        """Keeps what was answered; the first answer counts.

        Raises:
            LessonError: If the step was answered, or the time is over.
            ReaderStudyError: If it cannot be kept, or who answers may not do so any more.
        """
        if step in self.answers:
            return
        if self.over and self.attempt is None:
            raise LessonError("the time of this lesson is over: this answer does not count")
        seconds = time.monotonic() - self.shown_at.get(step, time.monotonic())
        given = StepAnswer(step, response, outcome, points, seconds)
        if self.attempt:
            if not (permitted(Action.ANSWER) and _is_me(self.attempt.student)):
                raise ReaderStudyError(
                    f"you are not known here as {self.attempt.student.name}: begin again"
                )
            given = open_progress().add_answer(self.attempt, given)
        self.answers[step] = given


@st.cache_resource(max_entries=4, show_spinner=False)
def _open(url: str | None) -> LessonProgress:
    return LessonProgress(open_database(url))


def open_progress() -> LessonProgress:
    """The app's lessons.

    Raises:
        ReaderStudyError: If the database cannot be opened.
    """
    return _open(database_url())


def keeps_answers() -> bool:
    """Whether what this visitor answers may be kept."""
    return permitted(Action.ANSWER)


def signs_in() -> bool:
    """Whether students are known by a sign-in, and not by their own word."""
    return get_access().served


def sitting_of(lesson: Lesson) -> Sitting | None:
    """The session's sitting at this lesson as it is now; None before it has begun."""
    found = st.session_state.get(_SITTINGS, {}).get(lesson.id)
    return found if found and found.lesson.sha256 == lesson.sha256 else None


@acts(Action.LOOK)
def begin(lesson: Lesson) -> None:
    """Begins the lesson, or goes on with it, as who the field names; fit for a callback.

    Without a name, or the right to answer, nothing is kept beyond the session. Of a name that is
    known the page asks first whether it is the same person.
    """
    name = (st.session_state.get(NAME) or "").strip()
    try:
        if not keeps_answers() or not (signs_in() or name):
            _sit(Sitting(lesson))
            return
        if signs_in():
            user = current_user()
            _go_on(lesson, _add(user.name, user.id))
            return
        known = open_progress().find_student(name)
        if known and not _is_me(known):
            st.session_state[ASK] = (lesson.id, known)
            return
        _go_on(lesson, known or _add(name))
    except (LessonError, ReaderStudyError) as error:
        st.session_state[PROBLEM] = str(error)


@acts(Action.ANSWER)
def confirm(lesson: Lesson, student: Reader) -> None:
    """Takes the session's word that it is this student, on one's own computer only."""
    st.session_state.pop(ASK, None)
    st.session_state[_ME] = student.id
    try:
        _go_on(lesson, student)
    except (LessonError, ReaderStudyError) as error:
        st.session_state[PROBLEM] = str(error)


def be_another() -> None:
    """Has the student choose another name; fit for a callback."""
    _, student = st.session_state.pop(ASK)
    st.session_state[NAME] = ""
    st.session_state[PROBLEM] = f"{student.name} is the name of another. Choose your own."


@acts(Action.LOOK)
def begin_again(lesson: Lesson) -> None:
    """Begins a lesson anew as the same student; what was answered before stays kept."""
    before = sitting_of(lesson)
    try:
        if before and before.attempt:
            _begin_attempt(lesson, before.attempt.student)
        else:
            _sit(Sitting(lesson))
    except ReaderStudyError as error:
        st.session_state[PROBLEM] = str(error)


def asked_name() -> tuple[str, Reader] | None:
    """The lesson and the student of whom the page asks whether he is the one who is here."""
    return st.session_state.get(ASK)


@acts(Action.ANSWER)
def _add(name: str, login: str = "") -> Reader:
    student = open_progress().add_student(name, login=login)
    if not login:
        st.session_state[_ME] = student.id
    return student


def _is_me(student: Reader) -> bool:
    if signs_in():
        return _add(current_user().name, current_user().id) == student
    return st.session_state.get(_ME) == student.id


def _go_on(lesson: Lesson, student: Reader) -> None:
    newest = open_progress().newest_attempt(student, lesson)
    if newest is None:
        _begin_attempt(lesson, student)
        return
    answers = open_progress().answers(newest)
    _sit(Sitting(lesson, newest, answers, newest.begun))


@acts(Action.ANSWER)
def _begin_attempt(lesson: Lesson, student: Reader) -> None:
    course = st.session_state.get(CLASS) or st.query_params.get(COURSE) or ""
    attempt = open_progress().begin_attempt(student, lesson, course)
    _sit(Sitting(lesson, attempt, begun=attempt.begun))


def _sit(sitting: Sitting) -> None:
    st.session_state.setdefault(_SITTINGS, {})[sitting.lesson.id] = sitting
    st.query_params.pop(AT, None)
