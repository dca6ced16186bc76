"""The node takes what it is allowed to, makes the lungs of it, and loses nothing."""

from __future__ import annotations

import copy
import json
import urllib.request
from pathlib import Path

import numpy as np
import pytest
from dicom_files import save
from node.conftest import Pacs, air_labels, another, associate, net, send, to, wait_for
from pydicom import dcmread
from pydicom.dataset import Dataset

from LungUNetSegLib.errors import ConfigError
from LungUNetSegLib.io import read_scan
from LungUNetSegLib.io.dicom_objects.common import write_object
from LungUNetSegLib.io.dicom_objects.identity import Maker
from LungUNetSegLib.io.dicom_objects.lung_result import LungResult
from LungUNetSegLib.io.dicom_objects.results import DicomOptions, make_objects
from LungUNetSegLib.io.dicom_objects.source import read_source
from LungUNetSegLib.io.masks.read import read_mask
from LungUNetSegLib.node.config import Peer
from LungUNetSegLib.node.send import send as send_results
from LungUNetSegLib.segments import LUNGS

# pynetdicom 3.0 leaves its socket to the garbage collector where nobody answers.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")


def test_a_study_comes_back_as_segment_would_give_it(study: list[Dataset], pacs: Pacs, running, tmp_path: Path) -> None:
    """Protects the whole way: the objects refer to the study, and the SEG is what `segment` finds, to the voxel."""
    with running(send_to=to(pacs), formats=("dicom-seg", "rtstruct", "dicom-sr")) as node:
        assert send(study, node.port) == [0] * len(study)
        wait_for(lambda: len(pacs.taken) == 3)
        wait_for(lambda: node.store.counts()["done"] == 1 and node.store.counts()["bytes"] == 0)
        counts = node.store.counts()
    assert counts["queue"] == counts["incoming"] == counts["outbox"] == counts["failed"] == counts["bytes"] == 0
    scan = read_scan(save(study, tmp_path / "ct"))
    labels = air_labels(scan.volume)
    by_kind = {each.Modality: each for each in pacs.taken}
    assert set(by_kind) == {"SEG", "RTSTRUCT", "SR"}
    assert {each.StudyInstanceUID for each in pacs.taken} == {study[0].StudyInstanceUID}
    for kind in ("SEG", "RTSTRUCT"):
        by_kind[kind].save_as(tmp_path / f"{kind}.dcm", enforce_file_format=True)
        mask = read_mask(tmp_path / f"{kind}.dcm", scan.volume.geometry, slice_places=scan.slice_places)
        assert np.array_equal(mask.labels.array, labels.array)


def test_a_label_map_is_sent_to_who_takes_it(study: list[Dataset], pacs: Pacs, tmp_path: Path) -> None:
    """Protects from pynetdicom's list of storage classes, in which label maps are missing."""
    scan = read_scan(save(study, tmp_path / "ct"))
    result = LungResult(labels=air_labels(scan.volume), segments=LUNGS)
    maker, options = Maker(model="air", sha256="0" * 64), DicomOptions(seg_kind="LABELMAP")
    objects, _ = make_objects(["dicom-seg"], result, read_source(scan), maker, options)
    write_object(objects["dicom-seg"], tmp_path / "s.dcm")
    send_results([tmp_path / "s.dcm"], to(pacs), "LUNGUNETSEG")
    assert [each.SegmentationType for each in pacs.taken] == ["LABELMAP"]


def test_a_pacs_that_takes_only_the_implicit_syntax_gets_results(study: list[Dataset], pacs: Pacs, running) -> None:
    """Protects what PS3.5 10.1 demands of each sender: to offer implicit VR, little endian."""
    pacs.close()
    pacs.syntaxes = ["1.2.840.10008.1.2"]
    pacs.open()
    with running(send_to=to(pacs), formats=("dicom-seg", "rtstruct", "dicom-sr")) as node:
        send(study, node.port)
        wait_for(lambda: len(pacs.taken) == 3)
    assert {each.file_meta.TransferSyntaxUID for each in pacs.taken} == {"1.2.840.10008.1.2"}
    (seg,) = (each for each in pacs.taken if each.Modality == "SEG")
    assert seg.pixel_array.any()


