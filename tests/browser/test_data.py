"""Opening a data set and finding what is wrong with it, as a user does."""

from urllib.parse import quote

import pytest
from playwright.sync_api import expect

from tests.datasets.film_files import draw, write

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """A folder with a copy of a training film in the test split, and a patient in both."""
    folder = tmp_path_factory.mktemp("browser") / "planted"
    for number in range(4):
        split = "train" if number < 3 else "test"
        write(folder / split / "NORMAL" / f"IM-000{number}-0001.png", draw(50 + number))
    for number, split in ((1, "train"), (2, "test")):
        write(folder / split / "PNEUMONIA" / f"person7_bacteria_{number}.png", draw(60 + number))
    original = folder / "train" / "NORMAL" / "IM-0000-0001.png"
    (folder / "test" / "NORMAL" / "IM-0009-0001.png").write_bytes(original.read_bytes())
    return folder


def opener(page, name):
    """The picture of that film, which is a button."""
    return page.get_by_role("button", name=name)


def test_the_planted_copy_and_the_planted_patient_are_found(page, planted):
    page.get_by_role("link", name="Data", exact=True).click()
    field = page.get_by_role("textbox", name="Data set")
    field.fill(str(planted))
    field.press("Enter")

    row = page.get_by_text("2 files are byte-identical to another")
    expect(row).to_be_visible()
    page.get_by_role("tab", name="Copies").click()
    for name in ("train/NORMAL/IM-0000-0001.png", "test/NORMAL/IM-0009-0001.png"):
        expect(opener(page, name)).to_be_visible()
    expect(page.get_by_text("in several splits, of several patients")).to_be_visible()

    page.get_by_role("tab", name="Findings").click()
    expect(page.get_by_text("1 patient lies in more than one split")).to_be_visible()
    page.get_by_role("tab", name="Patients").click()
    expect(page.get_by_text("in training and test")).to_be_visible()
    leaked = opener(page, "test/PNEUMONIA/person7_bacteria_2.png")
    expect(leaked).to_be_visible()

    # The film opens large, with its random views, and closes again.
    leaked.click()
    dialog = page.get_by_role("dialog", name="Film")
    expect(dialog.get_by_text("person7_bacteria, 1 more film")).to_be_visible()
    expect(dialog.get_by_text("Seed 6")).to_be_visible()
    dialog.get_by_role("button", name="Draw others").click()
    expect(dialog.get_by_text("Seed 13")).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(page.get_by_text("Traceback")).to_have_count(0)


def test_a_link_reopens_the_data_set_where_it_was(page, app_url, planted):
    page.goto(f"{app_url}/data?dataset={quote(str(planted))}&tab=Films")
    expect(page.get_by_text("The average film of each class")).to_be_visible()
    expect(page.get_by_role("textbox", name="Data set")).to_have_value(str(planted))
    expect(opener(page, "IM-0001-0001.png")).to_be_visible()
    page.get_by_role("tab", name="Shortcuts").click()
    expect(page.get_by_text("Can a classifier tell the class")).to_be_visible()
    assert "tab=Shortcuts" in page.url


def test_a_film_is_shown_to_the_models(page, app_url, planted):
    page.goto(f"{app_url}/data?dataset={quote(str(planted))}&tab=Films")
    opener(page, "IM-0001-0001.png").click()
    page.get_by_role("dialog").get_by_role("button", name="See what the models say").click()
    expect(page.get_by_role("heading", name="Compare")).to_be_visible()
    expect(page.get_by_text("IM-0001-0001.png").first).to_be_visible()
    assert "dataset=" not in page.url


def test_a_folder_that_is_not_there_is_named(page, app_url):
    page.goto(f"{app_url}/data?dataset=/no/such/folder")
    expect(page.get_by_text("/no/such/folder: expected a data set folder")).to_be_visible()
    expect(page.get_by_text("path,label[,split,group]")).to_be_visible()
