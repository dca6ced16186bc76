"""With a real PACS: from storescu to our node and into Orthanc, and back by DICOMweb, the same to the voxel."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dicom_files import save
from dicom_geometries import SERIES, phantom_on
from node.conftest import air_labels, wait_for
from node.orthanc import Orthanc, need_orthanc
from outside_programs import by_dcmqi, by_highdicom, dciodvfy_errors, frames_by_dcmtk, program
from pydicom.dataset import Dataset

from LungUNetSegLib.io import read_scan
from LungUNetSegLib.io.dicom_objects.common import write_object
from LungUNetSegLib.io.dicom_objects.identity import Maker
from LungUNetSegLib.io.dicom_objects.lung_result import LungResult
from LungUNetSegLib.io.dicom_objects.results import DicomOptions, make_objects
from LungUNetSegLib.io.dicom_objects.source import read_source
from LungUNetSegLib.io.masks.read import read_mask
from LungUNetSegLib.node.send import NotSentError, send
from LungUNetSegLib.segments import LUNGS

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    need_orthanc()
    pacs = Orthanc(tmp_path_factory.mktemp("orthanc"))
    pacs.start()
    yield pacs
    pacs.stop()


def objects_of(name: str, folder: Path, **options: Any) -> tuple[Any, Any, dict[str, Dataset]]:
    """A scan of a geometry, its labels, and all objects of them."""
    scan = read_scan(save(SERIES[name]()[0], folder / "ct"))
    labels = phantom_on(scan.volume.geometry).labels
    result = LungResult(
        labels=labels, segments=LUNGS, volumes_ml={"right": 1.0, "left": 2.0}, mean_hu={"right": -800.0, "left": -801.0}
    )
    wanted = ["dicom-seg", "rtstruct", "dicom-sr"]
    maker = Maker(model="lungs", sha256="0" * 64)
    made, _ = make_objects(wanted, result, read_source(scan), maker, DicomOptions(**options))  # type: ignore[arg-type]
    return scan, labels, made  # type: ignore[return-value]


def others_find_the_same(sent: Path, returned: Path, name: str, folder: Path) -> None:
    """Whether dcmtk, highdicom and dcmqi find in a SEG that came back what they find in the one that was sent."""
    segread = pytest.importorskip("highdicom").seg.segread
    assert np.array_equal(*(segread(each).pixel_array for each in (sent, returned)))
    frames = frames_by_dcmtk(sent, folder / "sent"), frames_by_dcmtk(returned, folder / "returned")
    assert all(own.same(other) for own, other in zip(*frames, strict=True))
    if name in ("uneven", "tilted"):
        return  # no straight, even volume, which these make of it
    for read in (by_highdicom, lambda path: by_dcmqi(path, folder)):
        first, second = read(sent), read(returned)
        assert np.array_equal(first.array, second.array) and first.array.any()
        assert first.geometry.matches(second.geometry)


@pytest.mark.parametrize("name", SERIES)
def test_each_geometry_comes_back_from_the_pacs(name: str, orthanc: Orthanc, tmp_path: Path) -> None:
    """Protects what a hospital stores: SEG, contours and report, sent by C-STORE, fetched by DICOMweb."""
    scan, _, made = objects_of(name, tmp_path)
    files = {}
    for kind, dataset in made.items():
        files[kind] = tmp_path / f"{kind}.dcm"
        write_object(dataset, files[kind])
    send(list(files.values()), orthanc.peer, "LUNGUNETSEG")
    for kind, path in files.items():
        back = orthanc.instance(made[kind].SOPInstanceUID, tmp_path)
        assert dciodvfy_errors(back) == []
        if kind == "dicom-sr":
            continue
        if kind == "dicom-seg":
            others_find_the_same(path, back, name, tmp_path)
        masks = [read_mask(each, scan.volume.geometry, slice_places=scan.slice_places) for each in (path, back)]
        assert np.array_equal(*(each.labels.array for each in masks)) and masks[0].labels.array.any()


def test_label_maps_are_refused_by_this_pacs_and_that_is_said(orthanc: Orthanc, tmp_path: Path) -> None:
    """Protects the advice to send BINARY: Orthanc 1.10 knows no label maps; a newer one may take it."""
    _, _, made = objects_of("axial", tmp_path, seg_kind="LABELMAP")
    write_object(made["dicom-seg"], tmp_path / "s.dcm")
    try:
        send([tmp_path / "s.dcm"], orthanc.peer, "LUNGUNETSEG")
    except NotSentError as error:
        assert "takes no SEG" in str(error) or "accepts no association" in str(error)


def test_from_storescu_through_the_node_into_orthanc(
    study: list[Dataset], orthanc: Orthanc, running, tmp_path: Path
) -> None:
    """Protects the whole way with dcmtk's sender: the SEG that Orthanc has is what was found in the scan."""
    storescu = program("storescu", "dcmtk")
    save(study, tmp_path / "ct")
    with running(send_to=orthanc.peer, formats=("dicom-seg", "dicom-sr")) as node:
        command = [storescu, "-aec", "LUNGUNETSEG", "127.0.0.1", str(node.port), "+sd", str(tmp_path / "ct")]
        subprocess.run(command, check=True, capture_output=True)
        wait_for(lambda: node.store.counts()["done"] == 1)
    found = dict(orthanc.objects(study[0].StudyInstanceUID))
    assert set(found) == {"SEG", "SR"}
    scan = read_scan(tmp_path / "ct")
    mask = read_mask(orthanc.instance(found["SEG"], tmp_path), scan.volume.geometry)
    assert np.array_equal(mask.labels.array, air_labels(scan.volume).array)
