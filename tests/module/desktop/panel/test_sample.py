"""The sample scan from the click to the segments, with the shipped model: what a new user does first."""

from __future__ import annotations

import numpy as np
import pytest
from panel_helpers.heartbeat import LONGEST_MS, Heartbeat

from LungUNetSegLib.io import read_dicom, read_labels
from LungUNetSegLib.metrics import count
from LungUNetSegLib.models.model import DEFAULT_MODEL, shipped_models

pytestmark = [pytest.mark.shared_data, pytest.mark.usefixtures("nothing_left")]


@pytest.mark.skipif(DEFAULT_MODEL not in shipped_models(), reason="no model is shipped in this checkout")
def test_the_sample_is_segmented_in_the_panel(app, panel, shared_data):
    import slicer

    from LungUNetSegSlicer.scene.volume_bridge import add_volume_node

    folder = shared_data / "volumes" / "LIDC-IDRI-0001"
    scan = read_dicom(folder / "ct").volume
    node = add_volume_node(scan, "LIDC-IDRI-0001")
    panel.parameters.show3d = True
    heartbeat = Heartbeat()
    panel.run()
    heartbeat.stop()
    assert panel.ui.resultsCollapsibleButton.visible, panel.ui.statusLabel.text
    print(f"{panel.ui.timeLabel.text} Longest pause of the event loop: {heartbeat.longest_ms:.0f} ms")
    assert heartbeat.longest_ms < LONGEST_MS
    reference = read_labels(folder / "lungs.nii.gz", scan.geometry).array
    segmentation = panel.ui.outputSegmentationSelector.currentNode()
    for label, segment in ((1, "RightLung"), (2, "LeftLung")):
        mask = slicer.util.arrayFromSegmentBinaryLabelmap(segmentation, segment, node) > 0
        assert count(mask, reference == label).dsc > 0.95
        assert segmentation.GetClosedSurfaceInternalRepresentation(segment).GetNumberOfPoints() > 10_000
        ml = float(panel.table()[label - 1][1])
        assert ml == pytest.approx(np.count_nonzero(mask) * scan.geometry.voxel_volume_ml, abs=1)
