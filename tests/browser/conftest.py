"""A real Chromium and a real server for the tests that act as a user does."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.conftest import ROOT

# The first prediction waits for TensorFlow and the weights.
expect.set_options(timeout=120_000)

_NAMES = ("chromium", "chromium-browser", "google-chrome")
# Chromium's own services would knock on a closed network all the while.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


def find_chromium() -> str | None:
    """Path of an installed Chromium; on Debian as root it is installed if missing."""
    found = next(filter(None, map(shutil.which, _NAMES)), None)
    if found is None and shutil.which("apt-get") and os.geteuid() == 0:
        subprocess.run(["apt-get", "update", "-qq"], check=False)
        subprocess.run(["apt-get", "install", "-y", "-qq", "chromium"], check=False)
        found = shutil.which("chromium")
    return found


@pytest.fixture(scope="module")
def chromium(playwright):
    """A running headless Chromium; on CI its absence is a failure, elsewhere a loud skip."""
    path = find_chromium()
    if path is None:
        message = "no Chromium found: install it (apt-get install chromium) for the browser tests"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
    yield browser
    browser.close()


def serve_app(log, **environment: str) -> tuple[subprocess.Popen, str]:
    """Starts the app on a free port, with these variables too, and waits until it answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "serve.py"]
    options = [f"--server.port={port}", "--server.headless=true", "--server.address=127.0.0.1"]
    server = subprocess.Popen(
        command + options,
        cwd=ROOT,
        env=os.environ | environment,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    url = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=2):
                return server, url
        except (urllib.error.URLError, OSError):
            time.sleep(0.3)
    server.kill()
    raise RuntimeError(f"the app did not start within a minute; see {log.name}")


@pytest.fixture(scope="session")
def app_url(tmp_path_factory):
    """Address of a running app."""
    log_file = tmp_path_factory.mktemp("app") / "streamlit.log"
    with log_file.open("w") as log:
        server, url = serve_app(log)
        yield url
        server.terminate()
        server.wait(timeout=20)


@pytest.fixture
def page(chromium, app_url):
    """A fresh page on the app's start."""
    page = chromium.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(120_000)
    page.goto(app_url)
    yield page
    page.close()


def until_seen(act: Callable[[], object], seen: Locator) -> None:
    """Acts until what that leads to is seen: while a page is being drawn, an act may do nothing."""
    for _ in range(5):
        act()
        try:
            expect(seen).to_be_visible(timeout=20_000)
        except AssertionError:
            continue
        return
    expect(seen).to_be_visible()


def choose(page: Page, box: Locator, name: str, seen: Locator) -> None:
    """Picks an option of a select box until what it leads to is seen.

    A click that comes while the page is still being drawn may close the list and choose nothing.
    """
    option = page.get_by_role("option", name=name)

    def pick() -> None:
        if not option.is_visible():
            box.click()
        option.click()

    until_seen(pick, seen)


def press(page: Page, key: str, seen: Locator) -> None:
    """Presses a key until what it leads to is seen."""
    until_seen(lambda: page.keyboard.press(key), seen)