def test_who_is_refused_is_in_the_journal_with_the_reason(study: list[Dataset], running) -> None:
    """Protects the person who sets up a sender, whose own log may say no more than "rejected"."""
    entity = net.AE(ae_title="PACS")
    entity.add_requested_context("1.2.840.10008.5.1.4.1.1.4")
    entity.add_requested_context("1.2.840.10008.1.1")
    with running(titles=("PACS",)) as node:
        assert send(study[:1], node.port, called="LUNG") == [None]
        assert send(study[:1], node.port, calling="OTHER") == [None]
        entity.associate("127.0.0.1", node.port, ae_title="LUNGUNETSEG").release()
        told = [each for each in node.journal.recent if each["event"] == "refused"]
    assert [(each["title"], each["address"]) for each in told] == [
        (title, "127.0.0.1") for title in ("PACS", "OTHER", "PACS")
    ]
    assert [each["reason"] for each in told] == [
        "it called LUNG, and this node is LUNGUNETSEG",
        "the AE title is not allowed",
        "it offers no CT in a transfer syntax that this node takes",
    ]


def test_it_answers_an_echo_and_only_its_own_name(running) -> None:
    with running() as node:
        for called, answer in (("LUNGUNETSEG", 0), ("OTHER", None)):
            entity = net.AE(ae_title="PACS")
            entity.add_requested_context("1.2.840.10008.1.1")
            association = entity.associate("127.0.0.1", node.port, ae_title=called)
            status = association.send_c_echo().get("Status") if association.is_established else None
            association.release()
            assert status == answer


@pytest.mark.parametrize("setting", [{"titles": ("FRIEND",)}, {"addresses": ("10.1.2.0/24",)}])
def test_strangers_are_not_heard(setting: dict, study: list[Dataset], running) -> None:
    """Protects the allow-lists of AE titles and addresses; a friend is heard."""
    with running(**setting) as node:
        assert send(study[:1], node.port) == [None]
        if "titles" in setting:
            assert send(study[:1], node.port, calling="FRIEND") == [0]


def test_a_study_that_breaks_off_waits_until_it_is_sent_whole(study: list[Dataset], running, tmp_path: Path) -> None:
    """Protects against results of half a study: an association that is aborted completes nothing."""
    with running() as node:
        association = associate(node.port)
        for each in study[:3]:
            association.send_c_store(each)
        association.abort()
        wait_for(lambda: any(event["event"] == "broken-off" for event in node.journal.recent))
        with pytest.raises(AssertionError):
            wait_for(lambda: not node.store.counts()["incoming"], 1.5)
        send(study, node.port)
        wait_for(lambda: node.store.counts()["done"] == 1)
    (seg,) = (tmp_path / "out").glob("*.dcm")
    references = dcmread(seg).ReferencedSeriesSequence[0].ReferencedInstanceSequence
    assert len(references) == len(study)


