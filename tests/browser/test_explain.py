"""The Explain page as a user walks it, with the smallest model."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_compare import _PEAK, heat_layers
from xraycore.attribution.registry import ANALYTIC, METHODS

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]


def open_tab(page: Page, name: str) -> None:
    page.get_by_role("tab", name=name).click()


def check_methods(page: Page) -> None:
    """Every analytic method's map of the film is there; what is not significant has no colour."""
    expect(page.get_by_text("Do the maps agree?")).to_be_visible()
    for name in ANALYTIC:
        panel = page.locator(f".stage[aria-label^='{METHODS[name].title} for']")
        expect(panel).to_be_visible()
    layers = heat_layers(page)
    # And two for the class beside another.
    expect(layers).to_have_count(len(ANALYTIC) + 2)
    assert max(layers.nth(index).evaluate(_PEAK) for index in range(len(ANALYTIC))) > 10


def click_film(page: Page, x: float, y: float) -> None:
    """Clicks the film to paint into, at shares of its width and height."""
    stage = page.locator(".stage[aria-label*='click inside the lungs']")
    stage.scroll_into_view_if_needed()
    box = stage.bounding_box()
    stage.click(position={"x": x * box["width"], "y": y * box["height"]})


def insert_lesion(page: Page) -> None:
    open_tab(page, "Insert a lesion")
    expect(page.get_by_text("Nothing is painted yet")).to_be_visible()
    # A double click shows the whole film; it does not paint. A click is told after half a second.
    stage = page.locator(".stage[aria-label*='click inside the lungs']")
    stage.press("+")
    expect(stage.locator(".layers")).to_have_attribute("style", re.compile(r"scale\(1\.25\)"))
    stage.dblclick()
    expect(stage.locator(".layers")).to_have_attribute("style", re.compile(r"scale\(1\)"))
    page.wait_for_timeout(2000)
    expect(page.get_by_text("Nothing is painted yet")).to_be_visible()
    click_film(page, 0.01, 0.01)
    expect(page.get_by_text("lies outside the lungs")).to_be_visible()
    click_film(page, 0.3, 0.45)
    expect(
        page.get_by_text(re.compile("a random point in the lungs would lie in it"))
    ).to_be_visible()
    # The box around the opacity, on the painted film and on its heat.
    expect(page.locator(".marks rect")).to_have_count(2)


def test_the_bar_of_work_on_another_tab_moves_and_goes(page, app_url):
    page.goto(f"{app_url}/explain?model=Basic+CNN&method=RISE")
    # Results of a sample are shared by all sessions: not the one of the next test.
    page.get_by_role("button", name="Opacity 1").click()
    open_tab(page, "Is it faithful?")
    page.get_by_role("button", name="Hide and ask").click()
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    open_tab(page, "Insert a lesion")
    sidebar = page.locator(".st-key-side")
    expect(sidebar.get_by_text("Going on meanwhile")).to_be_visible()
    bar = sidebar.get_by_role("progressbar")
    first = bar.get_attribute("aria-valuenow")
    expect(bar).not_to_have_attribute("aria-valuenow", first)
    # Nobody touches the page until it is done.
    expect(sidebar.get_by_text("Going on meanwhile")).to_have_count(0, timeout=120_000)
    open_tab(page, "Is it faithful?")
    expect(page.get_by_text("Hiding the 20 % hottest part")).to_be_visible()


def test_a_sample_is_explained_tested_and_painted_into(page, app_url):
    page.goto(f"{app_url}/explain?model=Basic+CNN")
    page.get_by_role("button", name="Clear lungs 1").click()
    check_methods(page)
    before = page.get_by_text("Basic CNN says").inner_text()
    compute = page.get_by_role("button", name="Compute", exact=True)
    expect(compute).to_have_count(len(METHODS) - len(ANALYTIC))
    compute.first.click()
    expect(compute).to_have_count(len(METHODS) - len(ANALYTIC) - 1)

    stages = page.locator(".stage")
    stages.first.scroll_into_view_if_needed()
    stages.first.click()
    page.mouse.wheel(0, -500)
    zoomed = [
        layer.evaluate("element => element.style.transform")
        for layer in page.locator(".layers").all()
    ]
    assert len(set(zoomed)) == 1
    assert "scale(2.7" in zoomed[0]
    stages.first.dblclick()

    open_tab(page, "Is it faithful?")
    page.get_by_role("button", name="Hide and ask").click()
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    expect(page.get_by_text("Hiding the 20 % hottest part")).to_be_visible()
    expect(page.locator(".js-plotly-plot")).to_have_count(3)

    open_tab(page, "Randomise the network")
    page.get_by_role("button", name="Randomise step by step").click()
    expect(page.get_by_text("Random now, with all before: conv1")).to_be_visible()
    page.get_by_role("slider", name="Layers made random").press("ArrowLeft")
    expect(page.get_by_text("Random now, with all before: conv1")).to_be_hidden()

    insert_lesion(page)
    open_tab(page, "Is it faithful?")
    expect(page.get_by_text("Hiding the 20 % hottest part")).to_be_visible()

    page.reload()
    expect(page.get_by_text("Does the answer follow the heat?")).to_be_visible()
    expect(page.get_by_text("Basic CNN says")).to_have_text(before)


@pytest.mark.realdata
def test_an_upload_and_a_dicom_file_are_explained(page, app_url, real_data):
    jpeg = sorted((real_data / "originals" / "NORMAL").iterdir())[0]
    dicom = sorted((real_data / "dicom").glob("RG1*"))[0]
    page.goto(f"{app_url}/explain?model=Basic+CNN")
    page.locator("input[type=file]").set_input_files([jpeg, dicom])
    check_methods(page)
    insert_lesion(page)
    open_tab(page, "Methods")
    page.get_by_label("Film, of 2 that are open").click()
    page.get_by_role("option", name=dicom.name).click()
    check_methods(page)
    open_tab(page, "Insert a lesion")
    expect(page.get_by_text("Nothing is painted yet")).to_be_visible()
