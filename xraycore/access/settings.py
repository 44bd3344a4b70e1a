"""The settings file: how an app is served to others, and which PACS it may ask."""

import ipaddress
import os
import tomllib
from functools import cached_property
from pathlib import Path
from typing import Annotated, Self, TypeVar
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from xraycore.access.connections import NAME, Connection, NamedConnection
from xraycore.access.roles import GIVEN, Role
from xraycore.config import (
    XRAYCORE_PROXY_SECRET,
    XRAYCORE_SETTINGS,
    cookie_secret,
    oidc_secret,
    proxy_secret,
    settings_file,
)
from xraycore.errors import AccessError

FEWEST_SECRET = 32
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
# Reached from nowhere else: RFC 1918, 6598, 3927, 4193, 4291, and each computer itself.
_OWN: tuple[Network, ...] = tuple(
    ipaddress.ip_network(one)
    for one in (
        *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16"),
        *("127.0.0.0/8", "fc00::/7", "fe80::/10", "::1/128"),
    )
)
# Every address of version 4, as a socket of version 6 has it.
_MAPPED = ipaddress.IPv6Network("::ffff:0:0/96")
# Claims that a person may give himself as he likes, and that another may have too.
_NAMES = ("name", "given_name", "family_name", "nickname")


def _roles(given: object) -> object:
    return [given] if isinstance(given, str) else given


def _given_role(name: object) -> object:
    if name not in GIVEN:
        raise ValueError(f"expected one of the roles {', '.join(GIVEN)}")
    return name


Roles = Annotated[
    tuple[Annotated[Role, BeforeValidator(_given_role)], ...], BeforeValidator(_roles)
]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Oidc(_Table):
    """Sign-in by OpenID Connect.

    Attributes:
        metadata_url: The provider's `…/.well-known/openid-configuration`.
        client_id: Of this app at the provider.
        client_secret: Its secret; by default that of XRAYCORE_OIDC_SECRET.
        cookie_secret: Signs the cookie of those who are signed in; by default that of
            XRAYCORE_COOKIE_SECRET.
        user: The claim that a person is known by for good. `email` counts only where the provider
            says that it is verified.
        hours: How long a sign-in holds.
    """

    metadata_url: str
    client_id: str
    client_secret: str = Field(default_factory=oidc_secret, repr=False, min_length=1)
    cookie_secret: str = Field(default_factory=cookie_secret, repr=False, min_length=FEWEST_SECRET)
    user: str = "sub"
    hours: float = Field(default=12, gt=0, le=24 * 30)

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)

    @field_validator("user")
    @classmethod
    def _known_for_good(cls, claim: str) -> str:
        if claim in _NAMES:
            raise ValueError("expected a claim that no two people have, such as sub")
        return claim


class Proxy(_Table):
    """A proxy that signs people in, and says by a header who is asking.

    Attributes:
        header: That holds who is asking; the proxy must take it out of what a visitor sends.
        addresses: Of the proxy, or networks that are a department's own or small; who comes from
            elsewhere is refused. Where other computers or programs have such an address too, the
            secret is needed.
        groups_header: That holds his groups, with commas between them; "" for none.
        secret: What the proxy must send in `secret_header`; by default that of
            XRAYCORE_PROXY_SECRET. Without one every program of the proxy's computer could say
            that it is the proxy.
        secret_header: See `secret`.
    """

    header: str = Field(min_length=1)
    addresses: tuple[str, ...] = Field(min_length=1)
    groups_header: str = ""
    secret: str = Field(default_factory=proxy_secret, repr=False)
    secret_header: str = "X-Xraycore-Proxy"

    @cached_property
    def networks(self) -> list[Network]:
        """The addresses as networks."""
        return [ipaddress.ip_network(one) for one in self.addresses]

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.secret and len(self.secret) < FEWEST_SECRET:
            raise ValueError(f"a secret needs {FEWEST_SECRET} characters")
        for network in self.networks:
            if not _is_own(network):
                raise ValueError("addresses must be the proxy's, not those of everybody")
            if not self.secret and (network.num_addresses > 1 or network.is_loopback):
                raise ValueError(
                    "where others have the proxy's address too, as all programs of one computer "
                    f"or all computers of a network do, it needs a secret ({XRAYCORE_PROXY_SECRET})"
                )
        return self


