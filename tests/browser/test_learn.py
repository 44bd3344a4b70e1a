"""A student takes a lesson from its start to the score, and the teacher gets the class as CSV."""

import csv
import json
import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import serve_app

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

# The opacity of this phantom lies within the box that is drawn.
LESSON = """\
title = "All kinds"

[[steps]]
kind = "read"
title = "Read"
film = { phantom = 101, opacity = "focal" }
models = ["basic_cnn"]

[[steps]]
kind = "bet"
title = "Bet"
film = { phantom = 204, plant = "marker" }
model = "marker_cnn"
heat = "after"
after = "The letter moved."

[[steps]]
kind = "insert"
title = "Paint"
film = { phantom = 401 }
model = "basic_cnn"
"""


@pytest.fixture
def learn_url(tmp_path):
    """The Learn page of an app with a lesson and a database of its own, without real films."""
    folder = tmp_path / "lessons" / "all-kinds"
    folder.mkdir(parents=True)
    (folder / "lesson.toml").write_text(LESSON)
    (folder.parent / "broken").mkdir()
    (folder.parent / "broken" / "lesson.toml").write_text('title = "B"\nsteps = 1\n')
    environment = {
        "XRAYCORE_DATABASE": f"sqlite:///{tmp_path / 'reviews.sqlite3'}",
        "XRAYCORE_LESSONS": str(folder.parent),
        "XRAYCORE_DATA": str(tmp_path / "no data"),
    }
    with (tmp_path / "log").open("w") as log:
        server, address = serve_app(log, **environment)
        yield f"{address}/learn"
        server.terminate()
        server.wait(timeout=20)


def drag(page: Page, label: str, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Drags on the film of that label, in shares of its width and height."""
    stage = page.locator(f".stage[aria-label*='{label}']")
    stage.scroll_into_view_if_needed()
    box = stage.bounding_box()
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in (start, end)]
    page.mouse.move(*places[0])
    page.mouse.down()
    page.mouse.move(*places[1], steps=8)
    page.mouse.up()


def test_from_the_start_to_the_score_to_the_teachers_csv(chromium, learn_url, tmp_path):
    page = chromium.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(120_000)
    page.goto(learn_url)
    expect(page.get_by_text(re.compile(r"broken/lesson\.toml, line 2"))).to_be_visible()
    expect(page.get_by_text("Would you trust it?")).to_be_visible()
    page.locator(".st-key-open-all-kinds button").click()
    name = page.get_by_role("textbox", name="Your name")
    name.fill("Ada")
    name.press("Tab")
    course = page.get_by_role("textbox", name="Class")
    course.fill("5b")
    course.press("Tab")
    page.get_by_role("button", name="Begin", exact=True).click()

    # A box over the whole chest: its middle is on no opacity.
    expect(page.locator(".stage[aria-label*='Film to read']")).to_be_visible()
    drag(page, "Film to read", (0.3, 0.3), (0.7, 0.7))
    expect(page.get_by_role("button", name="Remove the box")).to_be_visible()
    page.get_by_role("button", name="Answer", exact=True).click()
    expect(page.get_by_text("You are right.")).to_be_visible()
    expect(page.get_by_text(re.compile("Basic CNN says"))).to_be_visible()
    page.get_by_role("button", name="Next").click()

    expect(page.get_by_text(re.compile("Marker CNN says a finding"))).to_be_visible()
    page.get_by_role("radio", name="It is wrong", exact=True).click()
    page.get_by_role("button", name="Bet", exact=True).click()
    expect(page.get_by_text("The letter moved.")).to_be_visible()
    expect(page.get_by_text("You are right.")).to_be_visible()
    page.get_by_role("button", name="Next").click()

    stage = page.locator(".stage[aria-label*='click inside the lungs']")
    stage.scroll_into_view_if_needed()
    box = stage.bounding_box()
    stage.click(position={"x": 0.3 * box["width"], "y": 0.45 * box["height"]})
    page.get_by_role("radio", name="It will rise by a tenth or more").click()
    paint = page.get_by_role("button", name="Paint it")
    expect(paint).to_be_enabled()
    paint.click()
    expect(page.get_by_text(re.compile("a random point in the lungs would lie"))).to_be_visible()
    page.get_by_role("button", name="To the end").click()
    expect(page.get_by_text("Your score")).to_be_visible()
    expect(page.get_by_text(re.compile("Kept as those of Ada"))).to_be_visible()

    # The teacher, in a browser of his own.
    teacher = chromium.new_page(viewport={"width": 1280, "height": 900})
    teacher.set_default_timeout(120_000)
    teacher.goto(f"{learn_url}?part=results&lesson=all-kinds")
    expect(teacher.get_by_role("figure", name=re.compile("Points of 1 attempt"))).to_be_visible()
    with teacher.expect_download() as picture:
        teacher.get_by_role("button", name="Download plot as a PNG").click()
    assert picture.value.suggested_filename == "lesson-all-kinds.png"
    with teacher.expect_download() as download:
        teacher.get_by_role("button", name="Export 1 attempt (CSV)").click()
    download.value.save_as(tmp_path / "class.csv")
    with (tmp_path / "class.csv").open(newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert [row["title"] for row in rows] == ["Read", "Bet", "Paint"]
    assert {(row["student"], row["course"]) for row in rows} == {("Ada", "5b")}
    assert json.loads(rows[0]["said"])["box"] == pytest.approx([0.3, 0.3, 0.7, 0.7], abs=0.05)
    assert [float(row["points"]) for row in rows[:2]] == [0.5, 1.0]
    assert all(float(row["seconds"]) > 0 for row in rows)
    for one in (page, teacher):
        one.close()
