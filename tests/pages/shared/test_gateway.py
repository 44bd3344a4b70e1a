"""Which requests reach the app at all."""

import asyncio
import time

import pytest
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.uploaded_file_manager import UploadedFileRec

from pages.shared.gateway import Gateway
from tests.access.served import OIDC, PROXY, settings_of
from xraycore.access import Access, Mode

SECRET = {"x-xraycore-proxy": "abcdefghijklmnopqrstuvwxyz012345"}
OWN = {"host": "localhost:8501"}
PUBLIC = {"host": "xray.example.org", "origin": "https://xray.example.org"}


def passes(access, headers, *, kind="http", client="127.0.0.1", server="127.0.0.1", path="/"):
    """Whether the app gets the request; the refusal is checked to be one."""
    sent, reached = [], []

    async def app(scope, receive, send):
        reached.append(scope)

    async def send(message):
        sent.append(message)

    pairs = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": kind, "path": path, "headers": pairs, "method": "GET", "query_string": b""}
    scope |= {"client": client and (client, 5), "server": server and (server, 8501)}
    asyncio.run(Gateway(app, access)(scope, None, send))
    if not reached:
        assert sent[0].get("status") == 403 or sent[0].get("code") == 1008
    return bool(reached)


LOCAL = Access(Mode.LOCAL)


def test_a_local_app_answers_its_own_computer():
    for host in ("localhost:8501", "127.0.0.1:8501", "[::1]:8501", "localhost"):
        assert passes(LOCAL, {"host": host})
    assert passes(LOCAL, {**OWN, "origin": "http://localhost:8501"}, kind="websocket")


@pytest.mark.parametrize(
    "asked",
    [
        {"client": "10.0.0.5"},
        # Served by another program than `streamlit run`, at another address.
        {"server": "0.0.0.0"},
        {"server": "10.0.0.3"},
        {"client": None},
        # A name of somebody else's that he makes point here.
        {"headers": {"host": "evil.example.org"}},
        {"headers": {"host": "localhost.evil.org"}},
        {"headers": {}},
        # A proxy that lets others in.
        {"headers": {**OWN, "x-forwarded-for": "10.0.0.5"}},
        {"headers": {**OWN, "forwarded": "for=10.0.0.5"}},
        {"headers": {**OWN, "x-real-ip": "10.0.0.5"}},
        {"path": "/_stcore/metrics"},
        {"path": "/_stcore/agent/interact"},
        {"kind": "websocket"},
        {"kind": "websocket", "headers": {**OWN, "origin": "http://localhost:9999"}},
        {"kind": "websocket", "headers": {**OWN, "origin": "null"}},
        # Neither a host nor an origin, and no fault of the app.
        {"headers": {"host": "["}},
        {"kind": "websocket", "headers": {**OWN, "origin": "http://["}},
    ],
)
def test_a_local_app_answers_nobody_else(asked):
    assert not passes(LOCAL, **{"headers": OWN, **asked})


def test_a_served_app_answers_by_its_own_name(tmp_path):
    access = Access(Mode.OIDC, settings_of(tmp_path, OIDC))
    elsewhere = {"client": "10.0.0.5", "server": "10.0.0.3"}
    assert passes(access, PUBLIC, **elsewhere)
    assert passes(access, PUBLIC, kind="websocket", **elsewhere)
    assert not passes(access, {**PUBLIC, "host": "evil.example.org"}, **elsewhere)
    for origin in ("https://evil.example.org", "http://xray.example.org", "", "null"):
        assert not passes(access, {**PUBLIC, "origin": origin}, kind="websocket", **elsewhere)


def test_an_app_behind_a_proxy_answers_that_alone(tmp_path):
    access = Access(Mode.PROXY, settings_of(tmp_path, PROXY))
    asked = {**PUBLIC, **SECRET, "x-remote-user": "ada"}
    for kind in ("http", "websocket"):
        assert passes(access, asked, kind=kind, client="10.0.0.2")
        assert passes(access, asked, kind=kind, client="10.1.0.77")
        assert not passes(access, asked, kind=kind, client="10.0.0.3")
        assert not passes(access, asked, kind=kind, client="127.0.0.1")
        assert not passes(access, asked, kind=kind, client=None)
        without = {**PUBLIC, "x-remote-user": "ada"}
        assert not passes(access, without, kind=kind, client="10.0.0.2")
    # Whoever looks whether it lives learns nothing else.
    assert passes(access, PUBLIC, client="127.0.0.1", path="/_stcore/health")


