"""Two readers judge five films, each in a browser of his own."""

import csv
import io
import json
import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import press, serve_app
from xraycore.config import NOTICE
from xraycore.models.cards import list_trained
from xraycore.models.registry import MODELS
from xraycore.utils.text import pluralise

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

FILMS = 5
# The film whose box both readers draw by keys.
KEYED = 2


@pytest.fixture
def review_url(tmp_path):
    """The Review page of an app with a database of its own."""
    with (tmp_path / "log").open("w") as log:
        url = f"sqlite:///{tmp_path / 'reviews.sqlite3'}"
        server, address = serve_app(log, XRAYCORE_DATABASE=url)
        yield f"{address}/review"
        server.terminate()
        server.wait(timeout=20)


@pytest.fixture
def open_browser(chromium):
    """`open_browser()`: a page in a browser that shares nothing with others."""
    contexts = []

    def make() -> Page:
        contexts.append(chromium.new_context(viewport={"width": 1280, "height": 900}))
        page = contexts[-1].new_page()
        page.set_default_timeout(120_000)
        return page

    yield make
    for context in contexts:
        context.close()


def set_up(page: Page, url: str) -> str:
    """Sets up a study of five generated films for the smallest network; returns its link."""
    page.goto(url)
    title = page.get_by_role("textbox", name="Title")
    title.fill("Two readers")
    title.press("Tab")
    networks = [MODELS[name].title for name in list_trained()]
    for left, name in reversed(list(enumerate(networks))[1:]):
        page.get_by_role("button", name=name, exact=True).click()
        # A click while the page still answers the last one may be lost.
        expect(page.get_by_text(f"× {pluralise(left, 'network')} × 1 method")).to_be_visible()
    page.get_by_role("button", name="Set up").click()
    # The list of studies asks for a name too, and shows the new one a moment before its page opens.
    expect(page.locator(".st-key-join button")).to_be_visible()
    page.wait_for_url(re.compile("study="))
    return page.url


def join(page: Page, link: str, name: str) -> None:
    page.goto(link)
    field = page.get_by_role("textbox", name="Your name as a reader")
    field.fill(name)
    field.press("Tab")
    page.locator(".st-key-join button").click()
    expect(page.get_by_text(f"Heatmap 1 of {FILMS}")).to_be_visible()


def settled(element: Locator) -> dict[str, float]:
    """Where an element is once it has stopped moving: while the page is laid out, panels shift."""
    before, now = None, element.bounding_box()
    while now != before:
        element.page.wait_for_timeout(300)
        before, now = now, element.bounding_box()
    return now


def draw_box(page: Page, number: int) -> None:
    """Drags over a place of the film, which is narrower than its panel on a low screen."""
    stage = page.get_by_role("application", name=f"Film of heatmap {number}")
    expect(stage).to_have_count(1)
    film = settled(stage.locator(".frame"))

    def at(x, y):
        return film["x"] + x * film["width"], film["y"] + y * film["height"]

    page.mouse.move(*at(0.3, 0.25))
    page.mouse.down()
    page.mouse.move(*at(0.5, 0.5), steps=5)
    page.mouse.up()


def key_box(page: Page, number: int) -> None:
    """The same by keys: begun in the middle, moved up and left, then made higher."""
    page.get_by_role("application", name=f"Film of heatmap {number}").focus()
    keys = ["Enter", "Escape", "Enter", *["ArrowLeft"] * 5, *["ArrowUp"] * 7]
    # What is shown is what is set: the box is where it is, though the film was mirrored meanwhile.
    keys += [*["Shift+ArrowDown"] * 2, "f", "f", "Enter"]
    for key in keys:
        page.keyboard.press(key)


