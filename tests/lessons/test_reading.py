"""Lessons as a teacher writes them: one file, some films; a slip is said with its line."""

import os
import re
from typing import get_args

import pytest

from tests.conftest import ROOT
from tests.pages.conftest import png
from xraycore.errors import LessonError
from xraycore.lessons import list_lessons, read_lesson
from xraycore.lessons.lines import find_line
from xraycore.lessons.reading import SHIPPED_LESSONS
from xraycore.lessons.schema import AnyStep, FilmTable, LessonTable

TWO_FILMS = """\
# Written by a teacher.
title = "My lesson"
summary = "Two films."

[[steps]]
kind = "read"
title = "The first"
film = { file = "a.png", finding = true, boxes = [[0.1, 0.2, 0.4, 0.5]] }

[[steps]]
kind = "read"
title = "The second"
text = \"\"\"
title = "no entry, but a text"
\"\"\"
film = { file = "b.png", finding = false }
"""


@pytest.fixture
def lesson(tmp_path):
    """`lesson(text)`: the folder of a lesson with two films."""

    def write(text: str = TWO_FILMS, name: str = "mine"):
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        (folder / "lesson.toml").write_text(text)
        for number, film in enumerate("ab"):
            (folder / f"{film}.png").write_bytes(png(number))
        return folder

    return write


def test_a_lesson_of_one_file_and_two_films_is_read(lesson):
    found = read_lesson(lesson())
    assert (found.id, found.title, len(found.steps)) == ("mine", "My lesson", 2)
    assert found.steps[0].film.boxes == [[0.1, 0.2, 0.4, 0.5]]
    assert found.asked == (0, 1)
    assert len(found.sha256) == 64


@pytest.mark.parametrize(
    ("wrong", "instead", "line", "said"),
    [
        ('title = "The second"\n', "", 10, "title: expected this entry"),
        ("finding = false", "finding = 3", 16, "valid boolean"),
        ('"b.png"', '"c.png"', 16, "expected a film beside it"),
        ('"b.png"', '"../mine2/a.png"', 16, "file"),
        ('kind = "read"\ntitle = "The second"', 'kind = "reed"\ntitle = "x"', 10, "reed"),
        ('summary = "Two films."', 'sumary = "Two films."', 3, "there is no such entry"),
        ('summary = "Two films."', 'summary = "Two films.', 3, ""),
        ("[0.1, 0.2, 0.4, 0.5]", "[0.4, 0.2, 0.1, 0.5]", 8, "left before right"),
        ("finding = true, ", "", 8, "what is known of this film"),
        ('summary = "Two films."', "limit_minutes = 0", 3, "greater than 0"),
        ('summary = "Two films."', 'introduction = "no.md"', None, "no.md"),
    ],
)
def test_a_slip_of_the_pen_is_said_with_file_and_line(lesson, wrong, instead, line, said):
    folder = lesson(TWO_FILMS.replace(wrong, instead))
    with pytest.raises(LessonError) as raised:
        read_lesson(folder)
    text = str(raised.value)
    assert text.startswith(str(folder)) and said in text and "\n" not in text
    if line:
        assert f"lesson.toml, line {line}" in text or f"lesson.toml: line {line}" in text


def test_a_film_behind_a_link_out_of_the_folder_is_refused(lesson, tmp_path):
    folder = lesson()
    (tmp_path / "secret.png").write_bytes(png(5))
    (folder / "b.png").unlink()
    os.symlink(tmp_path / "secret.png", folder / "b.png")
    with pytest.raises(LessonError, match="line 16"):
        read_lesson(folder)


def test_a_broken_lesson_breaks_no_other(lesson, tmp_path, monkeypatch):
    monkeypatch.setenv("XRAYCORE_LESSONS", str(tmp_path))
    lesson(name="good")
    lesson('title = "Broken"\nsteps = 3\n', name="broken")
    (tmp_path / "no lesson").mkdir()
    found, problems = list_lessons()
    assert "good" in {one.id for one in found} and len(found) == 7
    (problem,) = problems
    assert "broken" in problem and "line 2" in problem


def test_a_teachers_lesson_stands_in_for_a_shipped_one(lesson, tmp_path, monkeypatch):
    monkeypatch.setenv("XRAYCORE_LESSONS", str(tmp_path))
    lesson(name="2-the-marker")
    found = {one.id: one for one in list_lessons()[0]}
    assert found["2-the-marker"].title == "My lesson" and len(found) == 6


def test_the_six_shipped_lessons_are_sound(tmp_path, monkeypatch):
    monkeypatch.setenv("XRAYCORE_LESSONS", str(tmp_path / "none"))
    found, problems = list_lessons()
    assert problems == [] and len(found) == 6
    assert all(one.folder.parent == SHIPPED_LESSONS for one in found)
    assert all(one.introduction and one.conclusion for one in found)
    kinds = {step.kind for one in found for step in one.steps}
    assert kinds == {"read", "bet", "noise", "insert", "threshold", "choice"}


def test_the_order_is_another_for_each_student_and_the_same_again(lesson):
    text = TWO_FILMS.replace('summary = "Two films."', "shuffle_seed = 3")
    text += "".join(f'\n[[steps]]\nkind = "text"\ntitle = "t{i}"\n' for i in range(2))
    text += "".join(
        f'\n[[steps]]\nkind = "choice"\ntitle = "{i}"\noptions = ["a", "b"]\nanswer = 1\n'
        for i in range(6)
    )
    found = read_lesson(lesson(text))
    orders = [found.order(str(student)) for student in range(5)]
    assert all(sorted(one) == list(range(10)) for one in orders)
    # Texts stay where they are.
    assert all((one[2], one[3]) == (2, 3) for one in orders)
    assert len(set(orders)) > 1 and orders[0] == found.order("0")


def test_the_lessons_of_the_document_can_be_given(lesson):
    text = (ROOT / "docs" / "lessons.md").read_text()
    written = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    assert len(written) == 2
    assert [len(read_lesson(lesson(one)).steps) for one in written] == [2, 2]
    # Each entry that a lesson may have is told there.
    tables = (LessonTable, FilmTable, *get_args(get_args(AnyStep)[0]))
    entries = {name for table in tables for name in table.model_fields}
    assert not {name for name in entries - {"steps"} if f"`{name}`" not in text}


def test_the_line_of_an_entry_is_found():
    assert find_line(TWO_FILMS, ("steps", 1, "film", "finding")) == 16
    assert find_line(TWO_FILMS, ("steps", 0, "kind")) == 6
    assert find_line(TWO_FILMS, ("title",)) == 2
    assert find_line(TWO_FILMS, ("nowhere",)) == 1
    tables = (
        "[[steps]]\nkind = 'a'\n[steps.film]\nphantom = 1\n[[steps]]\n[steps.film]\nphantom = 2\n"
    )
    assert find_line(tables, ("steps", 1, "film", "phantom")) == 7
    assert find_line(tables, ("steps", 0, "film", "phantom")) == 4
