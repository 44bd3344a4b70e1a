"""The main path as a user walks it."""

import csv
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import choose, serve_app
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


def verdict(page: Page):
    """The line that says whether the models agree; there once every model has answered."""
    return page.get_by_text("models say").or_(page.get_by_text("The models disagree"))


def heat_layers(page: Page):
    """The heat of the models' panels."""
    return page.locator(".heat:not([hidden])")


def check_result(page: Page, file_name: str) -> None:
    """Every shipped model's overlay of that film is on the page, and hot somewhere."""
    expect(page.locator(f".stage[aria-label*='{file_name}']")).to_be_visible()
    expect(verdict(page)).to_be_visible()
    layers = heat_layers(page)
    expect(layers).to_have_count(len(list_trained()))
    for index in range(len(list_trained())):
        assert layers.nth(index).evaluate(_PEAK) > 25
    # Sent once, shown on every panel; panels of the last film may take a moment to follow.
    for _ in range(50):
        films = page.locator(".film").evaluate_all(
            "all => all.map(one => one.naturalWidth + one.src)"
        )
        if len(films) == 1 + len(list_trained()) and len(set(films)) == 1:
            break
        page.wait_for_timeout(200)
    assert [len(films), len(set(films))] == [1 + len(list_trained()), 1]
    assert not films[0].startswith("0")
    for name in ("Normal", "Bacterial pneumonia", "Viral pneumonia", "COVID-19"):
        expect(page.locator(".answers section", has_text=name)).to_have_count(len(list_trained()))


def test_films_and_a_dicom_file_are_compared_and_reported(page, tmp_path, dicom_bytes):
    """What a user comes for: three films and a DICOM file, their answers, the report of one."""
    files = []
    for seed, opacity in ((1, False), (2, True), (3, True)):
        files.append(tmp_path / f"film-{seed}.png")
        pixels = make_phantom(seed, opacity=opacity, size=512).pixels
        cv2.imwrite(str(files[-1]), (pixels * 255).astype(np.uint8))
    files.append(tmp_path / "film-4.dcm")
    pixels = make_phantom(4, opacity=False, size=512).pixels
    files[-1].write_bytes(dicom_bytes((pixels * 4095).astype(np.uint16), BitsStored=12))
    page.locator("input[type=file]").set_input_files(files)
    check_result(page, "film-1.png")
    csv_button = page.get_by_role("button", name="All predictions (CSV, 4 films)")
    expect(csv_button).to_be_visible()

    box = page.get_by_label("Film, of 4 that are open")
    choose(page, box, "film-4.dcm", page.get_by_text("DICOM ·"))
    check_result(page, "film-4.dcm")
    page.get_by_text("Where the maps agree").click()
    expect(page.get_by_text("counts among its hottest 10 %")).to_be_visible()

    with page.expect_download() as report:
        page.get_by_role("button", name="Report of this film (HTML)").click()
    text = Path(report.value.path()).read_text()
    assert "film-4.dcm" in text
    assert "Not for diagnosis" in text
    assert text.count("data:image/jpeg") == 1 + len(list_trained())
    for name in list_trained():
        assert read_card(name)["weights"]["sha256"] in text
    with page.expect_download() as table:
        csv_button.click()
    rows = list(csv.DictReader(Path(table.value.path()).read_text().splitlines()))
    assert {row["file"] for row in rows} == {file.name for file in files}
    assert len(rows) == 4 * len(list_trained())
    with page.expect_download() as overlays:
        page.get_by_role("button", name="Overlays (PNG)").click()
    with zipfile.ZipFile(overlays.value.path()) as archive:
        assert len(archive.namelist()) == 2 * len(list_trained())


@pytest.mark.realdata
def test_a_jpeg_and_a_dicom_are_uploaded_and_explained(page, real_data):
    assert len(list_trained()) >= 2
    jpeg = sorted((real_data / "originals" / "BACTERIA").iterdir())[0]
    dicom = sorted((real_data / "dicom").glob("RG1*"))[0]
    page.locator("input[type=file]").set_input_files([jpeg, dicom])
    check_result(page, jpeg.name)
    box = page.get_by_label("Film, of 2 that are open")
    choose(page, box, dicom.name, page.get_by_text("DICOM ·"))
    check_result(page, dicom.name)


def test_films_zoom_together_and_the_heat_can_be_taken_off(page):
    page.get_by_role("button", name="Opacity 1").click()
    check_result(page, "synthetic-opacity")
    stages = page.locator(".stage")
    expect(stages).to_have_count(len(list_trained()) + 1)
    stages.first.click()
    page.mouse.wheel(0, -500)
    zoomed = [
        layer.evaluate("element => element.style.transform")
        for layer in page.locator(".layers").all()
    ]
    assert len(set(zoomed)) == 1
    assert "scale(2.7" in zoomed[0]

    stages.last.focus()
    page.keyboard.down(" ")
    expect(heat_layers(page).first).to_be_hidden()
    page.keyboard.up(" ")
    expect(heat_layers(page).first).to_be_visible()

    page.get_by_text("Plain film", exact=True).first.click()
    expect(heat_layers(page)).to_have_count(0)


def test_the_next_film_is_not_mirrored_because_the_last_one_was(page):
    page.get_by_role("button", name="Opacity 1").click()
    check_result(page, "synthetic-opacity")
    page.locator(".stage").first.focus()
    page.keyboard.press("f")
    badges = page.locator(".badge")
    expect(badges.first).to_have_text("Mirrored")
    page.locator(".stage").first.click()
    page.mouse.wheel(0, -500)
    page.get_by_role("combobox", name="or a sample").click()
    page.get_by_role("option", name="Clear lungs 1").click()
    check_result(page, "synthetic-normal")
    expect(badges.first).to_be_hidden()
    assert "scale(1)" in page.locator(".layers").first.evaluate("one => one.style.transform")


def test_a_link_reopens_the_sample(page, app_url):
    page.get_by_role("button", name="Clear lungs 1").click()
    expect(verdict(page)).to_be_visible()
    assert "sample=" in page.url
    page.reload()
    check_result(page, "synthetic-normal")


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
        server, url = serve_app(log)
        try:
            page = chromium.new_page()
            page.goto(f"{url}/data?dataset=/no/such/folder")
            expect(page.get_by_role("heading", name="Data", exact=True)).to_be_visible()
            expect(page.get_by_text("/no/such/folder: expected")).to_be_visible()
            expect(page.get_by_role("link", name="Compare", exact=True)).to_be_visible()
            expect(page.get_by_text("streamlit app")).to_have_count(0)
            expect(page.get_by_text("Page not found")).to_have_count(0)
            assert "/data?dataset=" in page.evaluate("location.href")
            page.close()
        finally:
            server.terminate()
            server.wait(timeout=20)
