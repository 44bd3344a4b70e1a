"""How an app tells who is asking, decided once when it starts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from xraycore.access.hosts import is_loopback
from xraycore.access.identity import user_of_claims, user_of_headers
from xraycore.access.roles import NOBODY, Role, User
from xraycore.access.sign_outs import SignOuts
from xraycore.errors import AccessError

if TYPE_CHECKING:
    from xraycore.access.settings import Settings

OPEN_WORD = "--open-to-everybody"


class Mode(StrEnum):
    """Ways to tell who is asking."""

    LOCAL = "local"
    OIDC = "oidc"
    PROXY = "proxy"
    OPEN = "open"


@dataclass(frozen=True)
class Access:
    """How this app tells who is asking.

    Attributes:
        mode: In which way.
        settings: Those of the file; None where there is none.
        sign_outs: Who has signed out.
    """

    mode: Mode
    settings: "Settings | None" = None
    sign_outs: SignOuts = field(default_factory=SignOuts, compare=False)

    @property
    def served(self) -> bool:
        """Whether others than the one user of the computer may reach it."""
        return self.mode is not Mode.LOCAL

    def user(
        self,
        claims: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        link: bool = False,
    ) -> User:
        """Who is asking; `NOBODY` where that is not known.

        Args:
            claims: Of the sign-in, where the app does it.
            headers: Of the request, by names in lower case, where a proxy does it.
            link: Whether the request names a reader's link.
        """
        if self.mode is Mode.LOCAL:
            return User("", "You", frozenset({Role.LOCAL}), "this computer")
        if self.mode is Mode.OPEN or self.settings is None:
            return User("", "Visitor", frozenset({Role.ANYBODY}), "nothing")
        if self.mode is Mode.OIDC:
            user = user_of_claims(claims or {}, self.settings, self.sign_outs)
        else:
            user = user_of_headers(headers or {}, self.settings)
        if user is NOBODY and link:
            return User("", "Reader by link", frozenset({Role.INVITED}), "link")
        return user


def decide_access(
    address: str | None, settings: "Settings | None", *, open_to_everybody: bool
) -> Access:
    """How an app that listens at an address tells who is asking.

    Args:
        address: That it listens at; None or "" for every interface.
        settings: Those of the file; None where there is none.
        open_to_everybody: Whether that was said in so many words.

    Raises:
        AccessError: If others may reach it and nothing says how they are told apart.
    """
    signs_in = settings and (settings.oidc or settings.proxy)
    if open_to_everybody:
        if signs_in:
            raise AccessError(f"{OPEN_WORD} and a way to sign in: expected one of the two.")
        # A file that names no address of the app says nothing of which requests are its own.
        return Access(Mode.OPEN, settings if settings and settings.url else None)
    if settings and settings.oidc:
        return Access(Mode.OIDC, settings)
    if settings and settings.proxy:
        return Access(Mode.PROXY, settings)
    if is_loopback(address):
        return Access(Mode.LOCAL, settings)
    raise AccessError(
        f"xraycore would listen at {address or 'every interface'}, where others can reach it, and "
        "nothing says how it is to tell them apart. Name a sign-in in a settings file "
        "(xraycore serve --settings FILE: OpenID Connect, or a proxy that signs in), or say "
        f"xraycore serve {OPEN_WORD}, which takes away all that writes, or leave the address at "
        "127.0.0.1. See Serving it to a department in the documentation."
    )
