"""HTTP as a PACS is asked by it: an answer is read within bounds, and goes nowhere else."""

import logging
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from json import JSONDecodeError
from typing import Any, NoReturn

import requests
from pydicom.errors import InvalidDicomError
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase

from xraycore.access.connections import NamedConnection
from xraycore.config import pacs_variables
from xraycore.errors import AccessError, PacsError, XrayCoreError
from xraycore.imaging.decoding import MAX_BYTES

# They write the trace of an error, and what a server says, to the log: credentials and patients may
# be in it. What is wrong is raised.
for library in ("retrying", "dicomweb_client", "urllib3"):
    logging.getLogger(library).setLevel(logging.ERROR)
# Of one answer: a film as large as may be read, and what is around it.
MAX_ANSWER = MAX_BYTES + 2**20
# Of a list: read as JSON it takes many times its size.
MAX_LIST = 16 * 2**20
_PIECE = 2**16
_CONNECT_SECONDS = 10
_UNAUTHORIZED, _FORBIDDEN = 401, 403
_NO_FORM = (ValueError, KeyError, TypeError, AttributeError, IndexError, InvalidDicomError)


class _TooMuch(Exception):
    """An answer beyond its bounds; the text says which."""


class _Redirected(Exception):
    """An answer that sends on to another address."""


class _FromEnvironment(AuthBase):
    """Credentials as the environment has them when something is asked; they are kept nowhere."""

    def __init__(self, connection: NamedConnection):
        self.connection = connection

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        known = self.connection.credentials()
        if known.token:
            if not (known.token.isascii() and known.token.isprintable()):
                # Whoever builds the request would repeat it in the error.
                raise AccessError(
                    f"{pacs_variables(self.connection.name)}_TOKEN: expected printable ASCII."
                )
            request.headers["Authorization"] = f"Bearer {known.token}"
        elif known.user:
            token = b64encode(f"{known.user}:{known.password}".encode()).decode()
            request.headers["Authorization"] = f"Basic {token}"
        return request


class _Bounded(HTTPAdapter):
    """Reads each answer whole, up to `MAX_ANSWER` or `MAX_LIST` bytes and within its seconds."""

    def __init__(self, seconds: float):
        super().__init__()
        self.seconds = seconds

    def send(self, request: requests.PreparedRequest, **how: Any) -> requests.Response:  # type: ignore[override]
        until = time.monotonic() + self.seconds
        how |= {"stream": True, "timeout": (min(_CONNECT_SECONDS, self.seconds), self.seconds)}
        response = super().send(request, **how)
        try:
            if response.is_redirect:
                # It would get the credentials, and could be any address that we reach.
                raise _Redirected
            most = MAX_LIST if "json" in request.headers.get("Accept", "") else MAX_ANSWER
            response._content = self._read(response, until, most)
        finally:
            response.close()
        response._content_consumed = True
        return response

    def _read(self, response: requests.Response, until: float, most: int) -> bytes:
        found = bytearray()
        # Not more at once than has come: else who sends a byte a second is never found out.
        while piece := response.raw.read1(_PIECE, decode_content=True):
            found += piece
            if len(found) > most:
                raise _TooMuch(f"more than {most / 2**20:.0f} MiB")
            if time.monotonic() > until:
                raise requests.ReadTimeout
        return bytes(found)


def open_session(connection: NamedConnection) -> requests.Session:
    """A session with the connection's credentials and bounds; nothing of the system's `.netrc`."""
    session = requests.Session()
    session.trust_env = False
    session.verify = str(connection.to.ca) if connection.to.ca else True
    session.headers["Accept"] = "application/dicom+json"
    session.auth = _FromEnvironment(connection)
    for scheme in ("http://", "https://"):
        session.mount(scheme, _Bounded(connection.to.seconds))
    return session


@contextmanager
def errors_of(connection: NamedConnection, asked: str) -> Iterator[None]:
    """Turns what goes wrong into a `PacsError` that names the server, what was asked, what came.

    Of what the server says nothing is repeated: it may hold a patient's name.
    """

    def refuse(came: str) -> NoReturn:
        raise PacsError(f"{connection.place}: asked for {asked}; received {came}.") from None

    try:
        yield
    except requests.HTTPError as error:
        refuse(_describe_status(connection.name, error.response))
    except requests.Timeout:
        refuse(f"no whole answer within {connection.to.seconds:g} s")
    except requests.exceptions.SSLError:
        refuse("a certificate that nobody vouches for; name its authority as `ca` in the settings")
    except requests.ConnectionError:
        refuse("no connection: nobody listens there, or it was broken off")
    except _TooMuch as error:
        refuse(str(error))
    except _Redirected:
        refuse("another address to go to, which is not followed: name that one in the settings")
    except (requests.RequestException, JSONDecodeError, RecursionError) as error:
        refuse(f"an answer that cannot be read ({type(error).__name__})")
    except XrayCoreError:
        raise
    except _NO_FORM as error:
        refuse(f"an answer of another form ({type(error).__name__})")


def _describe_status(name: str, response: requests.Response | None) -> str:
    status = response.status_code if response is not None else 0
    if status in (_UNAUTHORIZED, _FORBIDDEN):
        stem = pacs_variables(name)
        return (
            f"status {status}: these credentials are refused. They are {stem}_USER with "
            f"{stem}_PASSWORD, or {stem}_TOKEN, in the environment"
        )
    return f"status {status}"
