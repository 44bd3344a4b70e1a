"""Which addresses mean this computer."""

import ipaddress


def is_loopback(host: str | None) -> bool:
    """Whether an address, or a name, means this computer and is reached by no other."""
    if not host:
        return False
    if host.rstrip(".").lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
