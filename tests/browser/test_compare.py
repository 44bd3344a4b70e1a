"""The reading room as a user walks through it."""

import csv
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from tests.browser.conftest import serve_app
from tools.first_view import recorder
from xraycore.datasets.synthetic.phantom import make_phantom
from xraycore.models.cards import list_trained, read_card

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]

# How much heat a panel shows: the largest opacity of any pixel of its heat layer, in [0, 255].
_PEAK = """image => {
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
  const context = canvas.getContext('2d');
  context.drawImage(image, 0, 0);
  const pixels = context.getImageData(0, 0, canvas.width, canvas.height).data;
  let peak = 0;
  for (let i = 3; i < pixels.length; i += 4) peak = Math.max(peak, pixels[i]);
  return peak;
}"""


def verdict(page: Page) -> Locator:
    """The first line of the answer, there once a network has looked."""
    return page.locator(".answer h2")


def heat_layers(page: Page) -> Locator:
    """The heat of panels that show some."""
    return page.locator(".heat:not([hidden])")


def all_answered(page: Page) -> None:
    """Waits until every network has looked at the film, and at all that are open."""
    expect(verdict(page)).to_be_visible()
    # The card may stand there before the room and the list do.
    expect(in_sight(page).first).to_be_visible()
    expect(page.locator(".row").first).to_be_visible()
    expect(page.locator(".panel.waiting")).to_have_count(0)
    expect(page.locator(".dot.waiting")).to_have_count(0)
    expect(page.get_by_role("button", name="Report of this film (HTML)")).to_be_visible()


def in_sight(page: Page) -> Locator:
    """The panels that are shown."""
    return page.locator(".room .panel:not([hidden])")


def write_films(folder: Path, count: int, size: int = 512) -> list[Path]:
    """Generated films as files, every other with an opacity."""
    files = []
    for seed in range(count):
        files.append(folder / f"film-{seed}.png")
        pixels = make_phantom(seed + 1, opacity=seed % 2 == 1, size=size).pixels
        cv2.imwrite(str(files[-1]), (pixels * 255).astype(np.uint8))
    return files


def write_cat(folder: Path) -> Path:
    """What is no film."""
    cat = np.full((600, 600, 3), 60, np.uint8)
    cv2.circle(cat, (300, 360), 190, (150, 150, 150), -1)
    for left, tip, right in (
        ((140, 260), (180, 70), (280, 200)),
        ((460, 260), (420, 70), (320, 200)),
    ):
        cv2.fillPoly(cat, [np.array([left, tip, right])], (150, 150, 150))
    cv2.imwrite(str(folder / "photo.png"), cat)
    return folder / "photo.png"


def upload(page: Page, *files: Path) -> None:
    page.locator("input[type=file]").first.set_input_files(files)
    expect(in_sight(page).locator(".film")).to_be_visible()


def choose_file(page: Page, reach: Callable[[], None], file: Path) -> None:
    """By Enter on the button that `reach` leads to: again while the start is still being drawn."""
    for patience in (15_000, 15_000, 120_000):
        reach()
        try:
            with page.expect_file_chooser(timeout=patience) as chooser:
                page.keyboard.press("Enter")
        except PlaywrightTimeout:
            continue
        chooser.value.set_files(file)
        return
    raise AssertionError("Enter opens no file chooser")


def take_along(page: Page, reach: Callable[[], None]) -> Path:
    """The file that Enter gives on the button that `reach` leads to; again if nothing comes."""
    for patience in (15_000, 15_000, 120_000):
        reach()
        try:
            with page.expect_download(timeout=patience) as download:
                page.keyboard.press("Enter")
        except PlaywrightTimeout:
            continue
        return Path(download.value.path())
    raise AssertionError("Enter gives no file")


def zoom_of(page: Page) -> str:
    style = in_sight(page).locator(".layers").first.evaluate("one => one.style.transform")
    return re.search(r"scale\(([\d.]+)\)", style)[1]


def address(page: Page) -> str:
    return page.evaluate("location.href")


