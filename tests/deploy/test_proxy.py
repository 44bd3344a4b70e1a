"""The app behind nginx as deploy/ configures it: probed from outside, and used in a browser."""

import base64
import http.client
import io
import socket
import ssl
import time
import zipfile

import pytest
from playwright.sync_api import expect
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.browser.conftest import FLAGS, find_chromium, serve_app
from tests.deploy.proxy import HOST, PASSWORD, SECRET, free_port, running_proxy
from tests.pages.conftest import png

pytestmark = [pytest.mark.slow, pytest.mark.browser]
SIGNED_IN = {"Authorization": "Basic " + base64.b64encode(f"ada:{PASSWORD}".encode()).decode()}
PAGES = ("compare", "explain", "data", "metrics", "review", "train", "about")


@pytest.fixture(scope="module")
def proxy(tmp_path_factory):
    """nginx, and behind it the app, which takes nginx's word for who is asking."""
    folder, port = tmp_path_factory.mktemp("deploy"), free_port()
    settings = folder / "settings.toml"
    settings.write_text(
        f'url = "https://{HOST}:{port}"\n'
        '[proxy]\nheader = "X-Remote-User"\naddresses = ["127.0.0.1"]\n'
        '[roles]\nusers = { ada = ["operator", "study-lead", "reader"] }\n'
    )
    environment = {
        "XRAYCORE_SETTINGS": str(settings),
        "XRAYCORE_PROXY_SECRET": SECRET,
        # As `xraycore serve` has it.
        "FORWARDED_ALLOW_IPS": "",
        "XRAYCORE_RUNS": str(folder / "runs"),
        "XRAYCORE_DATABASE": f"sqlite:///{folder / 'reviews.sqlite3'}",
    }
    with (folder / "app.log").open("w") as log:
        app, url = serve_app(log, **environment)
        try:
            with running_proxy(folder, int(url.rsplit(":", 1)[1]), port) as found:
                yield found
        finally:
            app.terminate()
            app.wait(timeout=20)


def request(proxy, path, host=None, **headers):
    """Status, headers and body that the proxy gives."""
    connection = http.client.HTTPSConnection(HOST, proxy.port, context=proxy.context(), timeout=20)
    # The name is made up: it leads here.
    raw = socket.create_connection(("127.0.0.1", proxy.port), 20)
    connection.sock = proxy.context().wrap_socket(raw, server_hostname=HOST)
    sent = {"Host": host or f"{HOST}:{proxy.port}", **headers}
    try:
        connection.request("GET", path, headers=sent)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read().decode()
    finally:
        connection.close()


def test_tls_only_and_the_headers_that_protect(proxy):
    status, headers, body = request(proxy, "/", **SIGNED_IN)
    assert status == 200
    assert "<title>Streamlit</title>" in body
    assert headers["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Strict-Transport-Security"].startswith("max-age=")
    assert "1." not in headers["Server"]
    plain = http.client.HTTPConnection("127.0.0.1", proxy.plain, timeout=20)
    plain.request("GET", "/train", headers={"Host": HOST})
    moved = plain.getresponse()
    assert (moved.status, moved.headers["Location"]) == (301, f"https://{HOST}/train")
    plain.close()
    old = proxy.context()
    with pytest.warns(DeprecationWarning):
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(ssl.SSLError), socket.create_connection(("127.0.0.1", proxy.port)) as raw:
        old.wrap_socket(raw, server_hostname=HOST)


def test_who_is_not_signed_in_gets_nothing(proxy):
    assert request(proxy, "/")[0] == 401
    # Nor by saying himself what only the proxy may say.
    said = {"X-Remote-User": "ada", "X-Xraycore-Proxy": SECRET}
    assert request(proxy, "/", **said)[0] == 401


def test_foreign_hosts_are_not_answered(proxy):
    with pytest.raises((http.client.HTTPException, OSError)):
        request(proxy, "/", host="attacker.example", **SIGNED_IN)
    with pytest.raises(ssl.SSLError), socket.create_connection(("127.0.0.1", proxy.port)) as raw:
        proxy.context().wrap_socket(raw, server_hostname="attacker.example")


