"""`python -m tools.screenshots FOLDER`: pictures of every page, with generated films only."""

import os
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.browser.conftest import FLAGS, find_chromium, serve_app
from tests.browser.test_review import join, judge, set_up
from xraycore.jobs.process import stop
from xraycore.training.runs import list_runs


def main(folder: Path) -> None:
    """Writes a picture a page: compare.png, explain.png and so on.

    Trainings and reviews are of its own, and are deleted afterwards.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as own,
        tempfile.NamedTemporaryFile("w", suffix=".log") as log,
        sync_playwright() as playwright,
    ):
        os.environ["XRAYCORE_RUNS"] = f"{own}/runs"
        server, url = serve_app(log, XRAYCORE_DATABASE=f"sqlite:///{own}/reviews.sqlite3")
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
        try:
            page = browser.new_page(viewport={"width": 1440, "height": 960})
            page.set_default_timeout(120_000)
            page.goto(f"{url}/?sample=Opacity+1")
            page.get_by_role("button", name="Report of this film (HTML)").wait_for()
            page.wait_for_timeout(5000)
            page.screenshot(path=folder / "compare.png")
            page.goto(f"{url}/explain?sample=Opacity+1&model=Xception")
            page.get_by_text("Do the maps agree?").wait_for()
            page.wait_for_timeout(5000)
            page.screenshot(path=folder / "explain.png")
            page.goto(f"{url}/data")
            page.get_by_role("button", name="Generate and open").click()
            page.get_by_role("button", name="Show").first.wait_for()
            page.wait_for_timeout(2000)
            page.screenshot(path=folder / "data.png")
            page.get_by_role("tab", name="Films").click()
            page.get_by_role("button", name="film-003.png").click()
            page.get_by_text("Drawn at random").wait_for()
            page.wait_for_timeout(2000)
            page.screenshot(path=folder / "data-film.png")
            page.goto(f"{url}/metrics")
            page.get_by_text("Click a heading to sort").wait_for()
            page.wait_for_timeout(5000)
            page.screenshot(path=folder / "metrics.png")
            # A browser without open films: a study would be of these.
            reader = browser.new_page(viewport={"width": 1440, "height": 960})
            reader.set_default_timeout(120_000)
            join(reader, set_up(reader, f"{url}/review"), "Dr. Lindqvist")
            judge(reader, 1, "d", "2", box=True)
            reader.wait_for_timeout(2000)
            reader.screenshot(path=folder / "review.png")
            reader.close()
            train(page, url, folder / "train.png")
            page.goto(f"{url}/about")
            page.get_by_text("Know its limits").first.wait_for()
            page.wait_for_timeout(5000)
            page.screenshot(path=folder / "about.png")
        finally:
            browser.close()
            server.terminate()
            for run in list_runs(Path(own, "runs")):
                stop(run.folder, at_once=True)


def train(page: Page, url: str, file: Path) -> None:
    """A picture of a training on phantoms at work."""
    page.goto(f"{url}/train")
    page.get_by_role("button", name="Generate phantoms").click()
    page.get_by_text("Change the recipe").click()
    epochs = page.get_by_role("spinbutton", name="Epochs")
    # More than it will come to before it is stopped.
    epochs.fill("60")
    epochs.press("Enter")
    page.get_by_text("≤ 60").wait_for()
    page.get_by_role("button", name="Start training").click()
    page.get_by_text("learning by heart").wait_for()
    page.wait_for_timeout(2000)
    page.screenshot(path=file)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
