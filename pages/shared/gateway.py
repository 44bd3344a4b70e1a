"""What stands before the app: refuses requests that come from where none may, whatever they ask."""

import ipaddress
import json
import re
from collections.abc import Mapping
from urllib.parse import quote, unquote, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME
from streamlit.web.server.starlette.starlette_websocket import _get_signed_cookie_with_chunks

from pages.shared.access import FORWARDED
from xraycore.access import Access, Mode
from xraycore.access.identity import sends_secret
from xraycore.access.modes import is_loopback
from xraycore.access.roles import NOBODY

# WebSocket's "policy violation".
_REFUSED = 1008
_HEALTH = "/_stcore/health"
# What Streamlit tells of the server to whoever asks.
_CLOSED = ("/_stcore/metrics", "/_stcore/agent")
# What is sent to Streamlit, and fetched from it, without a page's gate.
_FILES = ("/_stcore/upload_file", "/media/")
# The page that somebody wanted before he signed in.
_WANTED = "xraycore-wanted"


class Gateway:
    """ASGI middleware before Streamlit's own: whose requests are answered at all.

    Streamlit takes sockets from any port of localhost and from programs that send no Origin, any
    Host, and a proxy's header from whoever sends it.
    """

    def __init__(self, app: ASGIApp, access: Access):
        self.app, self.access = app, access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on, or refuses it with a line that says why."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        why = self._why_not(scope)
        if why is None and self.access.mode is Mode.OIDC and scope["type"] == "http":
            await self._keep_wanted(scope, receive, send)
        elif why is None:
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": _REFUSED, "reason": why[:120]})
        else:
            await PlainTextResponse(why, status_code=403)(scope, receive, send)

    def _why_not(self, scope: Scope) -> str | None:
        headers, path = Headers(scope=scope), scope["path"]
        client, server = (scope.get(one) or ("", 0) for one in ("client", "server"))
        if any(part in path for part in _CLOSED):
            return "This is closed."
        if self.access.mode is Mode.LOCAL and not (
            is_loopback(client[0])
            and is_loopback(server[0])
            and not any(name in headers for name in FORWARDED)
        ):
            return (
                "This app answers its own computer only. To serve it to others start it with "
                "xraycore serve."
            )
        if self.access.mode is Mode.PROXY and not (
            path.endswith(_HEALTH)
            or (self._is_proxy(client[0]) and sends_secret(headers, self.access.settings))
        ):
            return "This app answers its proxy only."
        if not self._host_known(headers.get("host", "")):
            return "This app is not known by this name."
        if scope["type"] == "websocket" and not self._same_origin(headers):
            return "A page of another site may not use this app."
        asks_file = "/static/" not in path and any(part in path for part in _FILES)
        if self.access.mode is Mode.OIDC and asks_file:
            return None if self._signed_in(headers) else "Sign in first."
        return None

    async def _keep_wanted(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Brings who has signed in to the page that he wanted: Streamlit leads to the first one."""
        headers = Headers(scope=scope)
        page = scope["method"] == "GET" and "text/html" in headers.get("accept", "")
        cookies = cookie_parser(headers.get("cookie", ""))
        wanted = unquote(cookies.get(_WANTED, ""))
        asked = scope["path"] + (f"?{query}" if (query := scope["query_string"].decode()) else "")
        if not page or "/oauth2callback" in asked or "/auth/" in asked:
            await self.app(scope, receive, send)
        elif not self._signed_in(headers):
            await self.app(scope, receive, _with_cookie(send, quote(asked, safe="")))
        # A path of this app, and of no other host.
        elif asked == "/" and re.match(r"/[^/\\]", wanted):
            await RedirectResponse(wanted, 303)(scope, receive, _with_cookie(send, ""))
        else:
            await self.app(scope, receive, send)

    def _signed_in(self, headers: Headers) -> bool:
        return self.access.user(read_claims(headers)) is not NOBODY

    def _is_proxy(self, address: str) -> bool:
        try:
            sender = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(sender in network for network in self.access.settings.proxy.networks)

    def _host_known(self, host: str) -> bool:
        name = urlsplit(f"//{host}").hostname or ""
        if self.access.mode is Mode.LOCAL:
            return is_loopback(name)
        settings = self.access.settings
        return settings is None or name == urlsplit(settings.url).hostname or is_loopback(name)

    def _same_origin(self, headers: Headers) -> bool:
        origin = headers.get("origin", "")
        settings = self.access.settings
        if settings is not None and self.access.served:
            return origin == settings.origin
        return bool(origin) and urlsplit(origin).netloc == headers.get("host")


def read_claims(headers: Headers) -> Mapping[str, object]:
    """What the sign-in said of who holds the request's cookie; nothing of one not signed here."""
    cookies = cookie_parser(headers.get("cookie", ""))
    # There is no public way to read the cookie that `st.login` has set.
    signed = _get_signed_cookie_with_chunks(cookies, USER_COOKIE_NAME)
    try:
        found = json.loads(signed or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _with_cookie(send: Send, wanted: str) -> Send:
    kind = f"Path=/; HttpOnly; SameSite=Lax; Max-Age={600 if wanted else 0}"

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).append("set-cookie", f"{_WANTED}={wanted}; {kind}")
        await send(message)

    return sent
