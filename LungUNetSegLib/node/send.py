"""Sends results by C-STORE or DICOMweb to their destination, or writes them as files, until they have arrived."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from pydicom import dcmread

from LungUNetSegLib.errors import WriteError
from LungUNetSegLib.files import replacing
from LungUNetSegLib.node.config import NodeConfig, Peer
from LungUNetSegLib.node.journal import Journal
from LungUNetSegLib.node.receive import NETWORK_TIMEOUT_S, pynetdicom
from LungUNetSegLib.node.store import Store
from LungUNetSegLib.node.web import OUT_OF_RESOURCES, WebError, WebPacs

IMPLICIT_VR_LITTLE_ENDIAN = "1.2.840.10008.1.2"
SUCCESS, DUPLICATE, WARNING = 0x0000, 0x0111, 0xB
"""Status of C-STORE (PS3.7 annex C) by which an object is stored: now; before, as it has the same identifier only if it
is the same; and the first digit of those that say so with a remark."""

FIRST_WAIT_S, LONGEST_WAIT_S = 2.0, 600.0
MOST_REFUSALS = 20
"""After this many refusals an object is not sent again; a destination that is full or silent is tried for ever."""


class NotSentError(Exception):
    """Results have not arrived: the destination does not answer, or refused one."""

    def __init__(self, message: str, *, refused: bool) -> None:
        super().__init__(message)
        self.refused = refused


class Sender:
    """Sends what is in a store's outbox; `step` is called repeatedly."""

    def __init__(self, config: NodeConfig, store: Store, journal: Journal) -> None:
        self._config, self._store, self._journal = config, store, journal
        self._web = WebPacs(config.web.url) if config.web else None
        self._tries: dict[str, tuple[int, float]] = {}
        self._refusals: dict[str, int] = {}

    def step(self) -> None:
        """Try to send each job whose waiting time is over."""
        for folder in self._store.outbox():
            tries, when = self._tries.get(folder.name, (0, 0.0))
            if time.monotonic() < when:
                continue
            try:
                self._deliver(folder)
            except Exception as error:  # such as a full disk or a damaged file; it must not keep the others waiting
                self._failed(folder.name, tries + 1, error)
            else:
                self._tries.pop(folder.name, None)
                self._journal.write("sent", job=folder.name)

    def _deliver(self, folder: Path) -> None:
        files = sorted(folder.glob("*.dcm"))
        if self._config.send_to is not None:
            send(files, self._config.send_to, self._config.title)
        elif self._config.output is None:
            assert self._web is not None
            store(files, self._web)
        else:
            self._config.output.mkdir(parents=True, exist_ok=True)
            for file in files:
                with replacing(self._config.output / f"{folder.name}.{file.name}", ".dcm") as draft:
                    shutil.copyfile(file, draft)
        self._store.sent(folder.name, {"job": folder.name, "objects": [file.name for file in files]})

    def _failed(self, job: str, tries: int, error: Exception) -> None:
        refused = isinstance(error, NotSentError) and error.refused
        self._refusals[job] = self._refusals.get(job, 0) + refused
        self._journal.write("not-sent", job=job, tries=tries, reason=_reason(error))
        if self._refusals[job] >= MOST_REFUSALS:
            del self._refusals[job]  # somebody may move it back
            self._store.fail("outbox", job, str(error))
            self._journal.write("failed", job=job, reason=str(error))
            return
        wait_s = min(FIRST_WAIT_S * 2 ** min(tries - 1, 16), LONGEST_WAIT_S)
        self._tries[job] = (tries, time.monotonic() + wait_s)


def _reason(error: Exception) -> str:
    """Return an error's message; of an unexpected one its kind, as its text may hold values of the file."""
    return str(error) if isinstance(error, (NotSentError, OSError, WriteError)) else type(error).__name__


def send(files: list[Path], peer: Peer, title: str) -> None:
    """Send DICOM files in one association.

    Raises:
        NotSentError: The destination does not answer, or did not accept one of them.
    """
    datasets = [dcmread(file) for file in files]
    entity = pynetdicom().AE(ae_title=title)
    entity.network_timeout = entity.acse_timeout = entity.dimse_timeout = NETWORK_TIMEOUT_S
    entity.connection_timeout = NETWORK_TIMEOUT_S
    for dataset in datasets:
        # Each application takes the implicit syntax (PS3.5 10.1), and some nothing else; pynetdicom converts.
        syntaxes = [dataset.file_meta.TransferSyntaxUID, IMPLICIT_VR_LITTLE_ENDIAN]
        entity.add_requested_context(dataset.SOPClassUID, syntaxes)
    place = f"{peer.title} at {peer.host}:{peer.port}"
    try:
        association = entity.associate(peer.host, peer.port, ae_title=peer.title)
    except OSError as error:  # a name that no server knows
        raise NotSentError(f"{place} cannot be reached: {error.strerror or error}", refused=False) from error
    if association.is_rejected:
        raise NotSentError(f"{place} rejects {title}: {association.acceptor.primitive.reason_str}", refused=False)
    if not association.is_established:
        raise NotSentError(f"{place} does not answer, or accepts no association", refused=False)
    try:
        for dataset in datasets:
            try:
                status = association.send_c_store(dataset)
            except ValueError as error:
                raise NotSentError(f"{place} takes no {dataset.Modality}: {error}", refused=True) from error
            except RuntimeError as error:  # the association broke off after the object before
                raise NotSentError(f"{place} went away", refused=False) from error
            if "Status" not in status:
                raise NotSentError(f"{place} went away", refused=False)
            if status.Status not in (SUCCESS, DUPLICATE) and status.Status >> 12 != WARNING:
                refused = status.Status >> 8 != OUT_OF_RESOURCES
                raise NotSentError(f"{place} refused {dataset.Modality} with {status.Status:04X}H", refused=refused)
    finally:
        association.release()


def store(files: list[Path], pacs: WebPacs) -> None:
    """Store DICOM files by DICOMweb.

    Raises:
        NotSentError: The server does not answer, or did not accept one of them.
    """
    for file in files:
        try:
            pacs.store(dcmread(file))
        except WebError as error:
            raise NotSentError(f"The PACS did not take {file.stem}: {error}", refused=error.is_refusal) from error
