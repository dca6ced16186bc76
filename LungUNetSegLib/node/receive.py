"""Answers C-ECHO and C-STORE of CT images from allowed senders; images are on disk before they are confirmed."""

from __future__ import annotations

import re
import ssl
import threading
import uuid
from collections.abc import Callable
from io import BytesIO
from typing import Any, cast

from pydicom import dcmread

from LungUNetSegLib.errors import ConfigError
from LungUNetSegLib.io.dicom.kinds import MULTI_FRAME_CT, SINGLE_FRAME_CT
from LungUNetSegLib.machine import import_extra
from LungUNetSegLib.node.config import NodeConfig, Tls
from LungUNetSegLib.node.journal import Journal
from LungUNetSegLib.node.store import FullError, Store

SUCCESS, OUT_OF_RESOURCES, CANNOT_UNDERSTAND = 0x0000, 0xA700, 0xC000
"""Status of C-STORE (PS3.4 B.2.3)."""

ECHO = "1.2.840.10008.1.1"
TRANSFER_SYNTAXES = (
    *("1.2.840.10008.1.2.1", "1.2.840.10008.1.2", "1.2.840.10008.1.2.2"),
    *("1.2.840.10008.1.2.4.70", "1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.90"),
    "1.2.840.10008.1.2.5",
)
"""The lossless syntaxes that the reader can decode: uncompressed, JPEG lossless, JPEG-LS, JPEG 2000, RLE. Deflated
objects are not accepted, since a few bytes may unpack to any size before their header can be read."""

PDU_BYTES = 1 << 17
"""Size of the parts (PDUs) in which senders may split an object (PS3.8 D.1): the largest that dcmtk makes, as each part
takes time."""

MOST_PDU_BYTES = 1 << 20
"""A larger part ends its connection; senders may go beyond `PDU_BYTES` by this much."""

MOST_ASSOCIATIONS = 16
MOST_COMING = 2
"""All associations together may hold this many times the size limit of one object in memory."""

NETWORK_TIMEOUT_S = 60
_UID = re.compile(r"[0-9.]{1,64}")


def pynetdicom() -> Any:
    """Return the package pynetdicom.

    Raises:
        MissingDependencyError: It is not installed.
    """
    return import_extra("pynetdicom", "A DICOM node needs pynetdicom", "node")


