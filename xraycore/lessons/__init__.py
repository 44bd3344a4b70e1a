"""Guided lessons: what a folder of TOML files says, its films, and what students answered.

Example::

    from xraycore.lessons import read_lesson

    lesson = read_lesson(folder)  # of one lesson.toml, its texts and films
    [step.kind for step in lesson.steps]
"""

from xraycore.errors import LessonError
from xraycore.lessons.reading import Lesson, list_lessons, read_lesson

__all__ = ["Lesson", "LessonError", "list_lessons", "read_lesson"]