@pytest.mark.parametrize("header", ["X-Remote-User", "X-Remote-Groups"])
def test_a_proxy_that_only_adds_to_what_a_visitor_says_is_not_believed(tmp_path, header):
    access = Access(Mode.PROXY, settings_of(tmp_path, PROXY))
    asked = {**PUBLIC, **SECRET, header: "operator"}
    assert passes(access, asked, client="10.0.0.2")
    assert not passes(access, {**asked, header.lower(): "ada"}, client="10.0.0.2")


class _Streamlit:
    """Streamlit's runtime, as far as uploads are concerned."""

    def __init__(self):
        self.uploaded_file_mgr = MemoryUploadedFileManager("/_stcore/upload_file")

    def holds(self, session, size):
        file = UploadedFileRec(f"file-{session}", "a.png", "image/png", b"0" * size)
        self.uploaded_file_mgr.add_file(session, file)


def _send_upload(gateway, app_statuses, session="mine", method="PUT", **headers):
    sent = []

    async def send(message):
        sent.append(message)

    pairs = [(name.encode(), value.encode()) for name, value in {**OWN, **headers}.items()]
    scope = {"type": "http", "path": f"/_stcore/upload_file/{session}/f", "method": method}
    scope |= {"headers": pairs, "query_string": b""}
    scope |= {"client": ("127.0.0.1", 5), "server": ("127.0.0.1", 8501)}
    asyncio.run(gateway(scope, None, send))
    return sent[0]["status"] if sent else app_statuses.pop()


def test_uploads_that_no_page_takes_do_not_fill_the_memory(monkeypatch):
    streamlit, passed = _Streamlit(), []
    monkeypatch.setattr("pages.shared.film_memory.Runtime.exists", lambda: True)
    monkeypatch.setattr("pages.shared.film_memory.Runtime.instance", lambda: streamlit)
    monkeypatch.setenv("XRAYCORE_LIMITS", "film_mb=0.002,all_film_mb=0.003")

    async def app(scope, receive, send):
        passed.append(204)

    gateway = Gateway(app, LOCAL)
    assert _send_upload(gateway, passed, **{"content-length": "2000"}) == 204
    assert _send_upload(gateway, passed, **{"content-length": "2001"}) == 413
    # What does not say how much it is may be as much as one file can.
    assert _send_upload(gateway, passed) == 413
    length = {"content-length": "5", "transfer-encoding": "chunked"}
    assert _send_upload(gateway, passed, **length) == 413
    streamlit.holds("mine", 1500)
    assert _send_upload(gateway, passed, **{"content-length": "501"}) == 413
    assert _send_upload(gateway, passed, "yours", **{"content-length": "1500"}) == 204
    streamlit.holds("yours", 1500)
    assert _send_upload(gateway, passed, "theirs", **{"content-length": "1"}) == 413
    # What would make room is let through.
    assert _send_upload(gateway, passed, method="DELETE") == 204
    streamlit.uploaded_file_mgr.remove_session_files("yours")
    assert _send_upload(gateway, passed, "theirs", **{"content-length": "1"}) == 204


def test_uploads_on_their_way_take_room_too(monkeypatch):
    monkeypatch.setenv("XRAYCORE_LIMITS", "film_mb=0.002,all_film_mb=0.003")
    inner = []

    async def app(scope, receive, send):
        if not inner:
            inner.append(None)
            await gateway({**scope, "path": "/_stcore/upload_file/yours/f"}, None, inner_send)

    async def inner_send(message):
        inner.append(message)

    gateway = Gateway(app, LOCAL)
    assert _send_upload(gateway, [204], **{"content-length": "2000"}) == 204
    assert inner[1]["status"] == 413


def test_files_are_for_who_has_signed_in(tmp_path, monkeypatch):
    access = Access(Mode.OIDC, settings_of(tmp_path, OIDC))
    for path in ("/_stcore/upload_file/a/b", "/media/abc.csv"):
        assert not passes(access, PUBLIC, path=path)
        assert not passes(access, {**PUBLIC, "cookie": "_streamlit_user=forged"}, path=path)
    # The app's own fonts are for the page that asks to sign in.
    assert passes(access, PUBLIC, path="/static/media/font.woff2")
    signed = {"is_logged_in": True, "sub": "ada", "iat": time.time()}
    monkeypatch.setattr("pages.shared.gateway.read_claims", lambda headers: signed)
    assert passes(access, PUBLIC, path="/media/abc.csv")


