"""A DICOM SEG of ours comes back into Slicer's scene voxel for voxel, the way Slicer reads one.

Slicer's core reads no SEG by itself: its extension Quantitative Reporting has dcmqi write one image for each segment,
and imports these into a segmentation node. So does this test.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import slicer
from dicom_files import save
from dicom_geometries import EXACT, SERIES, phantom_on
from outside_programs import images_by_dcmqi

from LungUNetSegLib.io import read_scan
from LungUNetSegLib.io.dicom_objects.common import write_object
from LungUNetSegLib.io.dicom_objects.identity import Maker
from LungUNetSegLib.io.dicom_objects.lung_result import LungResult
from LungUNetSegLib.io.dicom_objects.results import DicomOptions, make_objects
from LungUNetSegLib.io.dicom_objects.source import read_source
from LungUNetSegLib.segments import LUNGS
from LungUNetSegSlicer.scene.volume_bridge import add_volume_node

pytest.importorskip("highdicom")

LABEL_MAP, SINGLE_FILE = 1, 4
"""Of `vtkSlicerVolumesLogic::LoadingOptions`; else a flat image brings its numbered neighbours with it."""

MAKER = Maker(model="lungs", sha256="0123456789abcdef" * 4)


@pytest.mark.parametrize("name", EXACT)
def test_a_segmentation_node_made_by_dcmqi_has_the_same_voxels(
    core: Any, scene: Any, name: str, tmp_path: Path
) -> None:
    scan = read_scan(save(SERIES[name]()[0], tmp_path / "ct"))
    labels = phantom_on(scan.volume.geometry).labels
    result = LungResult(labels=labels, segments=LUNGS)
    objects, _ = make_objects(["dicom-seg"], result, read_source(scan), MAKER, DicomOptions())
    write_object(objects["dicom-seg"], tmp_path / "seg.dcm")

    ct = add_volume_node(scan.volume, "Chest")
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    node.SetReferenceImageGeometryParameterFromVolumeNode(ct)
    for path in images_by_dcmqi(tmp_path / "seg.dcm", tmp_path):
        image = core.volumes_logic.AddArchetypeVolume(str(path), path.stem, LABEL_MAP + SINGLE_FILE)
        assert core.segmentations_logic.ImportLabelmapToSegmentationNode(image, node)
    assert node.GetSegmentation().GetNumberOfSegments() == len(LUNGS)
    for index, lung in enumerate(LUNGS):
        segment = node.GetSegmentation().GetNthSegmentID(index)
        found = slicer.util.arrayFromSegmentBinaryLabelmap(node, segment, ct) > 0
        np.testing.assert_array_equal(found, labels.array == lung.label, err_msg=lung.name)
