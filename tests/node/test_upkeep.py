"""What power cuts leave in a node's folder, and what its administrator does there."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from node.conftest import another, associate, send, wait_for
from pydicom.dataset import Dataset

from LungUNetSegLib.cli.app import main
from LungUNetSegLib.node import store as store_module

# pynetdicom 3.0 leaves its socket to the garbage collector where nobody answers.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")

TAKEN, NO_ROOM = 0x0000, 0xA700


def flat(study: list[Dataset], number: int) -> list[Dataset]:
    """A study of one image in which there is no lung."""
    images = another(study, number)[:1]
    images[0].PixelData = bytes(len(images[0].PixelData))
    return images


def send_and_abort(images: list[Dataset], port: int) -> None:
    association = associate(port)
    for each in images:
        association.send_c_store(each)
    association.abort()


def test_a_power_cut_in_the_middle_of_an_image_costs_no_study(
    study: list[Dataset], running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Protects from half an image beside the whole one that is sent again: the study had failed with both.

    The node's folder is copied while an image has been written in part; another node begins with the copy.
    """
    fsync = os.fsync

    def copy_when_half_is_written(number: int) -> None:
        if not (tmp_path / "copy").exists():
            os.ftruncate(number, 2000)
            shutil.copytree(tmp_path / "node", tmp_path / "copy")
        fsync(number)

    with running(quiet_s=600.0) as node, monkeypatch.context() as change:
        change.setattr(store_module.os, "fsync", copy_when_half_is_written)
        send(study[:1], node.port)
    assert [each.stat().st_size for each in (tmp_path / "copy").rglob("*.dcm")] == [2000]
    with running(folder=tmp_path / "copy", quiet_s=0.3) as node:
        assert send(study, node.port) == [TAKEN] * len(study)
        wait_for(lambda: node.store.counts()["done"] + node.store.counts()["failed"])
        (segmented,) = [each for each in node.journal.recent if each["event"] == "segmented"]
    assert segmented["slices"] == len(study) and segmented["findings"] == []
    assert not list((tmp_path / "copy" / "work").iterdir())


def test_who_deletes_failed_studies_makes_room(
    study: list[Dataset], running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Protects from a node that is full until it is restarted."""
    monkeypatch.setattr(store_module, "COUNT_EVERY_S", 0.0)
    with running(most_bytes=2 * len(study[0].PixelData) + 5000, quiet_s=0.3) as node:
        for number in (1, 2):
            send(flat(study, number), node.port)
            wait_for(lambda number=number: node.store.counts()["failed"] == number)
        assert send(another(study, 3)[:1], node.port) == [NO_ROOM]
        for each in (tmp_path / "node" / "failed").iterdir():
            shutil.rmtree(each)
        assert send(another(study, 3)[:1], node.port) == [TAKEN]


def test_a_study_that_breaks_off_again_does_not_replace_its_earlier_images(
    study: list[Dataset], running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Protects images that the sender may no longer have: what was put aside is removed by its owner only."""
    monkeypatch.setattr(store_module, "ABANDONED_S", 0.3)
    with running() as node:
        for number, images in enumerate((study[:3], study[3:4], study[4:6]), 1):
            send_and_abort(images, node.port)
            wait_for(lambda number=number: node.store.counts()["failed"] == number)
    folders = (tmp_path / "node" / "failed").iterdir()
    assert sorted(len(list(each.glob("*.dcm"))) for each in folders) == [1, 2, 3]


def test_a_broken_association_is_told_once(study: list[Dataset], running) -> None:
    with running(quiet_s=600.0) as node:
        send_and_abort(study[:2], node.port)
        wait_for(lambda: any(each["event"] == "broken-off" for each in node.journal.recent))
        send(study[:1], node.port)  # the end of the first one's connection has been noticed by then
        assert [each["event"] for each in node.journal.recent].count("broken-off") == 1


def test_the_journal_may_lie_in_a_folder_that_is_made_for_the_node(
    tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Protects the service's command in docs/hospital.md, tried by hand in a new folder."""
    folder = tmp_path / "new" / "node"
    monkeypatch.setattr("LungUNetSegLib.cli.node.Node.run", lambda self: None)
    assert (
        main(["node", "--folder", str(folder), "-o", str(tmp_path), "--port", "0", "--json", f"{folder}/journal.jsonl"])
        == 0
    )
    assert json.loads((folder / "journal.jsonl").read_text())["event"] == "listening"
