"""Too many studies, a sender that never stops, a full disk, hostile objects: a clear answer, and the node lives."""

from __future__ import annotations

import copy
import errno
import json
import os
import shutil
import socket
import struct
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Event
from types import SimpleNamespace

import pytest
from node.conftest import PATIENCE_S, Pacs, another, associate, send, to, wait_for
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from LungUNetSegLib.errors import WriteError
from LungUNetSegLib.node import node as node_module
from LungUNetSegLib.node import store as store_module

# pynetdicom 3.0 leaves its socket to the garbage collector where nobody answers.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")

TAKEN, NO_ROOM, NOT_UNDERSTOOD = 0x0000, 0xA700, 0xC000


def reasons(node) -> str:
    return json.dumps(list(node.journal.recent))


def test_no_more_than_may_wait(study: list[Dataset], running, tmp_path: Path) -> None:
    """Three studies in three associations at once, of which two have room; the third is told so and comes later."""
    studies, gate = [another(study, number) for number in range(3)], Event()
    with running(most_studies=2, quiet_s=0.3) as node:
        segment = node._segmenter.segment
        node._segmenter.segment = lambda volume: gate.wait(PATIENCE_S) and segment(volume)
        with ThreadPoolExecutor(3) as pool:
            answers = list(pool.map(lambda each: send(each, node.port), studies))
        assert sorted(answer == [TAKEN] * len(study) for answer in answers) == [False, True, True]
        assert [NO_ROOM] * len(study) in answers
        gate.set()
        wait_for(lambda: node.store.counts()["done"] == 2)
        refused = answers.index([NO_ROOM] * len(study))
        assert send(studies[refused], node.port) == [TAKEN] * len(study)
        wait_for(lambda: node.store.counts()["done"] == 3)
    assert len(list((tmp_path / "out").glob("*.dcm"))) == 3


def test_two_hundred_studies_at_once(study: list[Dataset], running) -> None:
    """Ten senders bring twenty studies each; 150 may wait. Each image is answered, and what was taken is all there."""
    images = []
    for number in range(200):
        each = copy.deepcopy(study[0])
        each.StudyInstanceUID = generate_uid(entropy_srcs=["study", str(number)])
        each.SOPInstanceUID = generate_uid(entropy_srcs=["image", str(number)])
        each.file_meta.MediaStorageSOPInstanceUID = each.SOPInstanceUID
        images.append(each)
    with running(most_studies=150, quiet_s=600.0) as node:
        with ThreadPoolExecutor(10) as pool:
            answers = pool.map(lambda first: send(images[first::10], node.port), range(10))
            statuses = [status for each in answers for status in each]
        assert (statuses.count(TAKEN), statuses.count(NO_ROOM)) == (150, 50)
        assert node.store.counts()["incoming"] == 150
        assert "150 studies wait already" in reasons(node)


def test_a_study_without_end_leaves_room_for_others(study: list[Dataset], running) -> None:
    """One association sends ever new images of one study: it is told when that takes half of the room."""
    size = len(study[0].PixelData)
    with running(most_bytes=20 * size) as node:
        images = [another(study, number)[index] for number in range(3) for index in range(len(study))]
        for each in images:
            each.StudyInstanceUID = images[0].StudyInstanceUID
        answers = send(images, node.port)
        assert answers[0] == TAKEN and answers[-1] == NO_ROOM
        assert "more of the disk than one study may" in reasons(node)
        assert send(images[:1], node.port) == [TAKEN], "it was there already, and may be replaced"
        assert send(study[:1], node.port) == [TAKEN]


def test_an_object_without_end_is_broken_off(study: list[Dataset], running) -> None:
    """Protects the memory: an object is held in it until it has come whole. A little too large is still answered."""
    with running(most_object_bytes=1 << 16, quiet_s=0.3) as node:
        for size, answer in ((100_000, [NO_ROOM]), (1_000_000, [None])):
            large = copy.deepcopy(study[0])
            large.PixelData = bytes(size)
            assert send([large], node.port) == answer
        assert "too-large" in reasons(node)
        assert send(study, node.port) == [TAKEN] * len(study)
        wait_for(lambda: node.store.counts()["done"] == 1)


