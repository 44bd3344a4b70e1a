"""Several browsers use a served app for a while: `python -m tools.load --browsers 10 --minutes 10`.

Starts the app with folders of its own, has each browser upload films, look at pages and come back,
and starts trainings of several users meanwhile. Prints JSON: errors, waiting times, memory minute
by minute, and how many trainings ran at once. Exit code 1 if anything went wrong.
"""

import asyncio
import json
import os
import random
import statistics
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import psutil
import typer
from playwright.async_api import Browser, Error, Page, async_playwright

from tests.browser.conftest import FLAGS, find_chromium, serve_app
from xraycore.config import limits
from xraycore.datasets.synthetic.phantom import make_phantom, write_phantoms
from xraycore.imaging.overlay import to_uint8
from xraycore.jobs.process import launch, status, stop
from xraycore.jobs.queue import TRAINING, list_tickets

FIRST_PAGE = "compare"  # It lies at /.
PAGES = (FIRST_PAGE, "explain", "data", "metrics", "review", "learn", "train", "about")
# What Streamlit draws where a run of a page failed, the socket is lost or a page is not found.
FAULTS = '[data-testid="stException"], [data-testid="stConnectionStatus"], [data-testid="stDialog"]'
# The film in the list that is looked at, and whether all networks have said what they see.
MORE = "Open films"
SHOWN = '.row[aria-selected="true"]'
ANSWERED = "!document.querySelector('.panel.waiting, .dot.waiting')"


