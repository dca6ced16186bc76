"""The sample's whole way by the commands that a hospital runs: storescu, our node with its network, and Orthanc."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from node.conftest import free_port, wait_for
from node.orthanc import Orthanc, need_orthanc
from outside_programs import by_dcmqi, by_highdicom, dciodvfy_errors, program, same_voxels
from pydicom import dcmread
from pydicom.dataset import Dataset

from LungUNetSegLib.io import read_labels, read_scan
from LungUNetSegLib.io.masks.read import read_mask

pytestmark = [pytest.mark.shared_data, pytest.mark.slow]

COMMAND = [sys.executable, "-m", "LungUNetSegLib"]


def test_the_samples_lungs_in_the_pacs_are_those_of_segment(shared_data: Path, tmp_path: Path) -> None:
    """SEG, contours and report, fetched by DICOMweb: the same voxels for us, highdicom and dcmqi, the same volumes."""
    need_orthanc()
    storescu = program("storescu", "dcmtk")
    series = shared_data / "volumes" / "LIDC-IDRI-0001" / "ct"
    local, numbers = tmp_path / "lungs.nii.gz", tmp_path / "lungs.json"
    subprocess.run([*COMMAND, "segment", series, "-o", local, "--json", numbers], check=True, capture_output=True)
    (tmp_path / "orthanc").mkdir()
    pacs = Orthanc(tmp_path / "orthanc")
    pacs.start()
    try:
        with node(tmp_path / "node", pacs) as port:
            command = [storescu, "-xt", "-aec", "LUNGUNETSEG", "127.0.0.1", str(port), "+sd", series]
            subprocess.run(command, check=True, capture_output=True)
            wait_for(lambda: list((tmp_path / "node" / "done").glob("*.json")), 240)
        scan = read_scan(series)
        found = dict(pacs.objects(scan.slices[0].study))
        back = {kind: pacs.instance(uid, tmp_path) for kind, uid in found.items()}
    finally:
        pacs.stop()
    assert set(back) == {"SEG", "RTSTRUCT", "SR"}
    assert [dciodvfy_errors(path) for path in back.values()] == [[], [], []]
    truth = read_labels(local, scan.volume.geometry)
    for kind in ("SEG", "RTSTRUCT"):
        assert np.array_equal(read_mask(back[kind], scan.volume.geometry).labels.array, truth.array)
    assert same_voxels(by_highdicom(back["SEG"]), truth)
    assert same_voxels(by_dcmqi(back["SEG"], tmp_path), truth)
    report = dcmread(back["SR"])
    told = json.loads(numbers.read_text())["volumes_ml"]
    assert volumes_ml(report) == pytest.approx([told["right"], told["left"]], rel=1e-3)
    assert found["SEG"] in str(report), "it refers to the SEG"


@contextmanager
def node(folder: Path, pacs: Orthanc) -> Iterator[int]:
    """A node as the command runs it, which sends to a PACS; its port."""
    port, to = free_port(), f"{pacs.peer.title}@{pacs.peer.host}:{pacs.peer.port}"
    words = ["--folder", folder, "--port", port, "--send", to, "--by-association", "--formats"]
    command = [*COMMAND, "node", *map(str, words), "dicom-seg", "rtstruct", "dicom-sr"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout
    try:
        said = process.stdout.readline()
        assert f"127.0.0.1:{port}, not encrypted, from this machine only, any AE title" in said
        yield port
    finally:
        process.terminate()
        process.wait(60)
        process.stdout.close()


def volumes_ml(report: Dataset) -> list[float]:
    """All volumes in a report's tree, in its order."""
    found = []
    for item in report.get("ContentSequence", []):
        name = item.ConceptNameCodeSequence[0] if "ConceptNameCodeSequence" in item else Dataset()
        if item.ValueType == "NUM" and name.CodeMeaning == "Volume":
            value = item.MeasuredValueSequence[0]
            scale = {"ml": 1.0, "mL": 1.0, "mm3": 1e-3, "cm3": 1.0}
            found.append(float(value.NumericValue) * scale[value.MeasurementUnitsCodeSequence[0].CodeValue])
        found += volumes_ml(item)
    return found
