"""DICOM's own services: C-ECHO asks whether somebody answers, C-STORE sends objects."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pydicom.dataset import Dataset
from pydicom.uid import UID

from xraycore.access.connections import NamedConnection, Store
from xraycore.errors import ArgumentError, PacsError

if TYPE_CHECKING:
    from pynetdicom.association import Association
    from pynetdicom.events import Event

# What is wrong is raised, in one line.
logging.getLogger("pynetdicom").setLevel(logging.CRITICAL)
VERIFICATION = UID("1.2.840.10008.1.1")
_CONNECT_SECONDS = 10


def echo(connection: NamedConnection) -> None:
    """Asks whether it answers.

    Raises:
        PacsError: If it does not.
    """
    with _association(connection, [(VERIFICATION, None)], "a C-ECHO") as association:
        _check(connection, "a C-ECHO", association.send_c_echo())


def send(connection: NamedConnection, objects: Sequence[Dataset]) -> None:
    """Sends objects by C-STORE, in one association.

    Raises:
        PacsError: If one is not stored; those before it are.
    """
    # Each with the encoding that it has: nothing is encoded anew.
    kinds = {(UID(one.SOPClassUID), one.file_meta.TransferSyntaxUID) for one in objects}
    with _association(connection, sorted(kinds), "storing objects") as association:
        for one in objects:
            what = f"storing object {one.SOPInstanceUID}"
            try:
                said = association.send_c_store(one)
            except ValueError:
                came = "no consent to that kind of object, or to its encoding"
                raise _refusal(connection, what, came) from None
            except RuntimeError:
                raise _refusal(connection, what, "the end of the connection") from None
            _check(connection, what, said)


def store_objects(connection: NamedConnection, objects: Sequence[Dataset]) -> None:
    """Sends objects to a PACS in the way that its connection says.

    Raises:
        PacsError: If one is not stored; those before it are.
    """
    if connection.to.stores_by is Store.C_STORE:
        send(connection, objects)
        return
    from xraycore.pacs.dicomweb import DicomWeb

    DicomWeb(connection).store(objects)


@contextmanager
def _association(
    connection: NamedConnection, kinds: Sequence[tuple[UID, UID | None]], what: str
) -> Iterator["Association"]:
    from pynetdicom import AE, evt

    to = connection.to
    if not to.host:
        raise ArgumentError(
            f"{connection.name}: expected a PACS with the host of DICOM services; the settings "
            "name none for it."
        )
    entity = AE(ae_title=to.calling_aet)
    entity.connection_timeout = entity.acse_timeout = min(_CONNECT_SECONDS, to.seconds)
    entity.dimse_timeout = entity.network_timeout = to.seconds
    for kind, syntax in kinds:
        entity.add_requested_context(kind, syntax)
    sockets: list[Any] = []

    def keep(event: "Event") -> None:
        opened: Any = event.assoc.dul.socket
        sockets.append(opened.socket)

    association = entity.associate(
        to.host, to.port, ae_title=to.called_aet, evt_handlers=[(evt.EVT_CONN_OPEN, keep)]
    )
    try:
        yield _established(association, connection, what)
    finally:
        association.release()
        for one in sockets:
            # pynetdicom leaves one open that the other side has closed.
            one.close()


def _established(
    association: "Association", connection: NamedConnection, what: str
) -> "Association":
    if not association.is_established:
        refused = getattr(association.acceptor.primitive, "reason_str", "no reason")
        raise _refusal(
            connection,
            what,
            f"a refusal ({refused})"
            if association.is_rejected
            else "no connection: nobody listens there, or it was broken off",
        )
    return association


def _check(connection: NamedConnection, what: str, said: Dataset) -> None:
    status = said.get("Status")
    if status is None:
        raise _refusal(connection, what, f"no answer within {connection.to.seconds:g} s")
    # 0xBnnn: stored, with a remark.
    if status and status >> 12 != 0xB:
        raise _refusal(connection, what, f"status {status:04X}h")


def _refusal(connection: NamedConnection, what: str, came: str) -> PacsError:
    return PacsError(f"{connection.dicom_place}: asked for {what}; received {came}.")
