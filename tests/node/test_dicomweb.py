"""The node asks a real PACS by DICOMweb, brings its results back there, and loses and doubles nothing."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from dicom_files import save
from node.conftest import Pacs, air_labels, new_study, to, wait_for
from node.orthanc import Orthanc, need_orthanc
from pydicom.dataset import Dataset

from LungUNetSegLib.io import read_scan
from LungUNetSegLib.io.masks.read import read_mask
from LungUNetSegLib.machine import process_runs
from LungUNetSegLib.node.config import NodeConfig, Web
from LungUNetSegLib.node.store import Store

pytest.importorskip("dicomweb_client")

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")


@pytest.fixture
def orthanc(tmp_path: Path) -> Iterator[Orthanc]:
    """Ready to be started, empty."""
    need_orthanc()
    (tmp_path / "orthanc").mkdir()
    pacs = Orthanc(tmp_path / "orthanc")
    yield pacs
    pacs.stop()


def events(node) -> list[str]:
    return [each["event"] for each in node.journal.recent]


def test_a_new_study_is_fetched_and_its_lungs_come_back_once(
    study: list[Dataset], orthanc: Orthanc, running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Protects the whole way by QIDO, WADO and STOW, with a PACS that is away at first and again before the results.

    An older study is left alone; so is the new one when its own SEG has come to it; one that got more images is done
    again.
    """
    monkeypatch.setattr("LungUNetSegLib.node.send.FIRST_WAIT_S", 0.1)
    new, old = new_study(study), new_study(study, 2)
    for each in old:
        each.StudyDate = "20200101"
    with running(web=Web(url=orthanc.dicomweb, poll_s=0.2), formats=("dicom-seg", "dicom-sr")) as node:
        wait_for(lambda: "not-asked" in events(node))
        segment = node._segmenter.segment

        def segment_while_the_pacs_goes(volume):
            orthanc.stop()
            return segment(volume)

        node._segmenter.segment = segment_while_the_pacs_goes
        orthanc.start()
        orthanc.take([*old, *new[:-1]])
        wait_for(lambda: "not-sent" in events(node))
        node._segmenter.segment = segment
        orthanc.start()
        wait_for(lambda: node.store.counts()["done"] == 1)
        found = dict(orthanc.objects(new[0].StudyInstanceUID))
        assert set(found) == {"CT", "SEG", "SR"} and len(orthanc.objects(new[0].StudyInstanceUID)) == len(new) + 1
        assert {kind for kind, _ in orthanc.objects(old[0].StudyInstanceUID)} == {"CT"}
        asked = len(node._intake._seen)
        wait_for(lambda: node._intake._seen and next(iter(node._intake._seen.values())).total == len(new) + 1)
        time.sleep(1.0)
        assert events(node).count("fetched") == 1 and asked == 1, "its own results made it new"
        scan = read_scan(save(new[:-1], tmp_path / "ct"))
        mask = read_mask(orthanc.instance(found["SEG"], tmp_path), scan.volume.geometry)
        assert np.array_equal(mask.labels.array, air_labels(scan.volume).array)
        orthanc.take(new[-1:])
        wait_for(lambda: node.store.counts()["done"] == 2)
    text = (tmp_path / "journal.jsonl").read_text()
    assert new[0].StudyInstanceUID not in text and "Doe" not in text


def test_results_may_go_elsewhere_and_old_images_are_left_out(
    study: list[Dataset], orthanc: Orthanc, pacs: Pacs, running
) -> None:
    """Protects C-STORE as the way back, and what lies in a CT series but is no CT image."""
    capture = new_study(study)[0]
    capture.SOPInstanceUID = capture.file_meta.MediaStorageSOPInstanceUID = f"{capture.SOPInstanceUID[:-2]}.9"
    capture.SOPClassUID = capture.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
    orthanc.start()
    orthanc.take([*new_study(study), capture])
    with running(web=Web(url=orthanc.dicomweb, poll_s=0.2), send_to=to(pacs)):
        wait_for(lambda: pacs.taken)
    (seg,) = pacs.taken
    assert len(seg.ReferencedSeriesSequence[0].ReferencedInstanceSequence) == len(study)


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="there is no SIGKILL here")
def test_killed_while_it_asks_and_fetches(study: list[Dataset], orthanc: Orthanc, tmp_path: Path) -> None:
    """Three studies, six kills: in the end each has one SEG, of all its images, and none was forgotten."""
    orthanc.start()
    studies = [new_study(study, number) for number in range(3)]
    orthanc.take(each for one in studies for each in one)
    script = Path(__file__).with_name("air_node.py")
    command = [sys.executable, str(script), str(tmp_path / "node"), "0", orthanc.dicomweb]
    parent = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert parent.stdin and parent.stdout
    try:
        for moment in [*np.random.default_rng(0).uniform(0.2, 1.4, 6), None]:
            parent.stdin.write("node\n")
            parent.stdin.flush()
            number = int(parent.stdout.readline())
            if moment is None:
                wait_for(lambda: all(len(orthanc.objects(each[0].StudyInstanceUID)) > len(each) for each in studies))
                wait_for(lambda: not any((tmp_path / "node" / "outbox").iterdir()))
            else:
                time.sleep(moment)
            os.kill(number, signal.SIGKILL)
            wait_for(lambda number=number: not process_runs(number))
    finally:
        parent.stdin.close()
        parent.wait()
        parent.stdout.close()
    for each in studies:
        (seg,) = [uid for kind, uid in orthanc.objects(each[0].StudyInstanceUID) if kind == "SEG"]
        text = orthanc.instance(seg, tmp_path).read_bytes()
        assert all(str(image.SOPInstanceUID).encode() in text for image in each)
    store = Store(NodeConfig(folder=tmp_path / "node", output=tmp_path))
    assert [store.taken(each[0].StudyInstanceUID) for each in studies] == [len(study)] * 3
    store.close()


