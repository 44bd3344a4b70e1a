"""Films that a PACS or a device sends by C-STORE: each is on the disk before it is acknowledged."""

import logging
import socket
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pydicom.uid import (
    AllTransferSyntaxes,
    ComputedRadiographyImageStorage,
    DigitalXRayImageStorageForPresentation,
)

from xraycore.errors import StorageError
from xraycore.imaging.decoding import MAX_BYTES
from xraycore.pacs.address import is_uid
from xraycore.pacs.dimse import VERIFICATION
from xraycore.pacs.spool import Spool

if TYPE_CHECKING:
    from pynetdicom.association import Association
    from pynetdicom.events import Event
    from pynetdicom.transport import ThreadedAssociationServer

logger = logging.getLogger(__name__)
# Not Secondary Captures: what xraycore writes back, and a PACS may send on, is of that kind.
ACCEPTED = (ComputedRadiographyImageStorage, DigitalXRayImageStorageForPresentation)
# Connections at once, also of who says nothing, and films that they may have in memory together.
MOST_SENDERS, MOST_FILMS = 16, 4
_SECONDS, _SECONDS_TO_BEGIN = 60, 5
# A PDU is announced with its length, up to 4 GB; ours are told to be far shorter.
_MAX_PDU = 2**20
_SUCCESS, _NO_ROOM, _NOT_UNDERSTOOD = 0x0000, 0xA700, 0xC000


class Listener:
    """Takes films of known senders into a spool.

    An AE title is a name that anybody can say: it keeps mistakes out, and nobody who means harm.
    """

    def __init__(
        self,
        spool: Spool,
        *,
        address: str = "127.0.0.1",
        port: int = 11112,
        title: str = "XRAYCORE",
        senders: tuple[str, ...],
        notify: Callable[[], object] = lambda: None,
    ):
        """Is made, and listens once it is started.

        Args:
            spool: Where films go.
            address: To listen at.
            port: Likewise; 0 for a free one.
            title: Our application entity title; who asks for another is refused.
            senders: Titles of those whose films are taken.
            notify: Called when a film has come.
        """
        from pynetdicom import AE

        self.spool, self.place, self.notify = spool, (address, port), notify
        self._entity = AE(ae_title=title)
        self._entity.require_called_aet = True
        self._entity.require_calling_aet = list(senders)
        self._entity.maximum_associations = MOST_SENDERS
        self._entity.maximum_pdu_size = 2**16
        # Who connects and does not say who he is takes a place for so long, even if he has gone.
        self._entity.acse_timeout = _SECONDS_TO_BEGIN
        self._entity.dimse_timeout = self._entity.network_timeout = _SECONDS
        self._entity.add_supported_context(VERIFICATION)
        for kind in ACCEPTED:
            self._entity.add_supported_context(kind, AllTransferSyntaxes)
        self._server: ThreadedAssociationServer | None = None
        self._connections: list[tuple[Association, Any, socket.socket]] = []
        self._counting = threading.Lock()

    def start(self) -> int:
        """Listens from now on, in threads of its own; gives the port.

        Raises:
            OSError: If somebody else listens there.
        """
        from pynetdicom import evt

        handlers: list[Any] = [(evt.EVT_C_STORE, self._take), (evt.EVT_CONN_OPEN, self._bound)]
        self._server = self._entity.start_server(self.place, block=False, evt_handlers=handlers)
        assert self._server is not None
        return int(self._server.server_address[1])

    def stop(self) -> None:
        """Listens no more; what is being sent is not acknowledged, and is sent again."""
        if self._server is not None:
            self._server.shutdown()
            self._entity.shutdown()
            self._server = None
            self._close_ended(all_of_them=True)

    def _take(self, event: "Event") -> int:
        """Handles a C-STORE: success means that the film is on the disk."""
        connection: Any = event.assoc.dul.socket
        connection.taken = 0
        instance = str(getattr(event.request, "AffectedSOPInstanceUID", None) or "")
        if not is_uid(instance):
            return _NOT_UNDERSTOOD
        try:
            data = event.encoded_dataset()
            if len(data) > MAX_BYTES:
                return _NOT_UNDERSTOOD
            self.spool.receive(instance, data)
        except StorageError as error:
            # Who sends it tries again later.
            logger.warning("%s", error)
            return _NO_ROOM
        except OSError as error:
            logger.error("a film could not be kept: %s", error)
            return _NO_ROOM
        self.notify()
        return _SUCCESS

    def _bound(self, event: "Event") -> None:
        """Ends a connection that announces, or sends, more than a film may have.

        pynetdicom keeps what comes in memory until a message is whole, however long that gets.
        """
        connection: Any = event.assoc.dul.socket
        receive = connection.recv
        connection.taken = 0
        self._close_ended()
        with self._counting:
            self._connections.append((event.assoc, connection, connection.socket))

        def bounded(size: int) -> bytearray:
            connection.taken += size
            with self._counting:
                together = sum(one.taken for _, one, _ in self._connections)
            if (
                size > _MAX_PDU
                or connection.taken > MAX_BYTES + _MAX_PDU
                or together > MOST_FILMS * (MAX_BYTES + _MAX_PDU)
            ):
                connection.taken = 0
                logger.warning("a sender was cut off: more bytes than a film may have")
                raise OSError("too many bytes")
            return receive(size)

        connection.recv = bounded

    def _close_ended(self, *, all_of_them: bool = False) -> None:
        """Closes sockets: pynetdicom leaves that of who went without a word."""
        with self._counting:
            kept = []
            for association, connection, raw in self._connections:
                # One that has no number has not begun.
                ended = association.ident is not None and not association.is_alive()
                if not (ended or all_of_them):
                    kept.append((association, connection, raw))
                else:
                    raw.close()
            self._connections = kept
