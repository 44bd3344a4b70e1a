"""The reading room by fingers, on a phone."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_compare import all_answered, in_sight, zoom_of

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


def drag(page: Page, *fingers: tuple[tuple[float, float], tuple[float, float]]) -> None:
    """Fingers from here to there, in shares of the film that is shown, all at once."""
    box = in_sight(page).locator(".stage").bounding_box()
    touch = page.context.new_cdp_session(page)

    def points(share: float) -> list[dict]:
        return [
            {
                "x": box["x"] + box["width"] * (here[0] + share * (there[0] - here[0])),
                "y": box["y"] + box["height"] * (here[1] + share * (there[1] - here[1])),
                "id": number,
            }
            for number, (here, there) in enumerate(fingers)
        ]

    send = "Input.dispatchTouchEvent"
    for count in range(1, len(fingers) + 1):
        touch.send(send, {"type": "touchStart", "touchPoints": points(0)[:count]})
    # A hand rests where it ends: of moves in quick succession a busy browser leaves the last out.
    for step in (0.25, 0.5, 0.75, 1, 1):
        touch.send(send, {"type": "touchMove", "touchPoints": points(step)})
    touch.send(send, {"type": "touchEnd", "touchPoints": []})


def test_fingers_turn_to_the_next_film_zoom_move_and_window(chromium, app_url):
    visitor = chromium.new_context(
        viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True
    )
    page = visitor.new_page()
    page.set_default_timeout(120_000)
    for title in ("Opacity+1", "Clear+lungs+1"):
        page.goto(f"{app_url}/?sample={title}")
        expect(in_sight(page).locator(".film")).to_be_visible()
    all_answered(page)
    # The page is as wide as the phone.
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    here = page.locator(".row[aria-selected=true]")
    expect(here).to_contain_text("Clear lungs 1")

    # To the right the film before, to the left the next; up and down scrolls the page.
    drag(page, ((0.2, 0.5), (0.8, 0.5)))
    expect(here).to_contain_text("Opacity 1")
    page.wait_for_function("location.search.includes('Opacity')")
    expect(page.locator(".caption:visible").first).not_to_be_empty()
    drag(page, ((0.8, 0.5), (0.2, 0.5)))
    expect(here).to_contain_text("Clear lungs 1")
    page.wait_for_function("location.search.includes('Clear')")
    all_answered(page)

    drag(page, ((0.45, 0.5), (0.35, 0.5)), ((0.55, 0.5), (0.65, 0.5)))
    assert float(zoom_of(page)) == pytest.approx(3, abs=0.2)
    layers = in_sight(page).locator(".layers")
    before = layers.get_attribute("style")
    drag(page, ((0.5, 0.5), (0.2, 0.5)))
    assert layers.get_attribute("style") != before
    expect(here).to_contain_text("Clear lungs 1")

    page.get_by_role("button", name=re.compile("^Window")).click()
    film = in_sight(page).locator(".film")
    greys = film.evaluate("one => one.style.filter")
    drag(page, ((0.3, 0.5), (0.7, 0.5)))
    assert film.evaluate("one => one.style.filter") != greys
    expect(here).to_contain_text("Clear lungs 1")
    visitor.close()
