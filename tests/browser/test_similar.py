"""Films like an upload, and a lasso on the map of a data set, as a user draws it."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import serve_app
from tests.pages.conftest import png
from tests.pages.similar_store import write_similar_store

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """The app with one network and its index; its address and the folder of films."""
    folder = tmp_path_factory.mktemp("similar")
    weights, data = write_similar_store(folder)
    with (folder / "streamlit.log").open("w") as log:
        server, url = serve_app(
            log,
            XRAYCORE_WEIGHTS=str(weights),
            XRAYCORE_DATA=str(data),
            XRAYCORE_CACHE=str(folder / "cache"),
        )
        yield url, data / "chest_xray"
        server.terminate()
        server.wait(timeout=20)


@pytest.fixture(scope="module")
def page(chromium, served):
    page = chromium.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(120_000)
    page.goto(served[0])
    yield page
    page.close()


def test_films_like_an_upload(page):
    upload = {"name": "film.png", "mimeType": "image/png", "buffer": png(seed=31)}
    page.locator("input[type=file]").first.set_input_files(upload)
    expect(page.get_by_text("films most alike to Basic CNN")).to_be_visible()
    page.get_by_text("Look at them").click()
    pictures = page.get_by_role("button", name=re.compile("Guangzhou's children"))
    expect(pictures).to_have_count(20)
    pictures.first.click()
    dialog = page.get_by_role("dialog", name="A film that the network learnt from")
    expect(dialog.get_by_role("img")).to_be_visible()
    expect(dialog.get_by_text("from Guangzhou's children")).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)


def test_a_lasso_on_the_map_leads_to_the_films(page, served):
    page.goto(f"{served[0]}/data?tab=Map")
    field = page.get_by_role("textbox", name="Data set")
    field.fill(str(served[1]))
    field.press("Enter")
    page.get_by_role("button", name="Draw the map").click()
    plot = page.locator(".js-plotly-plot .nsewdrag").first
    expect(plot).to_be_visible()
    box = plot.bounding_box()
    left, top = box["x"] + 4, box["y"] + 4
    right, bottom = box["x"] + box["width"] - 4, box["y"] + box["height"] - 4
    page.mouse.move(left, top)
    page.mouse.down()
    for x, y in ((right, top), (right, bottom), (left, bottom), (left, top)):
        page.mouse.move(x, y, steps=6)
    page.mouse.up()
    expect(page.get_by_text("30 films: 20 Normal and 10 Viral pneumonia")).to_be_visible()
    expect(page.get_by_role("button", name="IM-0001-0001.png")).to_be_visible()
    page.get_by_role("button", name="IM-0001-0001.png").click()
    expect(page.get_by_role("dialog", name="Film")).to_be_visible()
    page.keyboard.press("Escape")
    # The habits of its heat stand below.
    expect(page.get_by_text("Where it looks, in clusters")).to_be_visible()
