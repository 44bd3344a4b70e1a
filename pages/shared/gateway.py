"""What stands before the app: refuses requests that come from where none may, whatever they ask."""

import asyncio
import json
import re
from collections import Counter
from collections.abc import Mapping
from urllib.parse import quote, unquote, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import config
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME
from streamlit.web.server.starlette.starlette_websocket import _get_signed_cookie_with_chunks

from pages.shared.film_memory import MB, held_uploads
from xraycore.access import Access, Mode
from xraycore.access.hosts import is_loopback
from xraycore.access.requests import comes_from_proxy, split_address, was_forwarded
from xraycore.access.roles import NOBODY
from xraycore.config import limits

# WebSocket's "policy violation".
_REFUSED = 1008
_HEALTH = "/_stcore/health"
# What Streamlit tells of the server to whoever asks.
_CLOSED = ("/_stcore/metrics", "/_stcore/agent")
# What is sent to Streamlit, and fetched from it, without a page's gate.
_UPLOAD = "/_stcore/upload_file"
_FILES = (_UPLOAD, "/media/")
# In which the largest file comes by 4 megabits a second.
_UPLOAD_SECONDS = 600
# The page that somebody wanted before he signed in.
_WANTED = "xraycore-wanted"


class Gateway:
    """ASGI middleware before Streamlit's own: whose requests are answered at all.

    Streamlit takes sockets from any port of localhost and from programs that send no Origin, any
    Host, and a proxy's header from whoever sends it.
    """

    def __init__(self, app: ASGIApp, access: Access):
        self.app, self.access = app, access
        # Bytes of the uploads that are on their way.
        self._coming = 0
        # Sockets that are open, by who opened them.
        self._open: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on, or refuses it with a line that says why."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        why = self._why_not(scope)
        if why is None and scope["type"] == "http" and _UPLOAD in scope["path"]:
            await self._take_upload(scope, receive, send)
        elif why is None and self.access.mode is Mode.OIDC and scope["type"] == "http":
            await self._keep_wanted(scope, receive, send)
        elif why is None and scope["type"] == "websocket":
            await self._hold_socket(scope, receive, send)
        elif why is None:
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await _refuse_socket(send, why)
        else:
            await PlainTextResponse(why, status_code=403)(scope, receive, send)

    def _why_not(self, scope: Scope) -> str | None:
        headers, path = Headers(scope=scope), scope["path"]
        client, server = (scope.get(one) or ("", 0) for one in ("client", "server"))
        if any(part in path for part in _CLOSED):
            return "This is closed."
        if self.access.mode is Mode.LOCAL and not (
            is_loopback(client[0]) and is_loopback(server[0]) and not was_forwarded(headers)
        ):
            return (
                "This app answers its own computer only. To serve it to others start it with "
                "xraycore serve."
            )
        if self.access.mode is Mode.PROXY and not (
            path.endswith(_HEALTH)
            or (
                self.access.settings is not None
                and comes_from_proxy(client[0], headers.items(), self.access.settings)
            )
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

    async def _hold_socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a socket on while there is room: each has a session, with memory of its own."""
        headers, most = Headers(scope=scope), limits()
        claims = read_claims(headers) if self.access.mode is Mode.OIDC else {}
        user = self.access.user(claims, headers)
        # A cookie would tell unknown visitors apart, but whoever likes makes himself a new one.
        address = (scope.get("client") or ("",))[0]
        who, share = f"from {address}", most.all_sockets // 2
        if user.id:
            who, share = f"user {user.id}", most.sockets
        if self._open[who] >= share or self._open.total() >= most.all_sockets:
            await _refuse_socket(send, "There are too many open tabs: close some.")
            return
        self._open[who] += 1
        try:
            await self.app(scope, receive, send)
        finally:
            self._open[who] -= 1
            self._open += Counter()  # Forgets who has none.

    async def _take_upload(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes an upload on while there is room for it: Streamlit itself limits only one file."""
        if scope["method"] == "DELETE":
            await self.app(scope, receive, send)
            return
        size, session = _size(Headers(scope=scope)), scope["path"].split("/")[-2]
        most = limits()
        if (
            held_uploads(session) + size > most.film_mb * MB
            or held_uploads() + self._coming + size > most.all_film_mb * MB
        ):
            full = "There is no room for this upload: close films, or try again later."
            await PlainTextResponse(full, status_code=413)(scope, receive, send)
            return
        self._coming += size
        try:
            async with asyncio.timeout(_UPLOAD_SECONDS):
                await self.app(scope, receive, send)
        except TimeoutError:
            # Who announces much and sends little would keep the room of others.
            slow = "This upload took too long."
            await PlainTextResponse(slow, status_code=408)(scope, receive, send)
        finally:
            self._coming -= size

    async def _keep_wanted(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Brings who has signed in to the page that he wanted: Streamlit leads to the first one."""
        headers = Headers(scope=scope)
        page = scope["method"] == "GET" and "text/html" in headers.get("accept", "")
        cookies = cookie_parser(headers.get("cookie", ""))
        wanted = unquote(cookies.get(_WANTED, ""))
        asked = scope["path"] + (
            f"?{query}" if (query := scope["query_string"].decode("latin-1")) else ""
        )
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

    def _host_known(self, host: str) -> bool:
        name = split_address(f"//{host}").hostname or ""
        if self.access.mode is Mode.LOCAL:
            return is_loopback(name)
        settings = self.access.settings
        return settings is None or name == urlsplit(settings.url).hostname or is_loopback(name)

    def _same_origin(self, headers: Headers) -> bool:
        origin = headers.get("origin", "")
        settings = self.access.settings
        if settings is not None and self.access.served:
            return origin == settings.origin
        return bool(origin) and split_address(origin).netloc == headers.get("host")


async def _refuse_socket(send: Send, why: str) -> None:
    await send({"type": "websocket.close", "code": _REFUSED, "reason": why[:120]})


def _size(headers: Headers) -> int:
    """Bytes of a request's body, as announced; the most that one may have where they are not."""
    announced = headers.get("content-length", "")
    most = config.get_option("server.maxUploadSize") * 1024 * 1024
    return int(announced) if announced.isdecimal() and "transfer-encoding" not in headers else most


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
