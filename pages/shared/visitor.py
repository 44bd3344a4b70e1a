"""Which browser asks: known by a secret that only it holds, in a cookie that no script can read."""

import hashlib
import re
import secrets
from collections.abc import Iterable
from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlsplit

import streamlit as st
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "xraycore-visitor"
# A browser that is sent this over https takes it from no other host, and from no http.
SECURE_COOKIE = f"__Host-{COOKIE}"
_SECRET = re.compile(r"[A-Za-z0-9_-]{43}")
# Longer than films are kept; every page that is opened begins it anew.
_DAY = 24 * 60 * 60


class VisitorCookie:
    """ASGI middleware: gives each browser its secret, and lets no other site open a socket.

    A page of another site, also one of another port, could else act with this browser's cookie.
    """

    def __init__(self, app: ASGIApp):
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request or socket."""
        if scope["type"] == "websocket" and not _is_own_page(Headers(scope=scope)):
            await send({"type": "websocket.close", "code": 1008})
        elif scope["type"] == "http":
            await self._app(scope, receive, _with_cookie(scope, send))
        else:
            await self._app(scope, receive, send)


def _is_own_page(headers: Headers) -> bool:
    """Whether a page of this very address opens the socket; a proxy may have renamed the host."""
    try:
        origin = urlsplit(headers.get("origin", "")).netloc
    except ValueError:
        return False
    return bool(origin) and origin in (headers.get("host"), headers.get("x-forwarded-host"))


def _with_cookie(scope: Scope, send: Send) -> Send:
    asked = Headers(scope=scope)
    https = "https" in (scope.get("scheme"), asked.get("x-forwarded-proto"))
    name = SECURE_COOKIE if https else COOKIE
    cookies: SimpleCookie = SimpleCookie()
    try:
        cookies.load(asked.get("cookie", ""))
    except CookieError:
        cookies.clear()
    held = cookies[name].value if name in cookies else ""
    secret = held if _SECRET.fullmatch(held) else secrets.token_urlsafe(32)

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            if headers.get("content-type", "").startswith("text/html"):
                kind = f"Path=/; Max-Age={_DAY}; HttpOnly; SameSite=Lax"
                headers.append("set-cookie", f"{name}={secret}; {kind}{'; Secure' * https}")
                headers["cache-control"] = "no-store"
        await send(message)

    return sent


def visitor() -> str | None:
    """The hash of this browser's secret; None where there is none, as without the middleware."""
    held: Iterable[object] = (st.context.cookies.get(name) for name in (SECURE_COOKIE, COOKIE))
    secret = next((one for one in held if isinstance(one, str) and _SECRET.fullmatch(one)), None)
    return hashlib.sha256(secret.encode()).hexdigest() if secret else None