@pytest.mark.parametrize(
    ("cookie", "leads"),
    [
        ("%2Ftrain%3Frun%3Da", "/train?run=a"),
        ("", None),
        ("%2F%2Fevil.example.org", None),
        ("%2F%5Cevil.example.org", None),
        ("https%3A%2F%2Fevil.example.org", None),
    ],
)
def test_who_has_signed_in_comes_to_the_page_that_he_wanted(tmp_path, monkeypatch, cookie, leads):
    access = Access(Mode.OIDC, settings_of(tmp_path, OIDC))

    def ask(path, query, signed_in, cookie=""):
        monkeypatch.setattr(
            "pages.shared.gateway.read_claims",
            lambda headers: {"is_logged_in": signed_in, "sub": "ada", "iat": time.time()},
        )
        sent = []

        async def app(scope, receive, send):
            await send({"type": "http.response.start", "status": 200, "headers": []})

        async def send(message):
            sent.append(message)

        asked = {**PUBLIC, "accept": "text/html", "cookie": f"xraycore-wanted={cookie}"}
        pairs = [(name.encode(), value.encode()) for name, value in asked.items()]
        scope = {"type": "http", "method": "GET", "path": path, "query_string": query.encode()}
        scope |= {"headers": pairs, "client": ("10.0.0.5", 5), "server": ("10.0.0.3", 80)}
        asyncio.run(Gateway(app, access)(scope, None, send))
        return sent[0]["status"], dict(sent[0]["headers"])

    status, headers = ask("/train", "run=a", signed_in=False)
    assert status == 200
    assert headers[b"set-cookie"].startswith(b"xraycore-wanted=%2Ftrain%3Frun%3Da;")
    status, headers = ask("/", "", signed_in=True, cookie=cookie)
    assert (status, headers.get(b"location")) == ((303, leads.encode()) if leads else (200, None))


def hold(gateway, number, headers, **peer):
    """Opens so many sockets at once; how many of them the app gets."""

    async def one():
        sent = []

        async def send(message):
            sent.append(message)

        pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
        scope = {"type": "websocket", "path": "/_stcore/stream", "headers": pairs}
        scope |= {"query_string": b"", "client": ("127.0.0.1", 5), "server": ("127.0.0.1", 8501)}
        await gateway(scope | peer, None, send)
        if sent:
            assert sent[0]["code"] == 1008
            assert "too many open tabs" in sent[0]["reason"]
        return not sent

    async def all_at_once():
        return sum(await asyncio.gather(*(one() for _ in range(number))))

    return asyncio.run(all_at_once())


@pytest.fixture
def counting(monkeypatch):
    """`counting(access)`: a gateway before an app that holds each socket for a moment."""
    monkeypatch.setenv("XRAYCORE_LIMITS", "sockets=3,all_sockets=8")

    async def app(scope, receive, send):
        await asyncio.sleep(0.05)

    return lambda access: Gateway(app, access)


def test_who_has_signed_in_has_so_many_tabs_wherever_they_are(counting, tmp_path, monkeypatch):
    signed = {"is_logged_in": True, "sub": "ada", "iat": time.time()}
    monkeypatch.setattr("pages.shared.gateway.read_claims", lambda headers: signed)
    gateway = counting(Access(Mode.OIDC, settings_of(tmp_path, OIDC)))
    assert hold(gateway, 5, PUBLIC) == 3
    # What was closed makes room.
    assert hold(gateway, 5, PUBLIC, client=("10.0.0.9", 1)) == 3


def test_the_proxy_says_whose_tabs_they_are(counting, tmp_path):
    gateway = counting(Access(Mode.PROXY, settings_of(tmp_path, PROXY)))
    headers = {**PUBLIC, **SECRET, "x-remote-user": "ada"}
    assert hold(gateway, 5, headers, client=("10.0.0.2", 5)) == 3


def test_one_address_leaves_room_for_others_whatever_its_cookies(counting):
    gateway = counting(LOCAL)
    headers = {**OWN, "origin": "http://localhost:8501"}
    assert hold(gateway, 9, headers) == 4
    assert hold(gateway, 9, {**headers, "cookie": "xraycore-visitor=" + "a" * 43}) == 4


def test_a_socket_that_the_app_fails_at_keeps_no_room(monkeypatch):
    monkeypatch.setenv("XRAYCORE_LIMITS", "all_sockets=2")
    headers = {**OWN, "origin": "http://localhost:8501"}

    async def fails(scope, receive, send):
        raise RuntimeError

    gateway = Gateway(fails, LOCAL)
    for _ in range(3):
        with pytest.raises(RuntimeError):
            hold(gateway, 1, headers)


def test_an_upload_that_never_ends_keeps_no_room(monkeypatch):
    monkeypatch.setenv("XRAYCORE_LIMITS", "film_mb=0.002,all_film_mb=0.003")
    monkeypatch.setattr("pages.shared.gateway._UPLOAD_SECONDS", 0.05)
    ended = []

    async def never(scope, receive, send):
        if not ended:
            await asyncio.sleep(60)

    gateway = Gateway(never, LOCAL)
    assert _send_upload(gateway, [], **{"content-length": "2000"}) == 408
    ended.append(True)
    assert _send_upload(gateway, [204], **{"content-length": "2000"}) == 204
