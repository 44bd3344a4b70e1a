"""The films of an address, each by its own, and what is in them."""

from collections.abc import Iterator
from functools import lru_cache

from xraycore.access.connections import NamedConnection
from xraycore.access.settings import find_connection
from xraycore.errors import PacsError
from xraycore.pacs.address import Address
from xraycore.pacs.dicomweb import DicomWeb


def list_films(address: Address) -> Iterator[Address]:
    """The address of each film that an address means: of one, of a study's, of a query's.

    Of a query of any length, one study after the other.

    Raises:
        AccessError: If the settings name no such PACS.
        PacsError: If it does not answer, or has no film of the study that is named.
    """
    if address.instance:
        yield address
        return
    pacs = open_pacs(address.connection)
    if address.study:
        films = pacs.films(address.study, address.series)
        if not films:
            raise PacsError(
                f"{pacs.connection.place}: asked for the films of study {address.study}; received "
                "no projection radiograph."
            )
        yield from films
    else:
        for study in pacs.studies(address.query):
            yield from pacs.films(study.uid)


def fetch_film(address: Address) -> bytes:
    """The file of one film.

    Raises:
        RadiographError: If that one cannot be had.
        AccessError, PacsError: See `list_films`.
    """
    return open_pacs(address.connection).fetch(address)


def open_pacs(name: str) -> DicomWeb:
    """The PACS of that name; its connections stay open from film to film.

    Raises:
        AccessError: If the settings name none such.
    """
    return _open(find_connection(name))


@lru_cache(maxsize=8)
def _open(connection: NamedConnection) -> DicomWeb:
    return DicomWeb(connection)
