"""How soon a visitor sees what: `python -m tools.first_view > first_view.json`, on an idle machine.

Starts the app anew for each measurement and looks at it in Chromium at 1280 x 720 and 1920 x 1080:
the first visit by the start page and by a link to a film, of a server that has just started; what
a change of model, method or opacity takes once all is warm; and how a worklist of hundreds of films
scrolls, and how soon an arrow key shows the next one. Prints JSON, in milliseconds.
"""

import json
import os
import statistics
import tempfile
import time
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.conftest import FLAGS, find_chromium, serve_app
from xraycore.datasets.synthetic.phantom import make_phantom
from xraycore.imaging.encode import encode_png
from xraycore.imaging.overlay import to_uint8
from xraycore.models.cards import list_trained

SIZES = ((1280, 720), (1920, 1080))
FILM = "Opacity 1"
TIMES = 7
# Milliseconds until a page gives up, and between two changes.
_PATIENCE, _REST = 180_000, 1200


def recorder() -> str:
    """The script that a page runs before anything else."""
    script = Path(__file__).with_suffix(".js").read_text()
    return f"{script}\nwindow.networks = {len(list_trained())};"


def main(
    films: Annotated[int, typer.Option(help="Films of the long worklist; 0 for none.")] = 500,
    alone: Annotated[float, typer.Option(help="Seconds that a new server is left alone.")] = 0,
) -> None:
    """Prints what was measured."""
    found: dict[str, Any] = {"networks": len(list_trained()), "load_before": os.getloadavg()[0]}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
        for size in SIZES:
            here = found["{}x{}".format(*size)] = {}
            with served(browser, size, alone) as (page, url):
                here["start page"] = visit_start(page, url)
            with served(browser, size, alone) as (page, url):
                here["link to a film"] = visit_film(page, url)
                here["warm"] = change_warm(page, url)
            if films:
                with served(browser, size, alone) as (page, url):
                    here["worklist"] = scroll_worklist(page, url, films)
        browser.close()
    typer.echo(json.dumps(found, indent=2))


@contextmanager
def served(browser: Browser, size: Sequence[int], alone: float = 0) -> Iterator[tuple[Page, str]]:
    """A new server that has just begun to answer, and an empty page of a new visitor."""
    with tempfile.NamedTemporaryFile("w", suffix=".log") as log:
        server, url = serve_app(log, XRAYCORE_LOAD="ahead")
        time.sleep(alone)
        visitor = browser.new_context(viewport={"width": size[0], "height": size[1]})
        page = visitor.new_page()
        page.set_default_timeout(_PATIENCE)
        page.add_init_script(recorder())
        try:
            yield page, url
        finally:
            visitor.close()
            server.terminate()
            server.wait(timeout=30)


def visit_start(page: Page, url: str) -> dict[str, int]:
    """When the start page is of use; and then, from a click on a sample, when that is answered."""
    page.goto(url)
    sample = page.get_by_role("button", name=FILM, exact=True)
    page.wait_for_function("window.seen.samples")
    clicked = page.evaluate("performance.now()")
    sample.click()
    page.wait_for_function("window.seen.film && window.seen.answer && window.seen['first overlay']")
    seen = page.evaluate("window.seen")
    after = {
        f"{name}, from the click": round(seen[name] - clicked)
        for name in ("film", "answer", "first overlay")
    }
    return {name: seen[name] for name in ("uploader", "samples")} | after


def visit_film(page: Page, url: str) -> dict[str, Any]:
    """When a link to a film shows it, its first answer, and every network's heat."""
    page.goto(f"{url}/?sample={FILM}&layout=grid")
    page.wait_for_function("window.seen.film && window.seen.answer && window.seen['all overlays']")
    return page.evaluate("({ ...window.seen, order: window.order })")


def change_warm(page: Page, url: str) -> dict[str, dict[str, float]]:
    """What a change takes once everything was computed."""
    page.goto(f"{url}/?sample={FILM}")
    page.get_by_role("button", name="Report of this film (HTML)").wait_for()
    took: dict[str, list[float | None]] = {"model": [], "method": [], "opacity": []}
    for turn in range(TIMES):
        for name, act in (
            # The first place is the plain film's.
            ("model", f"changeModel({2 + turn % 2})"),
            ("method", f"changeMethod('{('Layer-CAM', 'HiRes-CAM')[turn % 2]}')"),
            ("opacity", f"fadeTo({(35, 65)[turn % 2]})"),
        ):
            page.wait_for_timeout(_REST)
            took[name].append(page.evaluate(act))
    return {name: spread(times) for name, times in took.items()}


def scroll_worklist(page: Page, url: str, films: int) -> dict[str, Any]:
    """How a long worklist scrolls while networks look at its films, and what an arrow key takes."""
    page.goto(url)
    field = page.locator("input[type=file]").first
    field.wait_for(state="attached")
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder, "films.zip")
        with zipfile.ZipFile(archive, "w") as out:
            for seed in range(films):
                pixels = make_phantom(seed, opacity=seed % 2 == 1, size=128).pixels
                out.writestr(f"film-{seed:03}.png", encode_png(to_uint8(pixels)))
        begin = time.monotonic()
        field.set_input_files(archive)
        page.wait_for_function(
            "films => deep('.row')[0]?.getAttribute('aria-setsize') === `${films}`", arg=films
        )
    opened = time.monotonic() - begin
    page.wait_for_timeout(3 * _REST)
    frames = page.evaluate("scrollList(6)")
    keys = []
    for _ in range(TIMES):
        page.wait_for_timeout(_REST)
        keys.append(page.evaluate("nextFilm()"))
    return {
        "films": films,
        "opened": round(1000 * opened),
        "frame": spread(frames),
        "share of frames over 33 ms": round(sum(one > 33 for one in frames) / len(frames), 3),
        "arrow key to film": spread(keys),
    }


def spread(times: Sequence[float | None]) -> dict[str, float | None]:
    """Median, nine of ten, and longest of milliseconds; None stands for what never came."""
    sure = sorted(float("inf") if one is None else one for one in times)
    found = {
        "median": statistics.median(sure),
        "nine of ten": sure[min(len(sure) - 1, int(0.9 * len(sure)))],
        "longest": sure[-1],
    }
    return {name: round(one, 1) if one < float("inf") else None for name, one in found.items()}


if __name__ == "__main__":
    typer.run(main)
