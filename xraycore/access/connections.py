"""Named connections to a PACS, as the settings file has them; credentials are never among them."""

import re
from enum import StrEnum
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, model_validator

from xraycore.access.hosts import is_loopback
from xraycore.config import PacsCredentials, pacs_credentials

NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?")
# PS3.5, 6.2: 16 letters without a backslash, none of them a control character.
AE_TITLE = r"^[\x20-\x5b\x5d-\x7e]{1,16}$"


class Store(StrEnum):
    """How objects are sent to a PACS."""

    STOW = "stow"
    C_STORE = "c-store"


class Connection(BaseModel):
    """A PACS: where it is asked, and where objects are sent.

    Attributes:
        url: Of its DICOMweb services, such as "https://pacs.example.org/dicom-web"; "" for none.
        ca: File with the certificate of who vouches for the server; None for the system's.
        plain_http: Whether credentials and films may go unencrypted to another computer.
        seconds: In which an answer has to have come, from its first byte to its last.
        host: Of its DICOM services, for C-STORE; "" for none.
        port: Of these.
        called_aet: Its application entity title.
        calling_aet: Ours.
        store: How objects are sent; None for STOW-RS where there is a `url`, else C-STORE.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str = ""
    ca: Path | None = None
    plain_http: bool = False
    seconds: float = Field(default=60, gt=0, le=3600)
    host: str = ""
    port: int = Field(default=104, ge=1, le=65535)
    called_aet: str = Field(default="ANY-SCP", pattern=AE_TITLE)
    calling_aet: str = Field(default="XRAYCORE", pattern=AE_TITLE)
    store: Store | None = None

    @property
    def stores_by(self) -> Store:
        """How objects are sent."""
        return self.store or (Store.STOW if self.url else Store.C_STORE)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not self.url and not self.host:
            raise ValueError(
                "name the url of DICOMweb services, the host of DICOM services or both"
            )
        if self.url:
            parts = urlsplit(self.url)
            if parts.scheme not in ("http", "https") or not parts.hostname:
                raise ValueError("url must be https://…")
            if parts.username or parts.password or parts.query or parts.fragment:
                raise ValueError("url holds no credentials and no query: see the environment")
            if parts.scheme == "http" and not (is_loopback(parts.hostname) or self.plain_http):
                raise ValueError(
                    "url must be https://…: films and credentials would go unencrypted to another "
                    "computer, unless plain_http = true"
                )
        if not (self.url if self.stores_by is Store.STOW else self.host):
            needed = "url" if self.stores_by is Store.STOW else "host"
            raise ValueError(f"store = {self.stores_by.value!r} needs a {needed}")
        return self


class NamedConnection(BaseModel):
    """A connection under its name, which the environment's credentials belong to."""

    model_config = ConfigDict(frozen=True)

    name: str
    to: Connection

    @property
    def place(self) -> str:
        """What messages call it: its name and where it is."""
        return f"{self.name} ({self.to.url or f'{self.to.host}:{self.to.port}'})"

    @property
    def dicom_place(self) -> str:
        """Likewise of its DICOM services."""
        return f"{self.name} ({self.to.called_aet} at {self.to.host}:{self.to.port})"

    def credentials(self) -> PacsCredentials:
        """What the environment says for it, read anew each time and kept nowhere."""
        return pacs_credentials(self.name)
