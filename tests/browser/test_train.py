"""A training that is started in the browser outlives the app, and a crash of its own."""

import os
import signal
import time

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import serve_app
from xraycore.jobs.process import status
from xraycore.jobs.records import read_record
from xraycore.training.run import Run

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

# As many as the quick recipe's patience: it cannot end early.
EPOCHS = 20


@pytest.fixture
def serve(tmp_path, monkeypatch):
    """`serve()`: process and address of an app with its own empty folder of runs."""
    monkeypatch.setenv("XRAYCORE_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("XRAYCORE_CACHE", str(tmp_path / "cache"))
    servers = []
    with (tmp_path / "streamlit.log").open("w") as log:

        def start():
            server, url = serve_app(log)
            servers.append(server)
            return server, url

        yield start
    for server in servers:
        kill(server)


def kill(server):
    """Ends an app and all that belongs to its session, at once."""
    if server.poll() is None:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def until(reached):
    """Waits for what a training does."""
    deadline = time.monotonic() + 180
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def epochs_of(folder):
    return [row["epoch"] for row in Run(folder).state().history]


def epochs_shown(page):
    metric = page.get_by_test_id("stMetric").filter(has_text="Epochs finished")
    return metric.get_by_test_id("stMetricValue")


def badge(page, word):
    return page.locator(".stMarkdownBadge", has_text=word)


def test_start_watch_kill_the_app_and_resume(chromium, serve, tmp_path):
    folder = tmp_path / "runs" / "basic_cnn-quick"
    page = chromium.new_page(viewport={"width": 1280, "height": 900})
    server, url = serve()
    page.goto(f"{url}/train")
    count = page.get_by_role("spinbutton", name="Films of each class")
    count.fill("10")
    count.press("Enter")
    page.get_by_role("button", name="Generate phantoms").click()
    # Drawing takes two seconds, or minutes on a machine with other work.
    expect(page.get_by_text("learns 2 classes on 12 films")).to_be_visible(timeout=300_000)
    expect(page.get_by_text(f"≤ {EPOCHS}", exact=True)).to_be_visible()
    page.get_by_role("button", name="Start training").click()
    expect(badge(page, "Starting")).to_be_visible()
    assert "run=basic_cnn-quick" in page.url

    # Held for a moment, so that no slow browser misses what comes next.
    until(lambda: len(epochs_of(folder)) >= 1)
    training = read_record(folder)["pid"]
    os.kill(training, signal.SIGSTOP)
    expect(epochs_shown(page)).to_have_text(f"{len(epochs_of(folder))} of {EPOCHS}")
    expect(badge(page, "Running")).to_be_visible()
    expect(page.get_by_text("Best epoch: accuracy", exact=True)).to_be_visible()
    expect(page.locator(".js-plotly-plot")).to_have_count(2)

    # Without the app it goes on.
    kill(server)
    seen = len(epochs_of(folder))
    os.kill(training, signal.SIGCONT)
    until(lambda: len(epochs_of(folder)) > seen)
    assert status(folder).alive
    os.kill(training, signal.SIGKILL)
    kept = len(epochs_of(folder))
    assert seen < kept < EPOCHS

    # A new app finds it, says what happened, and goes on from the last finished epoch.
    page.goto(f"{serve()[1]}/train?run=basic_cnn-quick")
    expect(page.get_by_text("The process ended without a word")).to_be_visible()
    expect(epochs_shown(page)).to_have_text(f"{kept} of {EPOCHS}")
    page.get_by_role("button", name="Resume").click()
    expect(badge(page, "Finished")).to_be_visible()
    expect(epochs_shown(page)).to_have_text(f"{EPOCHS} of {EPOCHS}")
    assert epochs_of(folder) == list(range(1, EPOCHS + 1))
    page.get_by_role("button", name="All runs").click()
    page.get_by_role("button", name="basic_cnn-quick", exact=True).click()
    expect(epochs_shown(page)).to_have_text(f"{EPOCHS} of {EPOCHS}")
    assert "run=basic_cnn-quick" in page.url
    expect(page.get_by_text("Traceback")).to_have_count(0)
    page.close()