def test_the_script_of_the_documents_sends_each_study_once(
    study: list[Dataset], orthanc: Orthanc, running, tmp_path: Path
) -> None:
    """Protects docs/hospital.md: Orthanc's script sends the CT series, and not again when the results have come."""
    text = (Path(__file__).parents[2] / "docs" / "hospital.md").read_text(encoding="utf-8")
    (script,) = re.findall(r"^```lua\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    (tmp_path / "lungs.lua").write_text(script)
    with running(send_to=orthanc.peer) as node:
        modalities = {"lungs": ["LUNGUNETSEG", "127.0.0.1", node.port]}
        orthanc.configure(LuaScripts=[str(tmp_path / "lungs.lua")], DicomModalities=modalities, StableAge=1)
        orthanc.start()
        orthanc.take(new_study(study))
        wait_for(lambda: node.store.counts()["done"] == 1)
        time.sleep(2.0)
        assert events(node).count("complete") == 1, "its own results set it off again"
    assert [kind for kind, _ in orthanc.objects(new_study(study)[0].StudyInstanceUID)].count("SEG") == 1


class Short:
    """A PACS that tells of more images of its first study than it gives."""

    def __init__(self, *studies: list[Dataset]) -> None:
        self.held, self.given = {str(each[0].StudyInstanceUID): each for each in studies}, 3

    def studies(self, since: str) -> dict[str, int | None]:
        return {uid: len(each) for uid, each in self.held.items()}

    def ct_series(self, study: str) -> dict[str, int | None]:
        return {str(self.held[study][0].SeriesInstanceUID): len(self.held[study])}

    def objects(self, study: str, series: str) -> Iterator[Dataset]:
        yield from self.held[study][: self.given if study == next(iter(self.held)) else None]


def test_a_study_that_comes_in_part_is_not_used_and_keeps_no_other_out(
    study: list[Dataset], running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Protects against lungs of half a study: it is fetched again, whole; the one after it is done meanwhile."""
    short = Short(study, new_study(study))
    monkeypatch.setattr("LungUNetSegLib.node.poll.WebPacs", lambda url: short)
    with running(web=Web(url="http://127.0.0.1:9", poll_s=0.1), output=tmp_path / "out", quiet_s=0.1) as node:
        wait_for(lambda: node.store.counts()["done"] == 1)
        assert any("3 of a series' 7" in each.get("reason", "") for each in node.journal.recent)
        assert node.store.taken(study[0].StudyInstanceUID) is None
        short.given = len(study)
        wait_for(lambda: node.store.counts()["done"] == 2)


def test_a_study_that_cannot_be_taken_keeps_no_other_out(
    study: list[Dataset], running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Protects all other studies from one whose images have no identifier; it is said without the images' values."""
    odd = new_study(study)
    del odd[0].SOPInstanceUID
    pacs = Short(odd, new_study(study, 2))
    pacs.given = len(odd)
    monkeypatch.setattr("LungUNetSegLib.node.poll.WebPacs", lambda url: pacs)
    with running(web=Web(url="http://127.0.0.1:9", poll_s=0.1), output=tmp_path / "out", quiet_s=0.1) as node:
        wait_for(lambda: node.store.counts()["done"] == 1)
        assert {each["reason"] for each in node.journal.recent if each["event"] == "not-fetched"} == {"AttributeError"}


@pytest.mark.parametrize("limit", ["most_bytes", "most_object_bytes"])
def test_a_study_that_is_too_large_keeps_no_other_out(
    study: list[Dataset], running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    """Protects all other studies: the node asked for the large one again and again, and for none after it."""
    large, size = new_study(study), len(study[0].PixelData) + 2000
    if limit == "most_object_bytes":
        large[0].ImageComments = "x" * 4000
    limits = {"most_bytes": 7 * size} if limit == "most_bytes" else {"most_object_bytes": size}
    pacs = Short(large, new_study(study, 2)[:2])
    pacs.given = len(large)
    monkeypatch.setattr("LungUNetSegLib.node.poll.WebPacs", lambda url: pacs)
    with running(web=Web(url="http://127.0.0.1:9", poll_s=0.1), output=tmp_path / "out", quiet_s=0.1, **limits) as node:
        wait_for(lambda: node.store.counts()["done"] == 1)
        assert events(node).count("not-fetched") == 1
        assert node.store.taken(large[0].StudyInstanceUID) is None