def test_a_study_that_nobody_finishes_is_put_aside_with_the_reason(
    study: list[Dataset], running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Protects the room for others from half studies, and the half study from being used or lost."""
    monkeypatch.setattr(store_module, "ABANDONED_S", 0.3)
    with running() as node:
        association = associate(node.port)
        for each in study[:3]:
            association.send_c_store(each)
        assert node.store.counts()["incoming"] == 1
        association.abort()
        wait_for(lambda: node.store.counts()["failed"] == 1)
        assert not node.store.counts()["incoming"]
    (reason,) = (tmp_path / "node" / "failed").glob("*/reason.json")
    assert "broke off after 3 images" in json.loads(reason.read_text())["reason"]
    assert len(list(reason.parent.glob("*.dcm"))) == 3 and not list((tmp_path / "out").rglob("*"))


def test_a_disk_that_is_nearly_full_or_full_is_said_to_the_sender(
    study: list[Dataset], running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An image that was refused is not there in part; it is taken when there is room again."""

    def no_room(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with running(quiet_s=600.0) as node:
        with monkeypatch.context() as change:
            change.setattr(store_module.shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
            assert send(study[:1], node.port) == [NO_ROOM]
        with monkeypatch.context() as change:
            change.setattr(store_module.os, "fsync", no_room)
            assert send(study[:1], node.port) == [NO_ROOM]
        assert "nearly full" in reasons(node) and "No space left" in reasons(node)
        assert not list((tmp_path / "node").rglob("*.dcm"))
        assert send(study[:1], node.port) == [TAKEN]


def test_results_wait_for_room_on_the_disk(
    study: list[Dataset], running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk is not the study's failure: it stays in the queue, and nothing partial goes out."""
    write, full = node_module.write_object, Event()

    def write_to_a_full_disk(dataset: Dataset, path: Path) -> None:
        write(dataset, path)
        if not full.is_set():
            full.set()
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(node_module, "write_object", write_to_a_full_disk)
    monkeypatch.setattr(node_module, "NO_ROOM_WAIT_S", 0.2)
    with running() as node:
        send(study, node.port)
        wait_for(lambda: node.store.counts()["done"] == 1)
        assert "no-room" in reasons(node) and not node.store.counts()["failed"]


def test_a_disk_without_room_for_the_reason_ends_no_node(
    study: list[Dataset], running, monkeypatch: pytest.MonkeyPatch
) -> None:
    flat = another(study, 9)[:1]
    flat[0].PixelData = bytes(len(flat[0].PixelData))

    def no_room(path: Path, content: object) -> None:
        raise WriteError(f"{path}: cannot be written")

    with running(quiet_s=0.3) as node:
        with monkeypatch.context() as change:
            change.setattr(store_module, "write_json", no_room)
            send(flat, node.port)
            wait_for(lambda: any(each["event"] == "failed" for each in node.journal.recent))
        send(study, node.port)
        wait_for(lambda: node.store.counts()["done"] == 1)


def test_a_stray_file_or_a_damaged_result_keeps_nobody_waiting(
    study: list[Dataset], running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Protects from what file managers and power cuts leave: files beside the studies, and a result of zeros.

    The damaged one is tried again later and later, after the others.
    """
    folder = tmp_path / "node"
    for step in ("incoming", "queue", "outbox"):
        (folder / step).mkdir(parents=True)
        (folder / step / ".DS_Store").touch()
    (folder / "outbox" / "damaged-1").mkdir()
    (folder / "outbox" / "damaged-1" / "dicom-seg.dcm").write_bytes(bytes(1000))
    (pacs := Pacs()).open()
    with running(send_to=to(pacs)) as node:
        send(study, node.port)
        wait_for(lambda: node.store.counts()["done"] == 1)
        told = [each for each in node.journal.recent if each["event"] == "not-sent"]
    pacs.close()
    assert len(pacs.taken) == 1
    assert [(each["job"], each["tries"]) for each in told] == [("damaged-1", n + 1) for n in range(len(told))]
    assert {each["reason"] for each in told} == {"InvalidDicomError"} and len(told) < 5


def test_a_refused_result_that_is_moved_back_has_all_its_tries_again(
    study: list[Dataset], running, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Protects who has the PACS take such objects and moves a result from "failed" to "outbox" while the node runs."""
    monkeypatch.setattr("LungUNetSegLib.node.send.FIRST_WAIT_S", 0.05)
    monkeypatch.setattr("LungUNetSegLib.node.send.MOST_REFUSALS", 2)
    (pacs := Pacs()).open()
    pacs.refuse, pacs.refusal = 3, 0x0122  # of a class that it does not take
    with running(send_to=to(pacs)) as node:
        send(study, node.port)
        wait_for(lambda: node.store.counts()["failed"] == 1)
        (job,) = (tmp_path / "node" / "failed").iterdir()
        job.rename(tmp_path / "node" / "outbox" / job.name)
        wait_for(lambda: node.store.counts()["done"] == 1)
    pacs.close()
    assert len(pacs.taken) == 1


def test_a_part_of_four_gigabytes_ends_its_connection(study: list[Dataset], running) -> None:
    """Protects the memory from a length that anybody can announce, even before the node knows who it is.

    Of a part (PS3.8 9.3.1: type, reserved byte, length) pynetdicom reads as much as it says before it looks at it.
    """
    with running(quiet_s=0.3) as node:
        for kind in (1, 4):  # a request of an association, and data
            with socket.create_connection(("127.0.0.1", node.port), timeout=20.0) as connection:
                connection.sendall(struct.pack(">BBL", kind, 0, 0xFFFFFFFF) + bytes(1000))
                with suppress(ConnectionResetError):
                    while connection.recv(1000):  # an A-ABORT may come first
                        pass
        assert send(study, node.port) == [TAKEN] * len(study)


def hostile(study: list[Dataset], body: bytes, folder: Path) -> Path:
    """A file whose data set begins with these bytes, before all that names it."""
    path = folder / "hostile.dcm"
    study[0].save_as(path, enforce_file_format=True)
    content = path.read_bytes()
    start = (
        content.index(b"\x08\x00\x05\x00")
        if b"\x08\x00\x05\x00" in content[132:]
        else content.index(b"\x08\x00\x08\x00")
    )
    path.write_bytes(content[:start] + body + content[start:])
    return path


HUGE = struct.pack("<HH2sHI", 8, 1, b"OB", 0, 0xFFFFFFF0)
"""An element that says that nearly 4 GiB follow."""

DEEP = (struct.pack("<HH2sHI", 8, 1, b"SQ", 0, 0xFFFFFFFF) + struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)) * 20_000
"""Sequences in sequences, 20,000 deep, none of which ends."""


@pytest.mark.parametrize("body", [HUGE, DEEP], ids=["huge", "deep"])
def test_lengths_that_lie_and_sequences_without_end(
    body: bytes, study: list[Dataset], running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bytes that no writer would make, sent as they are."""
    monkeypatch.setattr("pynetdicom._config.STORE_SEND_CHUNKED_DATASET", True)
    path = hostile(study, body, tmp_path)
    with running(quiet_s=0.3) as node:
        assert send([path], node.port) == [NOT_UNDERSTOOD]
        monkeypatch.undo()
        assert send(study, node.port) == [TAKEN] * len(study)
        wait_for(lambda: node.store.counts()["done"] == 1)
    shutil.rmtree(tmp_path / "node")