class Receiver:
    """A DICOM server that fills a store; `stop` ends it.

    Args:
        config: Settings of the node: address, allowed senders, limits.
        store: Receives the objects.
        journal: Records what happens.
        on_end: Called with the names of the studies whose association ended regularly.

    Raises:
        ConfigError: The port is taken, or a certificate cannot be read.
    """

    def __init__(self, config: NodeConfig, store: Store, journal: Journal, on_end: Callable[[list[str]], None]) -> None:
        net = pynetdicom()
        self._config, self._store, self._journal, self._on_end = config, store, journal, on_end
        self._coming: dict[str, int] = {}
        self._lock = threading.Lock()
        entity = net.AE(ae_title=config.title)
        entity.maximum_associations = MOST_ASSOCIATIONS
        entity.maximum_pdu_size = PDU_BYTES
        entity.network_timeout = entity.acse_timeout = entity.dimse_timeout = NETWORK_TIMEOUT_S
        entity.require_called_aet = True
        entity.require_calling_aet = list(config.titles)
        entity.add_supported_context(ECHO)
        for sop_class in (SINGLE_FRAME_CT, *MULTI_FRAME_CT):
            entity.add_supported_context(sop_class, list(TRANSFER_SYNTAXES))
        event = net.evt
        handlers = [
            (event.EVT_CONN_OPEN, _opened),
            (event.EVT_REQUESTED, self._requested),
            (event.EVT_REJECTED, self._rejected),
            (event.EVT_ACCEPTED, self._accepted),
            (event.EVT_C_ECHO, lambda _: SUCCESS),
            (event.EVT_C_STORE, self._store_object),
            (event.EVT_PDU_RECV, self._count),
            (event.EVT_DIMSE_RECV, lambda each: self._forget(_key(each))),
            (event.EVT_RELEASED, lambda each: self._ended(each, in_order=True)),
            (event.EVT_ABORTED, lambda each: self._ended(each, in_order=False)),
            (event.EVT_CONN_CLOSE, self._closed),
        ]
        try:
            self._server = entity.start_server(
                (config.host, config.port),
                block=False,
                evt_handlers=handlers,
                ssl_context=_context(config.tls) if config.tls else None,
            )
        except OSError as error:
            raise ConfigError(
                f"The node cannot listen at {config.host}, port {config.port}: {error.strerror or error}."
            ) from error

    @property
    def port(self) -> int:
        """The port at which it listens."""
        return int(self._server.socket.getsockname()[1])

    def stop(self) -> None:
        """Accept nothing more; open associations are aborted, which their senders notice."""
        self._server.shutdown()

    def _requested(self, event: Any) -> None:
        address = event.assoc.requestor.address
        if self._config.hears(address):
            return
        self._refuse(event, "the address is not allowed")
        event.assoc.acse.send_reject(0x01, 0x01, 0x03)  # permanent, by the user, calling AE title not recognised
        event.assoc.kill()

    def _rejected(self, event: Any) -> None:
        """Record why pynetdicom has rejected an association: a sender's log seldom says."""
        called = event.assoc.requestor.primitive.called_ae_title
        if called != self._config.title.strip():
            self._refuse(event, f"it called {called}, and this node is {self._config.title.strip()}")
        elif self._config.titles and event.assoc.requestor.ae_title not in map(str.strip, self._config.titles):
            self._refuse(event, "the AE title is not allowed")
        else:
            self._refuse(event, f"there are {MOST_ASSOCIATIONS} associations already")

    def _accepted(self, event: Any) -> None:
        """Record that a sender offers nothing that the node takes; it can send nothing then."""
        accepted = {each.abstract_syntax for each in event.assoc.accepted_contexts}
        if event.assoc.rejected_contexts and accepted <= {ECHO}:
            self._refuse(event, "it offers no CT in a transfer syntax that this node takes")

    def _refuse(self, event: Any, reason: str) -> None:
        sender = event.assoc.requestor
        title = sender.ae_title or sender.primitive.calling_ae_title
        self._journal.write("refused", address=sender.address, title=title, reason=reason)

    def _count(self, event: Any) -> None:
        """Abort an association whose object is too large: objects are in memory while they are received."""
        with self._lock:
            key = _key(event)
            self._coming[key] = self._coming.get(key, 0) + len(event.pdu)
            is_too_much = sum(self._coming.values()) > MOST_COMING * self._config.most_object_bytes
        if is_too_much:
            self._forget(key)
            self._journal.write("too-large", address=event.assoc.requestor.address)
            event.assoc.abort()

    def _forget(self, key: str) -> None:
        with self._lock:
            self._coming.pop(key, None)

    def _store_object(self, event: Any) -> int:
        try:
            content = event.encoded_dataset()
            if len(content) > self._config.most_object_bytes:
                self._journal.write("too-large", bytes=len(content))
                return OUT_OF_RESOURCES
            wanted = ["StudyInstanceUID", "SOPInstanceUID"]
            header = dcmread(BytesIO(content), stop_before_pixels=True, specific_tags=wanted)
            study, instance = str(header.StudyInstanceUID), str(header.SOPInstanceUID)
            if not (_UID.fullmatch(study) and _UID.fullmatch(instance)):
                raise ValueError("invalid identifiers")
        except Exception as error:  # a malicious or damaged object may raise nearly any error
            self._journal.write("not-understood", reason=type(error).__name__)
            return CANNOT_UNDERSTAND
        try:
            self._store.add(_key(event), study, instance, content)
        except (FullError, OSError) as error:
            self._journal.write("no-room", reason=str(error))
            return OUT_OF_RESOURCES
        return SUCCESS

    def _closed(self, event: Any) -> None:
        """End an association whose thread has died; a living one knows, a moment later, in which way it ended."""
        if not event.assoc.is_alive():
            self._ended(event, in_order=False)

    def _ended(self, event: Any, *, in_order: bool) -> None:
        self._forget(_key(event))
        studies = self._store.ended(_key(event), in_order=in_order)
        if studies and not in_order:
            self._journal.write("broken-off", studies=studies)
        elif studies:
            self._on_end(studies)


def _key(event: Any) -> str:
    """Return a name of an association that is unique over all runs."""
    association = event.assoc
    if not hasattr(association, "lungunetseg_key"):
        association.lungunetseg_key = uuid.uuid4().hex
    return str(association.lungunetseg_key)


def _opened(event: Any) -> None:
    """Limit what a connection reads at once; ask a sender that is silent for long to end its association."""
    _limit(event.assoc.dul.socket)
    # One that keeps associations open between studies agrees, so that its study is complete; one that hangs does not.
    event.assoc.network_timeout_response = "A-RELEASE"


def _limit(connection: Any) -> None:
    """Let a connection read no more than `MOST_PDU_BYTES` at once, whatever length is announced."""
    read = connection.recv

    def read_limited(size: int) -> bytearray:
        if size > MOST_PDU_BYTES:
            raise OSError(f"a part of {size} bytes is announced")
        return cast(bytearray, read(size))

    connection.recv = read_limited


class _LateHandshake(ssl.SSLContext):
    """Begins encryption when a connection is first read from, in its own thread.

    pynetdicom 3.0 does so in the thread that accepts connections: one that sends nothing would block all others.
    """

    def wrap_socket(self, *arguments: Any, **options: Any) -> ssl.SSLSocket:
        """Return the encrypted side of a connection."""
        return super().wrap_socket(*arguments, **options | {"do_handshake_on_connect": False})


def _context(tls: Tls) -> ssl.SSLContext:
    context = _LateHandshake(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(tls.certificate, tls.key)
        if tls.clients is not None:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(tls.clients)
    except OSError as error:
        raise ConfigError(f"{tls.certificate}: the certificate or its key cannot be used: {error}.") from error
    return context