def main(
    browsers: Annotated[int, typer.Option(help="Visitors at once.")] = 10,
    minutes: Annotated[float, typer.Option(help="How long.")] = 10.0,
    trainings: Annotated[int, typer.Option(help="Trainings of as many users meanwhile.")] = 3,
    growth: Annotated[float, typer.Option(help="Share that memory may grow by at the end.")] = 0.25,
) -> None:
    """Prints what was seen; exit code 1 if there were errors, or memory or queue went astray."""
    with tempfile.TemporaryDirectory(prefix="xraycore-load-") as folder:
        home = Path(folder)
        for name in ("RUNS", "CACHE", "STATE"):
            os.environ[f"XRAYCORE_{name}"] = str(home / name.lower())
        os.environ["XRAYCORE_DATABASE"] = f"sqlite:///{home / 'reviews.sqlite3'}"
        films = [_film(home, number) for number in range(8)]
        with (home / "app.log").open("w") as log:
            app, url = serve_app(log, XRAYCORE_LOAD="ahead")
            jobs = _train(home, trainings)
            try:
                seen = asyncio.run(_use(url, app, browsers, 60 * minutes, films))
            finally:
                ended = [status(job) for job in jobs]
                for job in jobs:
                    stop(job, at_once=True)
                app.terminate()
                app.wait(timeout=30)
        faults = [
            line for line in (home / "app.log").read_text().splitlines() if "Traceback" in line
        ]
    memory = seen.pop("memory")
    # After the first third all networks and pages are loaded.
    early = statistics.median(
        one["bytes"] for one in memory[len(memory) // 3 : len(memory) // 2 + 1]
    )
    late = statistics.median(one["bytes"] for one in memory[-max(1, len(memory) // 6) :])
    allowed = limits().trainings
    seen |= {
        "browsers": browsers,
        "minutes": minutes,
        "memory": memory[:: max(1, len(memory) // 20)],
        "memory_growth": round(late / early - 1, 3),
        "traces_in_log": len(faults),
        "trainings": [f"{one.phase} {one.error or ''}".strip() for one in ended],
        "trainings_allowed": allowed,
    }
    seen["fine"] = bool(
        not (seen["errors"] or faults)
        # Of a shorter run it tells only that networks and pages are being loaded.
        and (minutes < 3 or seen["memory_growth"] <= growth)
        and seen["most_trainings_at_once"] <= allowed
        and seen["steps"]
        and not any(one.phase == "failed" for one in ended)
    )
    typer.echo(json.dumps(seen, indent=2))
    raise typer.Exit(0 if seen["fine"] else 1)


def _film(home: Path, number: int) -> str:
    file = home / f"film-{number}.png"
    pixels = to_uint8(make_phantom(number, opacity=number % 2 == 0, size=1024).pixels)
    noise = np.random.default_rng(number).integers(0, 6, pixels.shape, dtype=np.uint8)
    cv2.imwrite(str(file), cv2.add(pixels, noise))
    return str(file)


def _train(home: Path, count: int) -> list[Path]:
    """Asks for trainings, each of another user."""
    if count:
        write_phantoms(home / "phantoms", 12)
    jobs = []
    for number in range(count):
        job = home / "runs" / f"load-{number}"
        asked = ["train", str(home / "phantoms"), "--model", "basic_cnn", "--preset", "quick"]
        asked += ["--weights", "none", "--epochs", "2", "--out", str(job)]
        launch(job, asked, user=f"user {number}")
        jobs.append(job)
    return jobs


async def _use(
    url: str, app: subprocess.Popen, browsers: int, seconds: float, films: list[str]
) -> dict:
    seen: dict = {"errors": [], "steps": 0, "memory": [], "most_trainings_at_once": 0}
    seen["seconds_until_answered"] = []
    waited: list[float] = []
    end = time.monotonic() + seconds
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
        watching = asyncio.create_task(_watch(app, seen, end))
        visits = [_visit(browser, url, n, films, end, seen, waited) for n in range(browsers)]
        await asyncio.gather(*visits)
        await watching
        await browser.close()
    seen["seconds_until_drawn"] = _times(waited)
    seen["seconds_until_answered"] = _times(seen["seconds_until_answered"])
    return seen


def _times(waited: list[float]) -> dict:
    if not waited:
        return {"times": 0}
    waited = sorted(waited)
    return {
        "times": len(waited),
        "median": round(statistics.median(waited), 2),
        "95th": round(waited[int(0.95 * (len(waited) - 1))], 2),
        "longest": round(waited[-1], 2),
    }


async def _visit(
    browser: Browser,
    url: str,
    number: int,
    films: list[str],
    end: float,
    seen: dict,
    waited: list[float],
) -> None:
    """One visitor: uploads a film, goes from page to page, reloads, until the time is over."""
    choose = random.Random(number)
    context = await browser.new_context(viewport={"width": 1280, "height": 900})
    page = await context.new_page()
    page.set_default_timeout(120_000)
    page.on("pageerror", lambda error: seen["errors"].append(f"visitor {number}: {error}"))
    await asyncio.sleep(number)
    while time.monotonic() < end:
        step = choose.choice(("upload", "upload", *PAGES))
        began = time.monotonic()
        try:
            await page.goto(f"{url}/{'' if step in ('upload', FIRST_PAGE) else step}")
            await _settle(page)
            if step == "upload":
                await _upload(page, choose.choice(films), seen)
        except Error as error:
            seen["errors"].append(f"visitor {number}, {step}: {str(error).splitlines()[0]}")
            continue
        waited.append(time.monotonic() - began)
        seen["steps"] += 1
        if shown := await page.locator(FAULTS).all_inner_texts():
            seen["errors"].append(f"visitor {number}, {step}: {' '.join(shown)[:200]}")
        if fault := await page.get_by_text("This is a fault of xraycore itself").all_inner_texts():
            seen["errors"].append(f"visitor {number}, {step}: {fault[0][:200]}")
        # People look at what they see.
        await asyncio.sleep(choose.uniform(0.5, 3))
    await context.close()


async def _upload(page: Page, film: str, seen: dict) -> None:
    """Adds a film, and waits for it and for what every network says of it."""
    began = time.monotonic()
    field, more = page.locator("input[type=file]").first, page.get_by_role("button", name=MORE)
    await field.or_(more).first.wait_for(state="attached")
    if await more.count():  # A film is looked at already.
        await more.click()
    await field.set_input_files(film)
    await page.locator(SHOWN).filter(has_text=Path(film).name).wait_for()
    await page.locator(".room .panel:not([hidden]) .film").first.wait_for()
    await page.wait_for_function(ANSWERED)
    seen["seconds_until_answered"].append(round(time.monotonic() - began, 1))


async def _settle(page: Page) -> None:
    """Waits until the page is drawn and no run of it goes on."""
    await page.get_by_test_id("stApp").wait_for()
    await page.locator("h1").first.wait_for()
    await page.wait_for_function(
        "document.querySelector('[data-testid=stApp]')?.dataset.testScriptState !== 'running'"
    )


async def _watch(app: subprocess.Popen, seen: dict, end: float) -> None:
    """Notes memory of the app and its processes, and how many trainings are at work."""
    while time.monotonic() < end:
        with suppress(psutil.Error):
            process = psutil.Process(app.pid)
            tree = [process, *process.children(recursive=True)]
            taken = sum(one.memory_info().rss for one in tree)
            seen["memory"].append({"seconds_left": round(end - time.monotonic()), "bytes": taken})
        at_work = sum(one.kind == TRAINING and one.began is not None for one in list_tickets())
        seen["most_trainings_at_once"] = max(seen["most_trainings_at_once"], at_work)
        await asyncio.sleep(2)


if __name__ == "__main__":
    typer.run(main)
