"""Senders that keep silent, and destinations that answer oddly or not at all."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from node.conftest import Pacs, associate, net, send, to, wait_for
from pydicom.dataset import Dataset

from LungUNetSegLib.node import receive
from LungUNetSegLib.node.config import Peer

# pynetdicom 3.0 leaves its socket to the garbage collector where nobody answers.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")

DUPLICATE, OUT_OF_RESOURCES, SUCCESS = 0x0111, 0xA700, 0x0000


def events(node: Any, kind: str) -> list[dict[str, Any]]:
    return [each for each in node.journal.recent if each["event"] == kind]


def test_a_sender_that_keeps_its_association_open_is_asked_to_end_it(
    study: list[Dataset], running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Protects senders that keep one for the next study: theirs had counted as broken off, and failed a day later."""
    monkeypatch.setattr(receive, "NETWORK_TIMEOUT_S", 3)
    with running() as node:
        association = associate(node.port)
        assert [association.send_c_store(each).Status for each in study] == [0] * len(study)
        wait_for(lambda: node.store.counts()["done"] == 1)
        assert association.is_released and not events(node, "broken-off")


def test_a_sender_that_hangs_has_broken_off(study: list[Dataset], running, monkeypatch: pytest.MonkeyPatch) -> None:
    """Protects from half a study where a network is cut: nobody agrees that the association ends."""
    monkeypatch.setattr(receive, "NETWORK_TIMEOUT_S", 3)
    with running() as node:
        association = associate(node.port)
        association.send_c_store(study[0])
        association.dul.kill_dul()
        wait_for(lambda: events(node, "broken-off"))
        time.sleep(1.0)  # twice the quiet time
        assert node.store.counts()["incoming"] == 1 and not events(node, "complete")


@contextmanager
def answering(*statuses: int) -> Iterator[Peer]:
    """A PACS that answers each object with the next status."""
    left = iter(statuses)
    entity = net.AE(ae_title="PACS")
    entity.add_supported_context("1.2.840.10008.5.1.4.1.1.66.4")
    server = entity.start_server(
        ("127.0.0.1", 0), block=False, evt_handlers=[(net.evt.EVT_C_STORE, lambda _: next(left))]
    )
    try:
        yield Peer(title="PACS", host="127.0.0.1", port=server.socket.getsockname()[1])
    finally:
        server.shutdown()


def test_a_destination_that_has_a_result_already_is_content(study: list[Dataset], running) -> None:
    """Protects a result that is sent again after a crash, to a PACS that replaces nothing: it is the same object."""
    with answering(DUPLICATE) as peer, running(send_to=peer) as node:
        send(study, node.port)
        wait_for(lambda: node.store.counts()["done"] == 1)
        assert not events(node, "not-sent")


def test_a_full_destination_is_asked_until_it_has_space(
    study: list[Dataset], running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Protects results while a disk is full over a weekend: this had counted as a refusal, of which twenty end it."""
    monkeypatch.setattr("LungUNetSegLib.node.send.FIRST_WAIT_S", 0.1)
    monkeypatch.setattr("LungUNetSegLib.node.send.MOST_REFUSALS", 1)
    with answering(OUT_OF_RESOURCES, OUT_OF_RESOURCES, SUCCESS) as peer, running(send_to=peer) as node:
        send(study, node.port)
        wait_for(lambda: node.store.counts()["done"] == 1)
        told = f"PACS at 127.0.0.1:{peer.port} refused SEG with A700H"
        assert [each["reason"] for each in events(node, "not-sent")] == [told] * 2


def test_an_association_that_breaks_off_between_two_results_is_no_refusal(
    study: list[Dataset], pacs: Pacs, running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Protects from giving up on a PACS that goes away twenty times: "takes no SR" had been told, and counted."""
    send_c_store = net.association.Association.send_c_store

    def abort_before_the_report(self: Any, dataset: Dataset, *arguments: Any, **options: Any) -> Dataset:
        if dataset.Modality == "SR" and not events(node, "not-sent"):
            self.abort()
        return send_c_store(self, dataset, *arguments, **options)

    monkeypatch.setattr(net.association.Association, "send_c_store", abort_before_the_report)
    with running(send_to=to(pacs), formats=("dicom-seg", "dicom-sr")) as node:
        send(study, node.port)
        wait_for(lambda: node.store.counts()["done"] == 1)
        assert [each["reason"] for each in events(node, "not-sent")] == [f"PACS at 127.0.0.1:{pacs.port} went away"]
        assert not any(node._sender._refusals.values())


def test_a_host_that_no_server_knows_is_named(study: list[Dataset], running) -> None:
    with running(send_to=Peer(title="PACS", host="pacs.invalid", port=104)) as node:
        send(study, node.port)
        wait_for(lambda: events(node, "not-sent"))
    assert events(node, "not-sent")[0]["reason"].startswith("PACS at pacs.invalid:104 cannot be reached: ")