def test_results_wait_for_a_pacs_that_is_away_and_for_one_that_is_full(
    study: list[Dataset], running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("LungUNetSegLib.node.send.FIRST_WAIT_S", 0.1)
    pacs = Pacs()
    with running(send_to=to(pacs)) as node:
        send(study, node.port)
        wait_for(lambda: any(event["event"] == "not-sent" for event in node.journal.recent))
        pacs.refuse = 1
        pacs.open()
        wait_for(lambda: pacs.taken)
        wait_for(lambda: node.store.counts()["done"] == 1)
    pacs.close()
    assert len(pacs.taken) == 1 and node.store.counts()["outbox"] == 0


def test_hostile_objects_are_refused_and_the_node_lives(study: list[Dataset], running) -> None:
    """Protects against identifiers that are paths, sequences nested a thousand deep, and objects without a study."""
    path = copy.deepcopy(study[0])
    path.StudyInstanceUID = "../../etc"
    nameless = copy.deepcopy(study[0])
    del nameless.StudyInstanceUID
    nested = copy.deepcopy(study[0])
    inner = Dataset()
    for _ in range(150):
        outer = Dataset()
        outer.ReferencedSeriesSequence = [inner]
        inner = outer
    nested.ReferencedSeriesSequence = [inner]
    with running(quiet_s=0.3) as node:
        assert send([path, nameless], node.port) == [0xC000, 0xC000]
        answers = send([nested], node.port)
        assert answers[0] in (0, 0xC000)
        wait_for(lambda: not node.store.counts()["incoming"])
        assert send(another(study), node.port) == [0] * len(study)
        wait_for(lambda: node.store.counts()["done"] == 1)


def test_objects_in_a_makers_own_syntax_are_not_taken(study: list[Dataset], running) -> None:
    """Protects from files that nobody can decode: the sender learns it before it sends, and others are heard."""
    entity = net.AE(ae_title="PACS")
    entity.add_requested_context("1.2.840.10008.5.1.4.1.1.2", "1.2.840.113619.5.2")
    entity.add_requested_context("1.2.840.10008.1.1")
    with running(quiet_s=600.0) as node:
        association = entity.associate("127.0.0.1", node.port, ae_title="LUNGUNETSEG")
        assert [each.abstract_syntax for each in association.accepted_contexts] == ["1.2.840.10008.1.1"]
        with pytest.raises(ValueError, match="No presentation context"):
            association.send_c_store(study[0])
        association.release()
        assert send(study[:1], node.port) == [0]


def test_what_cannot_be_segmented_is_put_aside_with_the_reason(study: list[Dataset], running, tmp_path: Path) -> None:
    """Protects what comes after it: a study of a single flat image fails, the next one is done."""
    flat = another(study, 9)[:1]
    flat[0].PixelData = bytes(len(flat[0].PixelData))
    with running() as node:
        send(flat, node.port)
        wait_for(lambda: node.store.counts()["failed"] == 1)
        send(study, node.port)
        wait_for(lambda: node.store.counts()["done"] == 1)
    (reason,) = (tmp_path / "node" / "failed").glob("*/reason.json")
    assert "no CT in Hounsfield units" in json.loads(reason.read_text())["reason"]
    assert len(list(reason.parent.glob("*.dcm"))) == 1, "the images are kept"


def test_the_journal_and_the_page_name_no_patient(study: list[Dataset], running, tmp_path: Path) -> None:
    with running(status_port=0, by_association=True, quiet_s=600.0) as node:
        send(study, node.port)
        wait_for(lambda: node.store.counts()["done"] == 1)
        base = f"http://127.0.0.1:{node.status_port}"
        texts = [urllib.request.urlopen(base + path).read().decode() for path in ("/", "/status.json")]
    assert json.loads(texts[1])["studies"]["done"] == 1
    texts.append((tmp_path / "journal.jsonl").read_text())
    events = [json.loads(line)["event"] for line in texts[2].splitlines()]
    assert events == ["listening", "complete", "segmented", "sent"]
    for secret in ("Doe", study[0].StudyInstanceUID, study[0].SOPInstanceUID):
        assert all(secret not in text for text in texts)


def test_a_failure_s_text_in_the_journal_has_neither_description_nor_path(
    study: list[Dataset], running, tmp_path: Path
) -> None:
    """Protects patients whose name somebody has typed into the series description; the folder of the study keeps it."""
    gap = another(study, 3, SeriesDescription="Thorax: Doe, Jane (urgent)")
    position = [float(each) for each in gap[-1].ImagePositionPatient]
    gap[-1].ImagePositionPatient = [*position[:2], position[2] + 500]
    with running() as node:
        send(gap, node.port)
        wait_for(lambda: node.store.counts()["failed"] == 1)
    (failed,) = [each for each in node.journal.recent if each["event"] == "failed"]
    assert failed["reason"].startswith("after slice ") and "Doe" not in (tmp_path / "journal.jsonl").read_text()
    (reason,) = (tmp_path / "node" / "failed").glob("*/reason.json")
    assert "Doe, Jane" in json.loads(reason.read_text())["reason"]
    assert not list((tmp_path / "node" / "work").iterdir()), "half of a result may have been there"


def test_a_destination_that_rejects_the_node_is_not_said_to_be_silent(study: list[Dataset], running) -> None:
    """Protects who sets it up: a title that is not known is mended elsewhere than a computer that is off."""
    entity = net.AE(ae_title="ARCHIVE")
    entity.add_supported_context("1.2.840.10008.5.1.4.1.1.66.4")
    entity.require_called_aet = True
    server = entity.start_server(("127.0.0.1", 0), block=False)
    try:
        peer = Peer(title="PACS", host="127.0.0.1", port=server.socket.getsockname()[1])
        with running(send_to=peer) as node:
            send(study, node.port)
            wait_for(lambda: any(each["event"] == "not-sent" for each in node.journal.recent))
    finally:
        server.shutdown()
    (told, *_) = [each["reason"] for each in node.journal.recent if each["event"] == "not-sent"]
    assert told.endswith("rejects LUNGUNETSEG: Called AE title not recognised")


def test_one_folder_has_one_node(running, tmp_path: Path) -> None:
    with running(), pytest.raises(ConfigError, match="another node"), running():
        pass
