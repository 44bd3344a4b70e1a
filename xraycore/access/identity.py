"""From what a sign-in says to who is asking and which roles he has."""

import hmac
import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from xraycore.access.roles import GIVEN, NOBODY, Role, User
from xraycore.access.sign_outs import SignOuts

if TYPE_CHECKING:
    from xraycore.access.settings import RoleTable, Settings

# Clocks of two computers differ.
_SKEW = 120


def user_of_claims(claims: Mapping[str, object], settings: "Settings", sign_outs: SignOuts) -> User:
    """Who has signed in by OpenID Connect; `NOBODY` where nobody has, too long ago, or is out."""
    oidc = settings.oidc
    if oidc is None or claims.get("is_logged_in") is not True:
        return NOBODY
    issued, now = claims.get("iat"), time.time()
    if not isinstance(issued, int | float) or not -_SKEW <= now - issued <= oidc.hours * 3600:
        return NOBODY
    known = claims.get(oidc.user)
    if not isinstance(known, str) or not known.strip():
        return NOBODY
    # Of some providers anyone can give himself any address.
    if oidc.user == "email" and claims.get("email_verified") is not True:
        return NOBODY
    if sign_outs.ended(known, issued):
        return NOBODY
    name = next((str(claims[key]) for key in ("name", "email") if claims.get(key)), known)
    groups = _texts(_nested(claims, settings.roles.claim))
    return User(known, name, _roles_of(known, groups, settings.roles), "sign-in")


def user_of_headers(headers: Mapping[str, str], settings: "Settings") -> User:
    """Whom the proxy has signed in; `NOBODY` where it says nobody.

    Args:
        headers: By names in lower case, of a request whose sender `is_proxy`.
        settings: With the proxy's.
    """
    proxy = settings.proxy
    known = headers.get(proxy.header.lower(), "").strip() if proxy else ""
    if proxy is None or not known:
        return NOBODY
    groups = headers.get(proxy.groups_header.lower(), "") if proxy.groups_header else ""
    listed = [one.strip() for one in groups.split(",")]
    return User(known, known, _roles_of(known, listed, settings.roles), "proxy")


def sends_secret(headers: Mapping[str, str], settings: "Settings") -> bool:
    """Whether a request has the proxy's secret, where there is one."""
    proxy = settings.proxy
    if proxy is None:
        return False
    sent = headers.get(proxy.secret_header.lower(), "")
    return not proxy.secret or hmac.compare_digest(sent.encode(), proxy.secret.encode())


def _roles_of(known: str, groups: Iterable[str], table: "RoleTable") -> frozenset[Role]:
    roles = {*table.everyone, *table.users.get(known, ())}
    for group in groups:
        if table.groups:
            roles.update(table.groups.get(group, ()))
        elif group in GIVEN:
            roles.add(Role(group))
    return frozenset(roles)


def _nested(claims: Mapping[str, object], name: str) -> object:
    if name in claims:
        return claims[name]
    found: object = claims
    for part in name.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def _texts(found: object) -> list[str]:
    if isinstance(found, str):
        return [found]
    return [one for one in found if isinstance(one, str)] if isinstance(found, list) else []
