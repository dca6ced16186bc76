"""A mask that says that it is of another scan is told of, whether or not it happens to lie on this one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from dicom_files import item, save
from dicom_geometries import SERIES, phantom_on
from dicom_mask_files import outlines, segmentation, structure_set
from pydicom import dcmread
from pydicom.dataset import Dataset

from LungUNetSegLib.io import Scan, read_scan
from LungUNetSegLib.io.masks.of_scan import read_mask_of
from LungUNetSegLib.io.masks.write import write_labels
from LungUNetSegLib.volume import Volume


@pytest.fixture
def scan(tmp_path: Path) -> Scan:
    return read_scan(save(SERIES["axial"]()[0], tmp_path / "ct"))


@pytest.fixture
def labels(scan: Scan) -> Volume:
    return phantom_on(scan.volume.geometry).labels


def named(path: Path, uid: str | None) -> Path:
    """The same SEG with this Frame of Reference UID, or without."""
    dataset = dcmread(path)
    if uid is None:
        del dataset.FrameOfReferenceUID
    else:
        dataset.FrameOfReferenceUID = uid
    dataset.save_as(path)
    return path


def codes(path: Path, scan: Scan) -> list[str]:
    return [each.code for each in read_mask_of(path, scan).findings]


def test_a_segmentation_of_another_frame_of_reference_is_told_of(scan: Scan, labels: Volume, tmp_path: Path) -> None:
    """Nothing is told where it is the scan's own frame, or where none is given."""
    path = segmentation(tmp_path / "s.dcm", labels)
    own = scan.slices[0].frame_of_reference
    told = {uid: "other-frame" in codes(named(path, uid), scan) for uid in ("1.2.3", own, None)}
    assert told == {"1.2.3": True, own: False, None: False}
    assert np.array_equal(read_mask_of(path, scan).labels.array, labels.array)


def test_contours_of_another_frame_of_reference_are_told_of(scan: Scan, labels: Volume, tmp_path: Path) -> None:
    path = structure_set(tmp_path / "r.dcm", outlines(labels))
    assert "other-frame" not in codes(path, scan), "it names none"
    dataset, frame = dcmread(path), Dataset()
    dataset.ReferencedFrameOfReferenceSequence = [frame]
    for uid, is_told in (("1.2.3", True), (scan.slices[0].frame_of_reference, False)):
        frame.FrameOfReferenceUID = uid
        dataset.save_as(path)
        assert ("other-frame" in codes(path, scan)) == is_told


def test_images_name_no_frame(scan: Scan, labels: Volume, tmp_path: Path) -> None:
    write_labels(tmp_path / "l.nii.gz", labels)
    assert codes(tmp_path / "l.nii.gz", scan) == []
    plain = Scan(scan.volume, scan.source, None, "image")
    assert codes(named(segmentation(tmp_path / "s.dcm", labels), "1.2.3"), plain) == []


def test_a_mask_of_another_series_in_the_same_frame_of_reference_is_told_of(
    scan: Scan, labels: Volume, tmp_path: Path
) -> None:
    """Protects from lungs of another phase of the breath: all phases of a scan share one frame of reference."""
    seg, contours = segmentation(tmp_path / "s.dcm", labels), structure_set(tmp_path / "r.dcm", outlines(labels))
    first = scan.slices[0]
    for uid, is_told in (("1.2.3", True), (first.series_uid, False)):
        series = item(SeriesInstanceUID=uid)
        dataset = dcmread(seg)
        dataset.FrameOfReferenceUID, dataset.ReferencedSeriesSequence = first.frame_of_reference, [series]
        dataset.save_as(seg)
        dataset = dcmread(contours)
        study = item(RTReferencedSeriesSequence=[series])
        frame = item(FrameOfReferenceUID=first.frame_of_reference, RTReferencedStudySequence=[study])
        dataset.ReferencedFrameOfReferenceSequence = [frame]
        dataset.save_as(contours)
        for path in (seg, contours):
            assert ("other-series" in codes(path, scan)) is is_told
            assert "other-frame" not in codes(path, scan)
