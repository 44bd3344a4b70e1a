"""The Learn page, as a student and as a teacher see it."""

import csv
import io

import pytest
from sqlalchemy import text
from streamlit.testing.v1 import AppTest

from tests.conftest import ROOT
from tests.pages.conftest import png
from tests.pages.test_served import said, served  # noqa: F401  (a fixture)
from xraycore.access import Role
from xraycore.datasets.synthetic.plants import PLANTS
from xraycore.lessons import list_lessons
from xraycore.lessons.progress import LessonProgress
from xraycore.lessons.results import results_csv
from xraycore.reader_study import open_database

MINE = """\
title = "My *own* lesson"
summary = "Two films."

[[steps]]
kind = "read"
title = "The first"
film = { file = "a.png", finding = false }
models = ["basic_cnn"]
after = "Look **here**, not at <b>this</b>."

[[steps]]
kind = "choice"
title = "The second"
film = { file = "b.png", finding = true }
options = ["It is _left_", "It is right"]
answer = 2
"""


@pytest.fixture
def lessons(tmp_path, monkeypatch):
    """A teacher's folder with one lesson of two films, and a database of its own."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("XRAYCORE_LESSONS", str(tmp_path / "lessons"))
    monkeypatch.setenv("XRAYCORE_DATA", str(tmp_path / "no data"))
    monkeypatch.setenv("XRAYCORE_DATABASE", f"sqlite:///{tmp_path / 'reviews.sqlite3'}")
    folder = tmp_path / "lessons" / "mine"
    folder.mkdir(parents=True)
    (folder / "lesson.toml").write_text(MINE)
    for number, film in enumerate("ab"):
        (folder / f"{film}.png").write_bytes(png(number))
    return tmp_path / "lessons"


@pytest.fixture
def kept(lessons, tmp_path):
    """What is kept of the lessons."""
    engine = open_database(f"sqlite:///{tmp_path / 'reviews.sqlite3'}")
    yield LessonProgress(engine)
    engine.dispose()


def open_page(**link: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "pages" / "learn" / "page.py"), default_timeout=120)
    for key, value in link.items():
        app.query_params[key] = value
    app.run()
    assert not app.exception
    return app


def press(app: AppTest, key: str) -> None:
    app.button(key=key).click().run()
    assert not app.exception, app.exception
    assert not app.error, [one.value for one in app.error]


def take(app: AppTest, name: str = "Ada") -> None:
    """Takes the teacher's lesson: the first answer right, the second wrong."""
    if name:
        app.text_input(key="learn-name").set_value(name).run()
    press(app, "begin")
    said_of_film = next(one for one in app.button_group if "learn-mine-0-said" in one.key)
    said_of_film.set_value("It is normal").run()
    press(app, "learn-mine-0-answer")
    assert "You are right" in "".join(one.value for one in app.success)
    press(app, "next")
    app.radio(key="learn-mine-1-said").set_value(0).run()
    press(app, "learn-mine-1-answer")
    assert "Not so" in "".join(one.value for one in app.warning)
    press(app, "next")


def test_all_lessons_stand_in_the_list_and_a_broken_one_is_refused_with_its_line(lessons):
    (lessons / "broken").mkdir()
    (lessons / "broken" / "lesson.toml").write_text('title = "B"\n[[steps]]\nkind = "read"\n')
    app = open_page()
    shown = said(app)
    assert all(one.title.replace("*", "") in shown.replace("*", "") for one in list_lessons()[0])
    (problem,) = [one.value for one in app.warning]
    assert "lesson.toml, line 2" in problem and "title" in problem
    press(app, "open-mine")
    assert "My *own* lesson" in said(app)