def _is_own(network: Network) -> bool:
    """Whether a network is a place's own, or of so few that it may be: not the whole Internet."""
    first, last = network[0], network[-1]
    if any(first in one and last in one for one in _OWN):
        return True
    of_version_4 = network.version == 4 or network.overlaps(_MAPPED)
    return network.max_prefixlen - network.prefixlen <= (8 if of_version_4 else 64)


class RoleTable(_Table):
    """Who has which roles.

    Attributes:
        claim: Of the sign-in, whose values are groups; dots lead into nested claims.
        everyone: What everybody has who is signed in.
        users: By what a person is known by.
        groups: By group; a group called as a role gives that role where none is listed here.
    """

    claim: str = "groups"
    everyone: Roles = ()
    users: dict[str, Roles] = {}
    groups: dict[str, Roles] = {}


def _pacs_name(name: str) -> str:
    if not NAME.fullmatch(name):
        raise ValueError("a connection's name has small letters, digits and hyphens, up to 32")
    return name


Connections = dict[Annotated[str, AfterValidator(_pacs_name)], Connection]


class Settings(_Table):
    """How an app is served to others, and which PACS it asks.

    Attributes:
        url: Where visitors reach it, such as "https://xray.example.org"; "" in a file that says
            nothing of who they are.
        roots: Folders that operators may name data sets in, and that are offered to others.
        oidc: Sign-in by OpenID Connect.
        proxy: Sign-in by a proxy; one of the two.
        roles: Who has which.
        pacs: Connections by name.
    """

    url: str = ""
    roots: tuple[Path, ...] = ()
    oidc: Oidc | None = None
    proxy: Proxy | None = None
    roles: RoleTable = RoleTable()
    pacs: Connections = {}

    @property
    def origin(self) -> str:
        """Scheme and host of `url`, as a browser's Origin header has them."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"

    @model_validator(mode="after")
    def _check(self) -> Self:
        parts = urlsplit(self.url)
        only_pacs = self.pacs and not (self.url or self.oidc or self.proxy or self.roots)
        if not only_pacs and (parts.scheme not in ("http", "https") or not parts.hostname):
            raise ValueError("url must be where visitors reach the app, https://…")
        if self.oidc and self.proxy:
            raise ValueError("name one way to sign in, oidc or proxy, not both")
        for root in self.roots:
            if not root.is_absolute() or not root.is_dir():
                raise ValueError(f"roots must be folders, written out from /. Received: {root}")
            # What the app launches is told them in one line, with this between them.
            if os.pathsep in str(root):
                raise ValueError(f"roots may have no {os.pathsep} in their names. Received: {root}")
            if root.resolve() == Path(root.anchor):
                raise ValueError("roots: / is all of the computer; name the folders of films")
        return self


class _Pacs(BaseModel):
    """What of a settings file is about PACS: the rest may need secrets that only the app has."""

    pacs: Connections = {}


Table = TypeVar("Table", bound=BaseModel)


def read_settings(file: Path) -> Settings:
    """What a settings file says.

    Raises:
        AccessError: If it cannot be read, or an entry is missing, unknown or none that can be;
            no value is told, for it may be a secret.
    """
    return _read(file, Settings)


def read_connections() -> dict[str, NamedConnection]:
    """The PACS that the settings file of `XRAYCORE_SETTINGS` names, by name; {} without one.

    Raises:
        AccessError: See `read_settings`.
    """
    file = settings_file()
    found = _read(file, _Pacs).pacs if file else {}
    return {name: NamedConnection(name=name, to=one) for name, one in found.items()}


def find_connection(name: str) -> NamedConnection:
    """The PACS of that name.

    Raises:
        AccessError: If the settings file names none such, or there is no settings file.
    """
    known = read_connections()
    if name not in known:
        where = settings_file() or f"no file is named in {XRAYCORE_SETTINGS}"
        raise AccessError(
            f"there is no PACS {name!r}: expected a table [pacs.{name}] in the settings ({where}). "
            f"Known: {', '.join(known) or 'none'}."
        )
    return known[name]


def _read(file: Path, table: type[Table]) -> Table:
    try:
        found = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise AccessError(f"{file}: cannot be read ({error.strerror}).") from None
    except ValueError as error:  # Of TOML, and of text that is not UTF-8.
        raise AccessError(f"{file}: expected TOML ({type(error).__name__}).") from None
    try:
        return table.model_validate(found)
    except ValidationError as error:
        faults = error.errors(include_input=False, include_url=False)
        lines = (f"{'.'.join(map(str, one['loc'])) or 'the file'}: {one['msg']}" for one in faults)
        raise AccessError(f"{file}: {'; '.join(lines)}.") from None
