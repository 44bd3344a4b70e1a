"""Where a request comes from: for the app's gateway, and for the interface for programs."""

import ipaddress
from collections import Counter
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

from xraycore.access.identity import sends_secret

if TYPE_CHECKING:
    from xraycore.access.settings import Settings

# A proxy adds them: who answers his own computer only is asked by none.
_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")


def was_forwarded(names: Collection[str]) -> bool:
    """Whether a request came through a proxy, by the names of its headers in lower case."""
    return any(name in names for name in _FORWARDED)


def comes_from_proxy(
    address: str, headers: Iterable[tuple[str, str]], settings: "Settings"
) -> bool:
    """Whether a request is the proxy's, and says who is asking in its words alone.

    Args:
        address: That it comes from.
        headers: All of them with names in lower case; one that was sent twice stands twice: the
            proxy is to replace what a visitor says of himself, and not just to add to it.
        settings: With the proxy's.
    """
    proxy, pairs = settings.proxy, list(headers)
    try:
        sender = ipaddress.ip_address(address)
    except ValueError:
        return False
    if proxy is None or not any(sender in network for network in proxy.networks):
        return False
    times = Counter(name for name, _ in pairs)
    names = (proxy.header.lower(), proxy.groups_header.lower())
    return all(times[name] < 2 for name in names) and sends_secret(dict(pairs), settings)


def split_address(address: str) -> SplitResult:
    """The parts of an address; none of what is no address, as a header may be."""
    try:
        return urlsplit(address)
    except ValueError:
        return urlsplit("")
