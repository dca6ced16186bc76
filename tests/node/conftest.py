"""A node in this process, who sends to it, and who takes its results."""

from __future__ import annotations

import copy
import gc
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from threading import Thread
from types import SimpleNamespace

import numpy as np
import pytest
from dicom_files import slices_of
from dicom_geometries import PATIENT, grid, phantom_on
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from LungUNetSegLib.measures import LungMeasures
from LungUNetSegLib.node.config import NodeConfig, Peer
from LungUNetSegLib.node.journal import Journal
from LungUNetSegLib.node.node import Node
from LungUNetSegLib.segmentation.result import Segmentation
from LungUNetSegLib.segments import LUNGS
from LungUNetSegLib.volume import Volume

net = pytest.importorskip("pynetdicom")
pytest.importorskip("highdicom")


@pytest.fixture(scope="module", autouse=True)
def nothing_left() -> Iterator[None]:
    """Collect the sockets that pynetdicom leaves where nobody answers, while their warnings are expected."""
    yield
    gc.collect()


PATIENCE_S = 120.0
"""A machine with much else to do takes tens of seconds for what takes one."""


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def wait_for(what: Callable[[], object], seconds: float = PATIENCE_S) -> None:
    """Wait until something is so, or fail."""
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.05)


@pytest.fixture(scope="session")
def study() -> list[Dataset]:
    """A small CT as a PACS has it."""
    return slices_of(phantom_on(grid(20.0, 6.0, (7, 51, 57))).ct, **PATIENT)


def associate(port: int, *, calling: str = "PACS", called: str = "LUNGUNETSEG", **how: object):
    """Open an association for CT images and C-ECHO."""
    entity = net.AE(ae_title=calling)
    entity.add_requested_context("1.2.840.10008.5.1.4.1.1.2")
    entity.add_requested_context("1.2.840.10008.1.1")
    return entity.associate("127.0.0.1", port, ae_title=called, **how)


def send(
    datasets: list[Dataset], port: int, *, calling: str = "PACS", called: str = "LUNGUNETSEG", **how: object
) -> list:
    """Send by C-STORE; return the statuses, None for an association that was not taken."""
    association = associate(port, calling=calling, called=called, **how)
    if not association.is_established:
        return [None]
    statuses = [association.send_c_store(each).get("Status") for each in datasets]
    association.release()
    return statuses


class AirSegmenter:
    """Takes air in the middle of the body for lung, the patient's right half for the right one: no model is needed."""

    model = SimpleNamespace(name="air", sha256="0" * 64)

    def segment(self, volume: Volume) -> Segmentation:
        labels = air_labels(volume)
        halves = {"right": float((labels.array == 1).sum()), "left": float((labels.array == 2).sum())}
        return Segmentation(
            labels=labels, segments=LUNGS, findings=(),
            measures=LungMeasures(volumes_ml=halves, mean_hu={"right": -800.0, "left": -800.0}),
            quality={"confidence": 0.99}, seconds={"segment": 0.1}, engine="air", device="cpu",
        )  # fmt: skip


def new_study(study: list[Dataset], number: int = 1) -> list[Dataset]:
    """The same images as another study, of today."""
    return another(study, number, StudyDate=date.today().strftime("%Y%m%d"))


def another(study: list[Dataset], number: int = 1, **attributes: object) -> list[Dataset]:
    """The same images as another study."""
    copies = [copy.deepcopy(each) for each in study]
    uids = [generate_uid(entropy_srcs=[str(number), kind]) for kind in ("study", "series", "frame")]
    for index, each in enumerate(copies):
        each.StudyInstanceUID, each.SeriesInstanceUID, each.FrameOfReferenceUID = uids
        each.SOPInstanceUID = each.file_meta.MediaStorageSOPInstanceUID = generate_uid(
            entropy_srcs=[str(number), str(index)]
        )
        for keyword, value in attributes.items():
            setattr(each, keyword, value)
    return copies


def air_labels(volume: Volume) -> Volume:
    air = (volume.array < -600) & (volume.array > -1000)
    x = volume.geometry.to_lps(np.indices(volume.array.shape).transpose(1, 2, 3, 0))[..., 0]
    return Volume(np.where(air, np.where(x < 0, 1, 2), 0).astype(np.uint8), volume.geometry)


class Pacs:
    """Takes whatever it is sent, and counts it."""

    def __init__(self) -> None:
        self.taken: list[Dataset] = []
        self.port, self.refuse, self._server = free_port(), 0, None
        self.refusal = 0xA700
        """What it answers as long as it refuses: out of resources, as a full disk does."""
        self.syntaxes: list[str] | None = None
        """The transfer syntaxes that it takes; the uncompressed ones if None."""

    def open(self) -> None:
        entity = net.AE(ae_title="PACS")
        for context in net.AllStoragePresentationContexts:
            entity.add_supported_context(context.abstract_syntax, self.syntaxes)
        self._server = entity.start_server(
            ("127.0.0.1", self.port), block=False, evt_handlers=[(net.evt.EVT_C_STORE, self._take)]
        )

    def close(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server = None

    def _take(self, event) -> int:
        if self.refuse:
            self.refuse -= 1
            return self.refusal
        dataset = event.dataset
        dataset.file_meta = event.file_meta
        self.taken.append(dataset)
        return 0x0000


@pytest.fixture
def pacs() -> Iterator[Pacs]:
    pacs = Pacs()
    pacs.open()
    yield pacs
    pacs.close()


@pytest.fixture
def running(tmp_path: Path):
    """Start a node with these settings in a thread; it is closed at the end of the block."""

    @contextmanager
    def run(**settings: object) -> Iterator[Node]:
        defaults = {"folder": tmp_path / "node", "port": 0, "quiet_s": 0.5}
        if not settings.keys() & {"send_to", "web"}:
            defaults["output"] = tmp_path / "out"
        config = NodeConfig(**defaults | settings)  # type: ignore[arg-type]
        node = Node(config, AirSegmenter(), Journal(tmp_path / "journal.jsonl"))
        thread = Thread(target=node.run)
        thread.start()
        try:
            yield node
        finally:
            node.close()
            thread.join()

    return run


def to(pacs: Pacs) -> Peer:
    return Peer(title="PACS", host="127.0.0.1", port=pacs.port)
