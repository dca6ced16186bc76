"""A study goes on as soon as it can: the node waits for nothing that has happened, and looks at nothing twice."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from node.conftest import Pacs, net, send, to, wait_for
from pydicom.dataset import Dataset

from LungUNetSegLib.node import node as node_module
from LungUNetSegLib.node import store as store_module
from LungUNetSegLib.node.config import NodeConfig
from LungUNetSegLib.node.store import Store


def test_a_complete_study_is_segmented_and_sent_at_once(
    study: list[Dataset], pacs: Pacs, running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Protects from waiting for the next look at the disk, here a minute away; also when the node ends."""
    monkeypatch.setattr(node_module, "POLL_S", 60.0)
    with running(send_to=to(pacs), by_association=True, quiet_s=600.0) as node:
        started = time.monotonic()
        assert send(study, node.port) == [0] * len(study)
        wait_for(lambda: pacs.taken)
    assert time.monotonic() - started < 30


def test_a_study_is_measured_once_and_not_at_each_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Protects from a time that grows with the square of the images: 300 took 0.7 s only to add up their sizes."""
    size, asked = store_module.size_of, []
    monkeypatch.setattr(store_module, "size_of", lambda folder: asked.append(folder) or size(folder))
    store = Store(NodeConfig(folder=tmp_path / "node", output=tmp_path / "out"))
    del asked[:]  # at its start it measures all that was left
    try:
        for number in range(5):
            store.add("key", "1.2", f"1.2.{number}", bytes(100))
    finally:
        store.close()
    assert len(asked) == 1 and store.counts()["bytes"] == 500


def test_senders_may_send_large_parts(running) -> None:
    """Protects the pace of receiving: dcmtk sends parts of 128 KiB where it may, else 16 KiB (eight times as many)."""
    with running() as node:
        entity = net.AE(ae_title="PACS")
        entity.add_requested_context("1.2.840.10008.1.1")
        association = entity.associate("127.0.0.1", node.port, ae_title="LUNGUNETSEG")
        assert association.acceptor.maximum_length == 131072
        association.release()