def test_a_teachers_lesson_works_from_its_start_to_the_csv(lessons, kept, small_model):
    app = open_page(lesson="mine")
    take(app)
    assert app.metric[0].value == "1 of 2"
    # What a teacher writes is bold where he says so, and never HTML.
    press(app, "look-back")
    assert any("**here**" in one.value and "\\<b\\>" in one.value for one in app.markdown)
    ((attempt, answers),) = kept.results()
    assert (attempt.student.name, attempt.lesson) == ("Ada", "mine")
    assert [answers[step].points for step in (0, 1)] == [1.0, 0.0]
    told = answers[0].outcome["networks"]["basic_cnn"]
    assert told["right"] == (not told["finding"])
    found = {one.id: one for one in list_lessons()[0]}
    rows = list(csv.DictReader(io.StringIO(results_csv(found, kept.results()))))
    assert [row["title"] for row in rows] == ["The first", "The second"]

    teacher = open_page(part="results", lesson="mine")
    assert "Ada" in str(teacher.table[0].value)
    assert teacher.get("download_button") and teacher.get("plotly_chart")


def test_a_name_that_is_known_is_asked_for(lessons, kept, small_model):
    take(open_page(lesson="mine"))
    app = open_page(lesson="mine")
    app.text_input(key="learn-name").set_value("ADA").run()
    press(app, "begin")
    assert "Is that you?" in "".join(one.value for one in app.info)
    app.button(key="not-me").click().run()
    assert "is the name of another" in app.error[0].value
    assert app.text_input(key="learn-name").value == "" and len(kept.results()) == 1
    app.text_input(key="learn-name").set_value("Ada").run()
    app.button(key="begin").click().run()
    press(app, "it-is-me")
    # He goes on where he left off: at the end.
    assert app.metric[0].value == "1 of 2"
    press(app, "again")
    assert len(kept.results()) == 2 and app.button(key="next").label == "Skip"


def test_without_a_name_nothing_is_kept(lessons, kept, small_model):
    app = open_page(lesson="mine")
    take(app, name="")
    assert app.metric[0].value == "1 of 2" and "Nothing of this is kept" in said(app)
    assert kept.results() == []


def test_what_was_not_answered_in_time_counts_for_nothing(lessons, kept, small_model):
    file = lessons / "mine" / "lesson.toml"
    file.write_text("limit_minutes = 0.0005\n" + MINE)
    app = open_page(lesson="mine")
    app.text_input(key="learn-name").set_value("Ada").run()
    press(app, "begin")
    app.run()
    assert "The time is over" in "".join(one.value for one in app.warning)
    assert app.metric[0].value == "0 of 2"


@pytest.mark.parametrize(
    ("role", "keeps", "sees_results"),
    [
        (Role.VIEWER, False, False),
        (Role.READER, True, False),
        (Role.STUDY_LEAD, True, True),
        (Role.ANYBODY, False, False),
    ],
)
def test_who_signs_in_is_known_by_that(
    served,  # noqa: F811
    lessons,
    kept,
    small_model,
    role,
    keeps,
    sees_results,
):
    served(role, name="grace")
    app = open_page(lesson="mine")
    assert not [one for one in app.text_input if one.key == "learn-name"]
    take(app, name="")
    assert [one.student.name for one, _ in kept.results()] == (["Grace"] if keeps else [])
    if keeps:
        with kept.engine.begin() as connection:
            login = connection.execute(text("SELECT login FROM xraycore_readers")).scalar()
        assert login == "grace"
    results = open_page(part="results", lesson="mine")
    assert bool(results.get("download_button")) == sees_results


@pytest.mark.parametrize("lesson", ["3-another-hospital", "5-insert-an-opacity"])
def test_the_first_step_of_a_shipped_lesson_is_shown(lessons, lesson, small_model):
    app = open_page(lesson=lesson)
    press(app, "begin")
    assert not app.error and app.button(key="next").label == "Skip"


def test_what_the_shortcut_bench_measured_is_drawn(lessons):
    app = open_page()
    press(app, "shortcuts")
    # A chart a plant, and a table each of trainings, methods and checks.
    assert len(app.get("plotly_chart")) == len(PLANTS) and len(app.table) == 3
    trainings = app.table[0].value
    assert set(trainings.index) == {"none", *(one.title for one in PLANTS.values())}
    assert {"AUC at home", "AUC once it moved", "Heat on it"} <= set(trainings.columns)