def judge(page: Page, number: int, verdict: str, grade: str, *, box: bool) -> None:
    """Judges a heatmap by keys alone, but for most of the boxes."""
    # What the last heatmap leaves behind is gone.
    expect(page.get_by_text("Still missing: a box or “No finding”")).to_have_count(1)
    expect(page.get_by_role("button", name="Show the heat")).to_be_disabled()
    # Its key does no more than the button.
    page.keyboard.press("h")
    if box:
        (key_box if number == KEYED else draw_box)(page, number)
        expect(page.get_by_role("button", name="Box 1")).to_be_visible()
    else:
        page.keyboard.press("n")
    expect(page.get_by_text("Still missing: agree, disagree or unsure, a grade.")).to_be_visible()
    page.keyboard.press("h")
    expect(page.locator(".heat:not([hidden])")).to_have_count(1)
    press(page, verdict, page.get_by_text("Still missing: a grade."))
    press(page, grade, page.get_by_text("Complete. Draft stored"))


def save(page: Page, number: int) -> None:
    done = page.get_by_text(f"All {FILMS} heatmaps are judged")
    following = page.get_by_text(f"Heatmap {number + 1} of {FILMS}")
    press(page, "s", done if number == FILMS else following)


def test_two_readers_judge_five_films_agree_and_export(open_browser, review_url, tmp_path):
    ada, bob = open_browser(), open_browser()
    link = set_up(ada, review_url)

    join(ada, link, "Ada")
    for number in range(1, FILMS + 1):
        judge(ada, number, "a" if number < 5 else "d", "4", box=number < 5)
        if number == 3:
            # Typed, and the page is gone before the field is left.
            ada.get_by_role("textbox", name="Comment").fill("second rib, sad")
            expect(ada.get_by_text("Draft stored at")).to_be_visible()
            ada.wait_for_timeout(2000)
            ada.reload()
            # A reader's link alone may be another's.
            ada.get_by_role("button", name="Go on as Ada").click()
            expect(ada.get_by_text(f"Heatmap 3 of {FILMS}")).to_be_visible()
            expect(ada.get_by_text("Complete.")).to_be_visible()
            expect(ada.get_by_role("button", name="Box 1")).to_be_visible()
            comment = ada.get_by_role("textbox", name="Comment")
            expect(comment).to_have_value("second rib, sad")
            expect(ada.locator(".marks rect")).to_have_count(1)
            ada.locator(".stage").focus()
        save(ada, number)

    join(bob, link, "Bob")
    for number in range(1, FILMS + 1):
        judge(bob, number, "a", "3", box=True)
        save(bob, number)
    bob.get_by_role("button", name="See the results").click()
    expect(bob.get_by_text("2 of 2", exact=True)).to_be_visible()
    expect(bob.get_by_text("Ada and Bob gave the same verdict on 80 %")).to_be_visible()
    expect(bob.get_by_text("of 9 reviews")).to_be_visible()

    with bob.expect_download() as download:
        bob.get_by_role("button", name="Export 10 reviews (CSV)").click()
    file = tmp_path / "export.csv"
    download.value.save_as(file)
    rows = list(csv.DictReader(io.StringIO(file.read_text())))
    assert len(rows) == 2 * FILMS
    assert sorted({row["reader"] for row in rows}) == ["Ada", "Bob"]
    assert [row["comment"] for row in rows if row["comment"]] == ["second rib, sad"]
    assert sum(row["no_finding"] == "True" for row in rows) == 1
    # All was marked first, and nothing moved.
    assert {row["marked_after_heat"] for row in rows} == {"False"}
    assert [row["boxes_before_heat"] for row in rows] == [row["boxes"] for row in rows]
    assert {row["notice"] for row in rows} == {NOTICE}
    assert all(float(row["seconds"]) > 0 and len(row["weights"]) == 64 for row in rows)
    boxes = [tuple(json.loads(row["boxes"])[0]) for row in rows if row["boxes"] != "[]"]
    # One place on all films, to a pixel or two of the screen; by keys one that both hit alike.
    dragged = [box for box in boxes if box == pytest.approx((0.3, 0.25, 0.5, 0.5), abs=0.01)]
    (keyed,) = set(boxes) - set(dragged)
    assert len(dragged) == 7
    left, top, right, bottom = keyed
    # 0.3 to 0.5 across the panel, which is wider than the film, and 0.26 to 0.5 down.
    assert (top, right, bottom) == pytest.approx((0.26, 0.5, 0.5), abs=0.01)
    assert 0 <= left < 0.31
