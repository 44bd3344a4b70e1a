"""The film viewer by wheel, fingers and keys, and what a screen reader is told of it."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]

# How far down the page is.
_SCROLLED = "() => document.querySelector('[data-testid=stMain]').scrollTop"


@pytest.fixture
def films(page, app_url) -> Locator:
    """The panels of a generated film on Explain."""
    page.goto(f"{app_url}/explain?sample=Opacity+1&model=Basic+CNN")
    expect(page.get_by_text("Explained here")).to_be_visible()
    expect(page.locator(".stage").nth(1)).to_be_visible()
    # What is drawn late moves what is above it no more.
    page.wait_for_timeout(2000)
    return page.locator(".stage")


def zoom(page: Page) -> float:
    """How far all panels are zoomed: they are linked."""
    styles = page.locator(".layers").evaluate_all("all => all.map(one => one.style.transform)")
    assert len(set(styles)) == 1
    return float(re.search(r"scale\(([\d.]+)\)", styles[0])[1])


def window(page: Page) -> tuple[float, float]:
    """Brightness and contrast of all panels."""
    styles = page.locator(".film").evaluate_all("all => all.map(one => one.style.filter)")
    assert len(set(styles)) == 1
    found = re.search(r"brightness\(([\d.]+)\) contrast\(([\d.]+)\)", styles[0])
    return float(found[1]), float(found[2])


def test_buttons_zoom_about_the_middle(page, films):
    for name, factor in (("Zoom in (+)", 1.25), ("Zoom in (+)", 1.5625), ("Zoom out (−)", 1.25)):
        page.get_by_role("button", name=name).click()
        assert zoom(page) == pytest.approx(factor)
    style = page.locator(".layers").first.evaluate("one => one.style.transform")
    assert style.startswith("translate(-12.5%, -12.5%)")


def test_the_wheel_scrolls_the_page_until_a_film_was_clicked(page, films):
    films.first.hover()
    page.mouse.wheel(0, 200)
    page.wait_for_function(f"() => ({_SCROLLED})() > 100")
    assert zoom(page) == 1
    page.mouse.wheel(0, -400)
    page.wait_for_function(f"() => ({_SCROLLED})() === 0")

    page.keyboard.down("Control")
    page.mouse.wheel(0, -200)
    page.keyboard.up("Control")
    assert zoom(page) == pytest.approx(1.49, abs=0.01)
    films.first.click()
    page.mouse.wheel(0, -200)
    assert zoom(page) == pytest.approx(2.23, abs=0.01)
    assert page.evaluate(_SCROLLED) == 0


def test_the_page_scrolls_over_the_gallery(page):
    # Lower than the gallery, also where no data set is.
    page.set_viewport_size({"width": 1280, "height": 480})
    page.get_by_role("button", name="Opacity 3").wait_for()
    page.wait_for_timeout(1000)
    picture = page.locator("[data-testid=stHtml] img").first
    picture.hover()
    page.mouse.wheel(0, 200)
    page.wait_for_function(f"() => ({_SCROLLED})() > 50")
    expect(page.locator(".stage")).to_have_count(0)


def test_two_fingers_zoom(page, films):
    box = films.first.bounding_box()
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    touch = page.context.new_cdp_session(page)

    def fingers(kind: str, *aside: float) -> None:
        points = [{"x": middle[0] + far, "y": middle[1], "id": n} for n, far in enumerate(aside)]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    fingers("touchStart", -30)
    fingers("touchStart", -30, 30)
    for far in (40, 50, 60):
        fingers("touchMove", -far, far)
    fingers("touchEnd")
    assert zoom(page) == pytest.approx(2, abs=0.05)
    style = page.locator(".layers").first.evaluate("one => one.style.transform")
    left, top = re.search(r"translate\(([-\d.]+)%, ([-\d.]+)%\)", style).groups()
    # About the middle between them, which stays where it was.
    assert (float(left), float(top)) == pytest.approx((-50, -50), abs=3)
    fingers("touchStart", -60)
    fingers("touchStart", -60, 60)
    fingers("touchMove", -30, 30)
    fingers("touchEnd")
    assert zoom(page) == pytest.approx(1, abs=0.05)


def test_arrow_keys_set_the_window_once_that_tool_is_chosen(page, films):
    films.first.focus()
    page.keyboard.press("ArrowRight")
    assert window(page) == (1, 1)
    page.keyboard.press("w")
    page.keyboard.press("ArrowRight")
    brightness, contrast = window(page)
    # A window narrower by exp(-2 * 0.05), about the same middle.
    assert brightness * contrast == pytest.approx(1.105, abs=0.002)
    page.keyboard.press("ArrowUp")
    assert window(page)[0] > brightness
    assert zoom(page) == 1
    page.keyboard.press("0")
    assert window(page) == (1, 1)


def test_keys_measure(page, films):
    films.first.focus()
    for key in ("m", "Enter"):
        page.keyboard.press(key)
    length = page.locator(".length").first
    # A fifth of the panel's width, which the film of 768 px fills.
    expect(length).to_have_text("154 px")
    for _ in range(5):
        page.keyboard.press("Shift+ArrowRight")
    expect(length).to_have_text("230 px")
    page.keyboard.press("ArrowDown")
    expect(length).to_have_text("230 px")
    page.keyboard.press("Enter")
    expect(length).to_be_hidden()


def test_what_a_screen_reader_is_told(page, films):
    film = page.get_by_role("application", name="Plain film", exact=True)
    expect(film).to_have_count(1)
    for stage in films.all():
        expect(stage).to_have_attribute("aria-description", re.compile("Plus and minus zoom"))
    films.nth(1).focus()
    page.keyboard.press("f")
    badges = page.locator(".badge")
    assert badges.all_inner_texts() == ["Mirrored"] * films.count()
    # Said once, of the panel in use, and not inside of what is a film to them.
    live = page.locator(".badge[aria-live=polite]")
    expect(live).to_have_count(1)
    panels = page.locator(".panel")
    expect(panels.nth(1).locator(".badge[aria-live=polite]")).to_have_count(1)
    expect(page.locator(".stage .badge")).to_have_count(0)
