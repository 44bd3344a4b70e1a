"""What holds on every page: no serious violation for screen readers, a name in the tab, a phone."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

# Page -> its link, what the tab says, and what is seen once it is drawn.
PAGES = {
    "start": ("/", "Compare · xraycore", "or start with one of these"),
    "explain": (
        "/explain?sample=Opacity+1&model=Basic+CNN",
        "Opacity 1 · Explain · xraycore",
        "Do the maps agree?",
    ),
    "data": ("/data", "Data · xraycore", "Generated films with planted faults"),
    "metrics": ("/metrics?section=Pairs", "Metrics · xraycore", "All numbers"),
    "subgroups": ("/metrics?section=Subgroups", "Metrics · xraycore", "A part of your own"),
    "review": ("/review", "Review · xraycore", "Set up a study"),
    "learn": ("/learn", "Learn · xraycore", "Would you trust it?"),
    "lesson": ("/learn?lesson=2-the-marker", "Learn · xraycore", "Your name"),
    "train": ("/train", "Train · xraycore", "How a training goes"),
    "about": ("/about", "About the models · xraycore", "The heatmaps"),
}


def serious(page: Page) -> list[str]:
    """What axe finds on the page that is serious."""
    return [
        f"{one['id']}: {node['html'][:160]}"
        for one in Axe().run(page).response["violations"]
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"][:3]
    ]


def test_no_page_has_a_serious_violation_and_each_names_its_tab(page, app_url):
    found = {}
    for name, (link, title, seen) in PAGES.items():
        page.goto(f"{app_url}{link}")
        expect(page.get_by_text(seen).first).to_be_visible()
        expect(page).to_have_title(title)
        expect(page.get_by_test_id("stSpinner")).to_have_count(0)
        if problems := serious(page):
            found[name] = problems
    # A dialog, too.
    page.goto(f"{app_url}/metrics?section=Threshold")
    page.get_by_role("button", name="Site profiles").click()
    expect(page.get_by_role("dialog", name="Site profiles")).to_be_visible()
    if problems := serious(page):
        found["dialog"] = problems
    assert found == {}


def test_page_links_come_first_in_the_order_of_tab(page, app_url):
    page.goto(f"{app_url}/explain?sample=Opacity+1&model=Basic+CNN")
    expect(page.get_by_text("Do the maps agree?")).to_be_visible()
    links = page.get_by_test_id("stTopNavLink").count()
    said = []
    for _ in range(1 + links):
        page.keyboard.press("Tab")
        said.append(page.evaluate("document.activeElement.getAttribute('href') ?? ''"))
    # The first leads to the page's content, all others to pages.
    assert len(set(said)) == 1 + links
    assert "/train" in " ".join(said)
    assert page.evaluate("document.activeElement.textContent").endswith("About the models")
