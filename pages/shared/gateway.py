"""What stands before the app: refuses requests that come from where none may, whatever they ask."""

import ipaddress
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from pages.shared.access import FORWARDED
from xraycore.access import Access, Mode
from xraycore.access.identity import sends_secret
from xraycore.access.modes import is_loopback

# WebSocket's "policy violation".
_REFUSED = 1008
_HEALTH = "/_stcore/health"
# What Streamlit tells of the server to whoever asks.
_CLOSED = ("/_stcore/metrics", "/_stcore/agent")


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
        if why is None:
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
        return None

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
