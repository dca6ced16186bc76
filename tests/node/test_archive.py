"""With a second PACS, dcmtk's: it moves a study to our node, takes the results, and gives them back the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from dicom_files import save
from node.archive import Archive
from node.conftest import air_labels, free_port, wait_for
from outside_programs import dciodvfy_errors
from pydicom import dcmread
from pydicom.dataset import Dataset

from LungUNetSegLib.io import read_scan
from LungUNetSegLib.io.masks.read import read_mask
from LungUNetSegLib.node.config import Peer

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")


def test_a_study_moved_to_the_node_has_its_results_in_the_same_pacs(
    study: list[Dataset], running, tmp_path: Path
) -> None:
    """Protects the usual way with a PACS that is not Orthanc: C-MOVE to the node, C-STORE of the results."""
    uid = study[0].StudyInstanceUID
    save(study, tmp_path / "ct")
    node_peer = Peer(title="LUNGUNETSEG", host="127.0.0.1", port=free_port())
    archive = Archive(tmp_path / "archive", moves_to=node_peer)
    archive.start()
    try:
        archive.take(tmp_path / "ct")
        formats = ("dicom-seg", "rtstruct", "dicom-sr")
        with running(port=node_peer.port, send_to=archive.peer, formats=formats) as node:
            archive.move(uid, node_peer.title)
            wait_for(lambda: node.store.counts()["done"] == 1)
        assert archive.modalities(uid) == ["CT", "RTSTRUCT", "SEG", "SR"]
        back = archive.fetch(uid, tmp_path / "back")
    finally:
        archive.stop()
    found = {dcmread(path, stop_before_pixels=True).Modality: path for path in back}
    assert len(back) == len(study) + 3 and found.keys() == {"CT", "RTSTRUCT", "SEG", "SR"}
    scan = read_scan(tmp_path / "ct")
    seg = read_mask(found["SEG"], scan.volume.geometry)
    assert np.array_equal(seg.labels.array, air_labels(scan.volume).array) and seg.labels.array.any()
    for modality in ("RTSTRUCT", "SEG", "SR"):
        assert dciodvfy_errors(found[modality]) == []
