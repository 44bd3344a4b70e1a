"""Whose requests are answered, and how large they may be; asked before anything of one is read."""

import asyncio
import json
import time
from collections.abc import Mapping

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from xraycore.access import Access, Action, Mode, may
from xraycore.access.modes import is_loopback
from xraycore.access.requests import comes_from_proxy, split_address, was_forwarded
from xraycore.config import limits
from xraycore.errors import AccessError

# What a path needs; others need no more than looking.
_NEEDS: Mapping[str, Action] = {"/v1/predict": Action.UPLOAD, "/v1/explain": Action.UPLOAD}
_MB = 1_000_000
# In which all of a request has to come.
SECONDS = 300


def check_mode(access: Access) -> Access:
    """The access, if programs can be told apart by it.

    Raises:
        AccessError: If people sign in by a browser, which programs do not have.
    """
    if access.mode is Mode.OIDC:
        raise AccessError(
            "Programs do not sign in by OpenID Connect in a browser: put a proxy that signs them "
            "in before xraycore serve-api, and name it in the settings file."
        )
    return access


class Gate:
    """ASGI middleware that refuses what may not be asked, with a status and one line as JSON."""

    def __init__(self, app: ASGIApp, access: Access):
        self.app, self.access = app, access
        # Bytes of the requests that are on their way or at work.
        self._coming = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on, or refuses it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        status, why = self._why_not(scope)
        if status == 0:
            size = _size(Headers(scope=scope))
            self._coming += size
            try:
                await self.app(scope, _within(SECONDS, receive), send)
            finally:
                self._coming -= size
            return
        body = json.dumps({"error": why}).encode()
        headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _why_not(self, scope: Scope) -> tuple[int, str]:
        headers = Headers(scope=scope)
        client = (scope.get("client") or ("", 0))[0]
        if not self._comes_from_where_it_may(client, headers):
            return 403, "This interface does not answer requests from there."
        # A page of another site, in the browser of somebody on this computer.
        origin = split_address(headers.get("origin", "")).netloc
        if "origin" in headers and origin != headers.get("host"):
            return 403, "A page of another site may not use this interface."
        user = self.access.user(headers=dict(headers))
        action = _NEEDS.get(scope["path"], Action.LOOK)
        if not may(user, action):
            return 403, f"This needs somebody who may {action.value}."
        if scope["method"] in ("GET", "HEAD"):
            return 0, ""
        size = headers.get("content-length", "")
        if not size.isdecimal() or "transfer-encoding" in headers:
            return 411, "Expected a request that says its length (Content-Length)."
        if int(size) > limits().film_mb * _MB:
            return 413, f"Expected at most {limits().film_mb:g} MB in one request."
        if self._coming + int(size) > limits().all_film_mb * _MB:
            return 429, "Too many films are on their way: try again later."
        return 0, ""

    def _comes_from_where_it_may(self, client: str, headers: Headers) -> bool:
        if self.access.mode is Mode.LOCAL:
            host = split_address(f"//{headers.get('host', '')}").hostname
            return is_loopback(client) and is_loopback(host) and not was_forwarded(headers)
        settings = self.access.settings
        if self.access.mode is Mode.PROXY and settings is not None:
            return comes_from_proxy(client, headers.items(), settings)
        return self.access.mode is Mode.OPEN


def _within(seconds: float, receive: Receive) -> Receive:
    """The body of a request, which has to be there in time: until then it takes others' room."""
    until = time.monotonic() + seconds
    whole = False

    async def receive_in_time() -> Message:
        nonlocal whole
        if whole:  # What is waited for now is that who asked goes away.
            return await receive()
        try:
            message = await asyncio.wait_for(receive(), max(0.0, until - time.monotonic()))
        except TimeoutError:
            raise HTTPException(408, f"Expected the whole request within {seconds:g} s.") from None
        whole = not message.get("more_body", False)
        return message

    return receive_in_time


def _size(headers: Headers) -> int:
    """Bytes of a request's body, as announced; the server takes no more."""
    announced = headers.get("content-length", "")
    return int(announced) if announced.isdecimal() else 0
