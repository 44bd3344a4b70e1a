"""The cookie that knows a browser again, and the sockets that are refused."""

import asyncio
import hashlib
from types import SimpleNamespace

import pytest

from pages.shared import visitor as visitors
from pages.shared.visitor import VisitorCookie, visitor

OWN = "x" * 43


def ask(kind="http", answer=b"text/html; charset=utf-8", scheme="http", **headers):
    """What the browser gets: all messages, and those that reached the app."""
    sent, reached = [], []

    async def app(scope, receive, send):
        reached.append(scope["type"])
        start = {"type": "http.response.start", "status": 200, "headers": []}
        await send(start | {"headers": [(b"content-type", answer)]})

    async def send(message):
        sent.append(message)

    pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": kind, "scheme": scheme, "headers": pairs}
    asyncio.run(VisitorCookie(app)(scope, None, send))
    return sent, reached


def cookie(**headers) -> str | None:
    sent, _ = ask(**headers)
    return dict(sent[0]["headers"]).get(b"set-cookie", b"").decode() or None


def test_a_browser_gets_a_secret_and_keeps_it():
    first, second = cookie(), cookie()
    assert first.startswith("xraycore-visitor=")
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(first.split("; "))
    assert "Secure" not in first
    assert first != second
    assert cookie(cookie=f"a=b; xraycore-visitor={OWN}").startswith(f"xraycore-visitor={OWN};")
    # What nobody here has given out is not taken.
    assert "short" not in cookie(cookie="xraycore-visitor=short")


@pytest.mark.parametrize("https", [{"scheme": "https"}, {"x_forwarded_proto": "https"}])
def test_over_https_the_cookie_is_of_this_host_alone(https):
    given = cookie(**https)
    assert given.startswith("__Host-xraycore-visitor=")
    assert given.endswith("; Secure")


def test_only_pages_bring_the_cookie():
    assert cookie(answer=b"application/javascript") is None
    (start,), _ = ask()
    assert dict(start["headers"])[b"cache-control"] == b"no-store"


@pytest.mark.parametrize(
    ("headers", "reached"),
    [
        ({"host": "a:8501", "origin": "http://a:8501"}, True),
        ({"host": "inside", "x_forwarded_host": "a", "origin": "https://a"}, True),
        ({"host": "a:8501", "origin": "http://a:8502"}, False),
        ({"host": "a", "origin": "https://evil"}, False),
        ({"host": "a"}, False),
        ({"origin": "null"}, False),
    ],
)
def test_a_socket_is_for_the_apps_own_pages(headers, reached):
    sent, app = ask("websocket", **headers)
    assert app == ["websocket"] * reached
    if not reached:
        assert sent == [{"type": "websocket.close", "code": 1008}]


def test_a_visitor_is_known_by_a_hash(monkeypatch):
    cookies = {}
    monkeypatch.setattr(visitors.st, "context", SimpleNamespace(cookies=cookies))
    assert visitor() is None
    cookies["xraycore-visitor"] = OWN
    assert visitor() == hashlib.sha256(OWN.encode()).hexdigest()
    cookies["xraycore-visitor"] = "guess"
    assert visitor() is None
