"""What one comes to the Metrics page for: move the threshold, open the films behind a figure."""

import pytest
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


def share(page: Page, name: str) -> float:
    """The number on a tile, in percent."""
    text = page.get_by_test_id("stMetric").filter(has_text=name)
    return float(text.get_by_test_id("stMetricValue").inner_text().split()[0])


def test_move_the_threshold_and_the_numbers_follow(page, app_url):
    page.goto(f"{app_url}/metrics?section=Threshold")
    slider = page.get_by_role("slider")
    expect(slider).to_have_value("0.5")
    sensitivity, specificity = share(page, "(sensitivity)"), share(page, "(specificity)")
    positive = share(page, "(PPV)")
    value = page.get_by_test_id("stMetric").first.get_by_test_id("stMetricValue")
    before = value.inner_text()
    slider.focus()
    page.keyboard.press("End")
    for _ in range(300):
        page.keyboard.press("ArrowLeft")
    expect(value).not_to_have_text(before)
    page.wait_for_timeout(1000)
    assert float(slider.input_value()) > 0.5
    assert share(page, "(sensitivity)") < sensitivity
    assert share(page, "(specificity)") > specificity

    prevalence = page.get_by_test_id("stNumberInputField")
    prevalence.fill("50")
    prevalence.press("Enter")
    page.wait_for_timeout(1500)
    assert share(page, "(PPV)") > positive

    kept = value.inner_text()
    page.reload()
    expect(page.get_by_test_id("stMetric").first.get_by_test_id("stMetricValue")).to_have_text(kept)


def test_a_film_is_shown_to_the_models(page, app_url, real_data):
    film = next((real_data / "chest_xray" / "test" / "NORMAL").iterdir()).name
    page.goto(f"{app_url}/metrics?section=Errors&film=chest_xray/{film}")
    page.get_by_role("dialog").get_by_role("button", name="See what the models say").click()
    expect(page.get_by_role("heading", name="Compare")).to_be_visible()
    expect(page.get_by_text(film).first).to_be_visible()


def test_a_cell_of_the_confusion_matrix_opens_its_films(page, app_url):
    page.goto(f"{app_url}/metrics?section=Errors")
    cell = page.get_by_role("button", name="Pneumonia called Normal").first
    films = cell.locator(".count").inner_text()
    cell.click()
    heading = page.get_by_role("heading", name="films of Pneumonia called Normal")
    expect(heading).to_contain_text(f" {films} films")
    assert "cell=" in page.url
    page.reload()
    expect(heading).to_be_visible()