@pytest.mark.parametrize("path", ["metrics", "agent/openapi.json"])
def test_what_streamlit_tells_of_the_server_is_closed(proxy, path):
    assert request(proxy, f"/_stcore/{path}", **SIGNED_IN)[0] == 404


def test_the_web_socket_opens_for_the_apps_own_page_only(proxy):
    def open_socket(origin, **headers):
        raw = socket.create_connection(("127.0.0.1", proxy.port), 20)
        return connect(
            f"wss://{HOST}:{proxy.port}/_stcore/stream",
            sock=raw,
            ssl=proxy.context(),
            server_hostname=HOST,
            origin=origin,
            additional_headers=headers,
        )

    with open_socket(proxy.url, **SIGNED_IN) as opened:
        assert opened.response.status_code == 101
    with pytest.raises(InvalidStatus, match="403"):
        open_socket("https://attacker.example", **SIGNED_IN)
    with pytest.raises(InvalidStatus, match="401"):
        open_socket(proxy.url)


@pytest.fixture(scope="module")
def browser(playwright):
    """Chromium, for which the made-up host is this computer."""
    resolve = f"--host-resolver-rules=MAP {HOST} 127.0.0.1"
    made = playwright.chromium.launch(executable_path=find_chromium(), args=[*FLAGS, resolve])
    yield made
    made.close()


@pytest.fixture
def page(browser, proxy):
    """A page of one who is signed in; `page.complaints` is what the browser refused or mourned."""
    context = browser.new_context(
        ignore_https_errors=True,
        http_credentials={"username": "ada", "password": PASSWORD},
        viewport={"width": 1280, "height": 900},
    )
    page = context.new_page()
    page.set_default_timeout(120_000)
    page.complaints = []
    page.on(
        "console",
        lambda said: (
            page.complaints.append(said.text)
            if "Content Security Policy" in said.text or "Content-Security-Policy" in said.text
            else None
        ),
    )
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    yield page
    context.close()


def test_every_page_runs_under_the_policy(proxy, page):
    for name in PAGES:
        page.goto(f"{proxy.url}/{name}")
        expect(page.get_by_test_id("stApp")).to_be_visible()
        expect(page.get_by_role("heading").first).to_be_visible()
        expect(page.get_by_test_id("stStatusWidget")).to_have_count(0)
    assert page.complaints == []


def test_an_upload_of_200_mb_arrives_and_the_film_is_drawn(proxy, page):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("film.png", png(1))
        for number in range(4):
            archive.writestr(f"notes-{number}.txt", bytes(50_000_000))
    assert packed.tell() > 200_000_000
    page.goto(f"{proxy.url}/compare")
    # The file goes to the browser by its path: a buffer of that size would not.
    expect(page.locator("input[type=file]").first).to_be_attached()
    file = proxy.certificate.with_name("films.zip")
    file.write_bytes(packed.getvalue())
    page.locator("input[type=file]").first.set_input_files(str(file))
    log, end = proxy.certificate.with_name("access.log"), time.monotonic() + 60
    while not (
        taken := [line.split() for line in log.read_text().splitlines() if "upload" in line]
    ):
        assert time.monotonic() < end, log.read_text()
        page.wait_for_timeout(200)
    method, _, status, length = taken[-1]
    assert (method, status) == ("PUT", "204")
    assert int(length) > 200_000_000
    expect(page.locator(".room .panel:not([hidden]) .film").first).to_be_visible()


def test_another_page_cannot_frame_it(proxy, page):
    page.goto("data:text/html," + f"<iframe src='{proxy.url}/about' width=600 height=400></iframe>")
    page.wait_for_timeout(2_000)
    frame = page.frames[1]
    assert "Streamlit" not in frame.content()
    assert frame.get_by_test_id("stApp").count() == 0
    # The browser put a page of its own in place of what came; by itself it opens.
    assert frame.url == "chrome-error://chromewebdata/"
    page.goto(f"{proxy.url}/about")
    expect(page.get_by_test_id("stApp")).to_be_visible()
