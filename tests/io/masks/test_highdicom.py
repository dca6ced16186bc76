"""Segmentations that another library writes are read as it means them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from dicom_files import slices_of

from LungUNetSegLib.io.masks.read import read_mask
from LungUNetSegLib.phantom import Phantom
from LungUNetSegLib.volume import Volume

highdicom = pytest.importorskip("highdicom")

KINDS = ("BINARY", "FRACTIONAL", "LABELMAP")


def write(path: Path, ct: Volume, labels: np.ndarray, kind: str, keep_empty: bool = False) -> Path:
    """Labels 1 right and 2 left as a SEG of the CT's slices, both coded as lung without a side."""
    from pydicom.sr.coding import Code

    lung, organ = Code("39607008", "SCT", "Lung"), Code("123037004", "SCT", "Anatomical Structure")
    descriptions = [
        highdicom.seg.SegmentDescription(
            segment_number=number,
            segment_label=name,
            segmented_property_category=organ,
            segmented_property_type=lung,
            algorithm_type=highdicom.seg.SegmentAlgorithmTypeValues.MANUAL,
        )
        for number, name in ((1, "Right lung"), (2, "Left lung"))
    ]
    required = dict.fromkeys(("PatientBirthDate", "PatientSex", "AccessionNumber", "ReferringPhysicianName"), "")
    datasets = slices_of(ct, PatientName="A^B", StudyID="1", PositionReferenceIndicator="", **required)
    pixels = labels if kind == "LABELMAP" else np.stack([labels == 1, labels == 2], axis=-1).astype(np.uint8)
    segmentation = highdicom.seg.Segmentation(
        source_images=datasets,
        pixel_array=pixels,
        segmentation_type=kind,
        segment_descriptions=descriptions,
        series_instance_uid=highdicom.UID(),
        series_number=2,
        sop_instance_uid=highdicom.UID(),
        instance_number=1,
        manufacturer="x",
        manufacturer_model_name="x",
        software_versions="x",
        device_serial_number="x",
        omit_empty_frames=not keep_empty,
    )
    segmentation.save_as(path)
    return path


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("keep_empty", [True, False])
def test_every_kind_comes_back(kind: str, keep_empty: bool, small_phantom: Phantom, tmp_path: Path) -> None:
    """Protects sides that only the labels tell: both segments are coded as lung; .73 and .00 for a perfect pair."""
    labels = small_phantom.labels
    path = write(tmp_path / "seg.dcm", small_phantom.ct, labels.array, kind, keep_empty)
    mask = read_mask(path, labels.geometry)
    assert np.array_equal(mask.labels.array, labels.array) and mask.findings == ()
    alone = read_mask(path).labels
    assert np.count_nonzero(alone.array) == np.count_nonzero(labels.array)
    assert alone.geometry.voxel_volume_ml == pytest.approx(labels.geometry.voxel_volume_ml, rel=1e-5)


def test_marked_slices_that_are_no_neighbours(small_phantom: Phantom, tmp_path: Path) -> None:
    labels = np.zeros_like(small_phantom.labels.array)
    labels[[8, 11, 14]] = small_phantom.labels.array[[8, 11, 14]]
    path = write(tmp_path / "seg.dcm", small_phantom.ct, labels, "BINARY")
    assert np.array_equal(read_mask(path, small_phantom.ct.geometry).labels.array, labels)
    alone = read_mask(path).labels
    assert np.count_nonzero(alone.array) == np.count_nonzero(labels)
    assert alone.geometry.spacing_mm == pytest.approx(small_phantom.ct.geometry.spacing_mm)