def test_a_reading_is_kept_and_is_of_this_browser_alone(chromium, app_url, tmp_path):
    """Ten films, one large, arrows, a ruler: reload, report, another browser, back."""
    visitor = chromium.new_context(viewport={"width": 1280, "height": 720})
    page = visitor.new_page()
    page.goto(app_url)
    upload(page, *write_films(tmp_path, 9), write_cat(tmp_path))
    first = address(page)
    shown = page.locator(".room").get_attribute("data-film")
    film = in_sight(page).locator(".film")
    assert film.bounding_box()["height"] >= 620
    expect(page.locator(".row")).to_have_count(10)
    all_answered(page)

    page.keyboard.press("ArrowDown")
    expect(page.locator(".row[aria-selected=true]")).to_contain_text("film-1.png")
    page.wait_for_function("before => location.href !== before", arg=first)
    # The list is ahead of the room.
    expect(page.locator(".room")).not_to_have_attribute("data-film", shown)
    expect(in_sight(page).locator(".heat:not([hidden])")).to_be_visible()
    stage = in_sight(page).locator(".stage")
    box = stage.bounding_box()
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.keyboard.press("m")
    page.mouse.move(*middle)
    page.mouse.down()
    page.mouse.move(middle[0] + 120, middle[1], steps=4)
    page.mouse.up()
    note = in_sight(page).locator(".note text")
    expect(note).to_have_text(re.compile(r"\d+ px"))
    length = note.text_content()
    expect(page.get_by_text(f"Drawn on the film: {length}")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("+")
    assert zoom_of(page) == "1.25"
    page.wait_for_timeout(400)
    second = address(page)

    page.reload()
    expect(page.locator(".row[aria-selected=true]")).to_contain_text("film-1.png")
    expect(in_sight(page).locator(".note text")).to_have_text(length)
    assert address(page) == second
    assert zoom_of(page) == "1.25"
    all_answered(page)
    with page.expect_download() as report:
        page.get_by_role("button", name="Report of this film (HTML)").click()
    assert f"length “{length}”" in Path(report.value.path()).read_text()

    # A step a press: the grid, the panel that was enlarged from it, and back.
    page.keyboard.press("g")
    expect(in_sight(page)).to_have_count(2 + len(list_trained()))
    assert in_sight(page).first.bounding_box()["width"] >= 340
    page.wait_for_function("location.search.includes('layout=grid')")
    # Beside the ruler: a click on what was drawn chooses it.
    in_sight(page).nth(1).locator(".stage").click(position={"x": 60, "y": 60})
    expect(in_sight(page)).to_have_count(1)
    page.wait_for_function("location.search.includes('layout=1')")
    page.go_back()
    expect(in_sight(page)).to_have_count(2 + len(list_trained()))
    page.go_back()
    expect(in_sight(page)).to_have_count(1)
    page.go_back()
    expect(page.locator(".row[aria-selected=true]")).to_contain_text("film-0.png")

    page.locator(".row", has_text="photo.png").click()
    expect(verdict(page)).to_have_text("No answer")
    expect(page.locator(".answer")).to_contain_text("Nothing that these networks say")
    expect(page.locator(".row", has_text="photo.png")).to_contain_text("No answer")
    expect(page.get_by_text("Show them anyway")).to_be_visible()
    for probabilities in page.locator(".answers").all():
        expect(probabilities).to_be_hidden()
    assert page.locator(".heat:not([hidden])").count() == 0
    serious = [
        f"{one['id']}: {one['nodes'][0]['html'][:200]}"
        for one in Axe().run(page).response["violations"]
        if one["impact"] in ("serious", "critical")
    ]
    assert serious == []

    stranger = chromium.new_context()
    other = stranger.new_page()
    other.goto(second)
    expect(other.get_by_text("alone can show it")).to_be_visible()
    expect(other.locator(".row")).to_have_count(0)
    stranger.close()

    page.get_by_role("button", name="Forget now").click()
    page.get_by_role("button", name="Forget all films and drawings?").click()
    expect(page.get_by_text("Upload a chest X-ray, or start with one of these")).to_be_visible()
    page.goto(second)
    expect(page.get_by_text("is not open in this browser")).to_be_visible()
    visitor.close()


def test_from_upload_to_report_by_keyboard_alone(page, tmp_path):
    (file,) = write_films(tmp_path, 1)

    def tab_to(name: str, tag: str = "", most: int = 60) -> None:
        """Presses Tab until what has the focus is called so, and is of that kind."""
        for _ in range(most):
            page.keyboard.press("Tab")
            said = page.evaluate(
                """() => {
                  let one = document.activeElement;
                  while (one?.shadowRoot?.activeElement) one = one.shadowRoot.activeElement;
                  const said = one?.getAttribute('aria-label') ?? one?.textContent;
                  return `${one?.tagName} ${said}`;
                }"""
            )
            if name in said and said.startswith(tag):
                return
        raise AssertionError(f"Tab does not lead to {name}")

    page.get_by_role("button", name="Opacity 3").wait_for()
    choose_file(page, lambda: tab_to("Upload", "BUTTON"), file)
    all_answered(page)
    shown = in_sight(page).locator(".stage")
    tab_to("Search films")
    tab_to("Plain film" if shown.count() == 0 else "evidence for")
    page.keyboard.press("m")
    page.keyboard.press("Enter")
    expect(in_sight(page).locator(".note.draft")).to_have_count(1)
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Enter")
    expect(in_sight(page).locator(".note:not(.draft)")).to_have_count(1)
    expect(page.get_by_text("Drawn on the film")).to_be_visible()
    # What is drawn is chosen by keys, moved, and may be taken away.
    page.keyboard.press("Escape")
    line = in_sight(page).locator(".note:not(.draft) polyline").last
    before = line.get_attribute("points")
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowDown")
    expect(line).not_to_have_attribute("points", before)
    page.keyboard.press("Escape")
    page.keyboard.press("1")
    expect(in_sight(page).locator(".caption")).to_contain_text("film-0.png")
    report = take_along(page, lambda: tab_to("Report of this film (HTML)", "BUTTON"))
    assert "Drawn by the reader: length" in report.read_text()


def test_films_and_a_dicom_file_are_compared_and_taken_along(page, tmp_path, dicom_bytes):
    files = write_films(tmp_path, 2)
    files.append(tmp_path / "film-4.dcm")
    pixels = make_phantom(4, opacity=False, size=512).pixels
    files[-1].write_bytes(dicom_bytes((pixels * 4095).astype(np.uint16), BitsStored=12))
    upload(page, *files)
    all_answered(page)
    shown = page.locator(".room").get_attribute("data-film")
    page.locator(".row", has_text="film-4.dcm").click()
    expect(page.locator(".room")).not_to_have_attribute("data-film", shown)
    page.keyboard.press("g")
    expect(page.locator(".caption", has_text="film-4.dcm")).to_be_visible()
    all_answered(page)
    heat = heat_layers(page)
    expect(heat).to_have_count(1 + len(list_trained()))
    assert any(one.evaluate(_PEAK) > 10 for one in heat.all()[:-1])
    # Sent once, shown on every panel.
    seen = page.locator(".film").evaluate_all("all => all.map(one => one.src)")
    assert (len(seen), len(set(seen))) == (2 + len(list_trained()), 1)

    with page.expect_download() as report:
        page.get_by_role("button", name="Report of this film (HTML)").click()
    text = Path(report.value.path()).read_text()
    assert "film-4.dcm" in text
    assert "Not for diagnosis" in text
    assert text.count("data:image/jpeg") == 1 + len(list_trained())
    for name in list_trained():
        assert read_card(name)["weights"]["sha256"] in text
    with page.expect_download() as table:
        page.get_by_role("button", name="All predictions (CSV, 3 films)").click()
    rows = list(csv.DictReader(Path(table.value.path()).read_text().splitlines()))
    assert {row["file"] for row in rows} == {file.name for file in files}
    assert len(rows) == 3 * len(list_trained())
    with page.expect_download() as overlays:
        page.get_by_role("button", name="Overlays (PNG)").click()
    with zipfile.ZipFile(overlays.value.path()) as archive:
        assert len(archive.namelist()) == 2 * len(list_trained())


def test_a_link_of_a_sample_opens_the_same_view_for_anyone(page, app_url):
    page.goto(
        f"{app_url}/?sample=Opacity+1&layout=2&panel=xception&method=Grad-CAM&show=Contour&contour=30"
    )
    expect(in_sight(page)).to_have_count(2)
    all_answered(page)
    expect(page.locator(".contour[d^=M]")).to_have_count(1)
    expect(page.locator(".pills [aria-pressed=true]")).to_have_text("Xception")
    # Opacity, panel and method change what is drawn and never take the film away.
    page.evaluate(
        """() => {
          const room = [...document.querySelectorAll('*')].map(one => one.shadowRoot)
            .find(root => root?.querySelector('.room'));
          window.blank = 0;
          new MutationObserver(() => {
            if (!room.querySelector('.panel:not([hidden]) .film')?.naturalWidth) window.blank += 1;
          }).observe(room, { subtree: true, childList: true, attributes: true });
        }"""
    )
    page.get_by_role("button", name="VGG16", exact=True).click()
    page.wait_for_function("location.search.includes('panel=vgg16')")
    page.locator(".bar summary").click()
    page.get_by_label("Method").select_option("Layer-CAM")
    page.wait_for_function("location.search.includes('Layer-CAM')")
    expect(in_sight(page).last.locator(".caption")).to_contain_text("Layer-CAM")
    assert page.evaluate("window.blank") == 0


def test_the_next_film_is_not_mirrored_because_the_last_one_was(page, app_url):
    page.goto(f"{app_url}/?sample=Opacity+1")
    all_answered(page)
    page.keyboard.press("f")
    badge = in_sight(page).locator(".badge")
    expect(badge).to_have_text("Mirrored")
    page.goto(f"{app_url}/?sample=Clear+lungs+1")
    expect(page.locator(".row[aria-selected=true]")).to_contain_text("Clear lungs 1")
    expect(in_sight(page).locator(".film")).to_be_visible()
    expect(badge).to_be_hidden()

    # And a key that follows a click at once takes nothing of it back.
    all_answered(page)
    for title, key, layout in (("Opacity 1", "g", "grid"), ("Clear lungs 1", "b", "2")):
        page.locator(".row", has_text=title).click()
        page.keyboard.press(key)
        both = f"sample={title.replace(' ', '+')}", f"layout={layout}"
        page.wait_for_function("all => all.every(one => location.search.includes(one))", arg=both)
        expect(page.locator(".row[aria-selected=true]")).to_contain_text(title)
        expect(page.locator(f".room[data-layout='{layout}'] .film:visible").first).to_be_visible()


def test_a_text_file_is_refused_by_name(page, tmp_path):
    note = tmp_path / "note.txt"
    note.write_text("not a film")
    page.locator("input[type=file]").set_input_files(note)
    expect(page.get_by_text("note.txt: expected")).to_be_visible()
    expect(page.get_by_text("Traceback")).to_have_count(0)


def test_about_shows_the_cards(page):
    page.get_by_role("link", name="About the models").click()
    expect(page.get_by_text("Know its limits").first).to_be_visible()
    expect(page.get_by_text("not for diagnosis").first).to_be_visible()


def test_a_link_to_a_page_works_on_a_new_server(chromium, tmp_path):
    with (tmp_path / "log").open("w") as log:
        # Networks are loaded for who looks at the film, so that there is something to wait for.
        server, url = serve_app(log, XRAYCORE_LOAD="asked")
        try:
            page = chromium.new_page()
            page.goto(f"{url}/data?dataset=/no/such/folder")
            expect(page.get_by_role("heading", name="Data", exact=True)).to_be_visible()
            expect(page.get_by_text("/no/such/folder: expected")).to_be_visible()
            expect(page.get_by_role("link", name="Compare", exact=True)).to_be_visible()
            expect(page.get_by_text("streamlit app")).to_have_count(0)
            expect(page.get_by_text("Page not found")).to_have_count(0)
            assert "/data?dataset=" in page.evaluate("location.href")
            # The first page has a name, too.
            page.add_init_script(recorder())
            page.goto(f"{url}/compare?sample=Opacity+1")
            expect(page.locator(".row[aria-selected=true]")).to_contain_text("Opacity 1")
            expect(page.get_by_text("Page not found")).to_have_count(0)
            # While networks are loaded the film stands there, and what is not there yet says so;
            # the one that is looked at does not come after all others.
            all_answered(page)
            seen, order = page.evaluate("[seen, order]")
            assert seen["film"] < seen["answer"]
            assert seen["says what it waits for"] < seen["first overlay"]
            shown = in_sight(page).locator(".caption").text_content().split(" · ")[0]
            # Several may come with one run of the page, some frames apart.
            assert sum(one < order[shown] - 200 for one in order.values()) <= 1
            assert len(order) == len(list_trained())
            page.go_back()
            expect(page.get_by_text("/no/such/folder: expected")).to_be_visible()
            page.close()
        finally:
            server.terminate()
            server.wait(timeout=20)
