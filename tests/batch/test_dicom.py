"""A batch writes DICOM objects that refer to each scan's images, and keeps what somebody corrected in them."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from batch_results import Command, rows_of
from pydicom import dcmread

from LungUNetSegLib.batch.reading import read_scan_of
from LungUNetSegLib.io import read_labels
from LungUNetSegLib.io.dicom_objects.common import is_own_object

pytest.importorskip("highdicom")


def test_objects_lie_beside_the_labels_and_refer_to_images_in_an_archive(
    batch: Command, source: Path, tmp_path: Path
) -> None:
    """Protects the headers' reading while an archive is unpacked, the report's SEG, and the rest from an odd scan.

    The NIfTI file has no images to which an object could refer: it fails before it is segmented, once and for all.
    """
    with zipfile.ZipFile(source / "export.zip", "w") as archive:
        for path in sorted((source / "patient" / "ct").iterdir()):
            archive.write(path, path.name)
            path.unlink()
    formats = ("--format", "dicom-sr", "--format", "nii.gz", "--format", "rtstruct", "--raw")
    assert batch(source, *formats)[0] == 1
    by_status = {row["status"]: row for row in rows_of(tmp_path / "out")}
    assert "is not a DICOM series" in by_status["failed"]["error"]
    folder = tmp_path / "out" / "scans" / by_status["done"]["name"]
    report = json.loads((folder / "scan.json").read_text())
    assert report["outputs"] == ["lungs.nii.gz", "lungs.dcm", "lungs.sr.dcm", "lungs.rtstruct.dcm"]
    scan = read_scan_of(tmp_path / "out", folder.name)
    expected = read_labels(folder / "lungs.nii.gz").array
    assert expected.any()
    for name in ("lungs.dcm", "lungs.rtstruct.dcm"):
        assert np.array_equal(read_labels(folder / name, scan.volume.geometry).array, expected)
    seg = dcmread(folder / "lungs.dcm")
    series = seg.ReferencedSeriesSequence[0]
    assert series.SeriesInstanceUID == scan.slices[0].series_uid
    assert {each.ReferencedSOPInstanceUID for each in series.ReferencedInstanceSequence} == {
        each.sop_uid for each in scan.slices
    }
    assert str(seg.SOPInstanceUID) in str(dcmread(folder / "lungs.sr.dcm"))
    assert len(list((tmp_path / "out" / "work" / "failed").iterdir())) == 1, "it is the scan's own failure"


def test_an_unchanged_object_is_replaced_and_a_corrected_one_is_kept(
    batch: Command, source: Path, tmp_path: Path
) -> None:
    """Protects a reader's corrections; and a second run of the same scan gives the same file."""
    (source / "scan.nii.gz").unlink()
    assert batch(source, "--format", "dicom-seg", "--raw")[0] == 0
    (path,) = (tmp_path / "out" / "scans").glob("*/lungs.dcm")
    first = path.read_bytes()
    assert is_own_object(path)
    assert batch(source, "--format", "dicom-seg", "--raw", "--redo")[0] == 0
    assert path.read_bytes() == first
    corrected = dcmread(path)
    corrected.PixelData = bytes(len(corrected.PixelData))
    corrected.save_as(path)
    kept = path.read_bytes()
    code, _, stderr = batch(source, "--format", "dicom-seg", "--raw", "--redo")
    assert code == 1 and "somebody has changed these labels" in stderr and path.read_bytes() == kept


def test_pseudonyms_and_the_patient_s_name_do_not_go_together(batch: Command, source: Path) -> None:
    code, _, stderr = batch(source, "--format", "dicom-seg", "--identify", "pseudonym")
    assert code == 1 and "name and ID" in stderr
