"""Nothing that a visitor does has the browser or the server ask another host for anything."""

import os
from urllib.parse import quote, urlsplit

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import serve_app
from tests.datasets.film_files import draw, write

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]

# In every Python process that the server starts: notes down who is asked for.
_WATCH = """
import os, sys

def watch(event, args):
    if event == "socket.connect" or event in ("socket.sendto", "socket.sendmsg"):
        host = args[1][0] if isinstance(args[1], tuple) else "localhost"
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host = args[0]
    else:
        return
    host = host.decode() if isinstance(host, bytes) else str(host or "localhost")
    if host not in ("localhost", "::1", "0.0.0.0") and not host.startswith("127."):
        with open(os.environ["WATCHED"], "a") as file:
            file.write(f"{event} {host}\\n")

sys.addaudithook(watch)
"""
OWN = {"127.0.0.1", ""}


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    """An app whose processes note down whom they ask; its address and the note's file."""
    folder = tmp_path_factory.mktemp("watched")
    (folder / "sitecustomize.py").write_text(_WATCH)
    note = folder / "note"
    note.touch()
    environment = {
        "PYTHONPATH": os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")]),
        "WATCHED": str(note),
        "KERAS_HOME": str(folder / "keras"),
    }
    with (folder / "log").open("w") as log:
        server, url = serve_app(log, **environment)
        yield url, note
        server.terminate()
        server.wait(timeout=20)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("browser") / "set"
    for number in range(6):
        label = ("NORMAL", "PNEUMONIA")[number % 2]
        write(made / label / f"film-{number}.png", draw(80 + number))
    return made


def test_no_page_asks_another_host(chromium, watched, folder):
    url, note = watched
    asked = set()
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    context.on("request", lambda request: asked.add(request.url))
    page = context.new_page()
    page.set_default_timeout(120_000)
    page.on("websocket", lambda socket: asked.add(socket.url))
    for address, seen in (
        ("", "Upload a chest X-ray"),
        ("?sample=Clear+lungs+1", "What each network says"),
        ("explain?sample=Clear+lungs+1&model=Basic+CNN", "Grad-CAM"),
        (f"data?dataset={quote(str(folder))}", "Every file can be read"),
        ("metrics", "VGG16"),
        ("review", "Review"),
        ("learn", "Would you trust it?"),
        (f"train?dataset={quote(str(folder))}&network=VGG16", "ImageNet is offered once"),
        ("about", "Measured on films"),
    ):
        page.goto(f"{url}/{address}")
        expect(page.get_by_text(seen).first).to_be_visible()
        expect(page.get_by_test_id("stStatusWidget")).to_have_count(0)
        # What stands in the tab: a browser without a screen never fetches it.
        icons = page.evaluate(
            "[...document.querySelectorAll('link[href], script[src], img[src], iframe[src]')]"
            ".map(one => one.href || one.src)"
        )
        asked.update(icons)
        assert any(".svg" in icon or icon.startswith("data:image/svg") for icon in icons)
    context.close()
    foreign = {one for one in asked if (urlsplit(one).hostname or "") not in OWN}
    assert not foreign
    assert len(asked) > 20
    assert note.read_text() == ""
