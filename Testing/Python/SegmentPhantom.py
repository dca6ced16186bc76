"""Run by ctest in a real Slicer: the phantom's lungs as a segmentation, saved as .seg.nrrd and loaded again."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import slicer

from LungUNetSegLib.phantom import make_phantom
from LungUNetSegLib.segments import LUNGS
from LungUNetSegSlicer.scene.segmentation_node import show_labels
from LungUNetSegSlicer.scene.volume_bridge import add_volume_node


def main() -> None:
    """Raise AssertionError where the segmentation that comes back is not the one that was saved."""
    phantom = make_phantom(rng=1)
    volumeNode = add_volume_node(phantom.ct, "Phantom")
    segmentationNode = show_labels(phantom.labels, LUNGS, volumeNode)
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "lungs.seg.nrrd")
        assert slicer.util.saveNode(segmentationNode, path)
        loaded = slicer.util.loadSegmentation(path)
    for lung in LUNGS:
        segment = loaded.GetSegmentation().GetSegment(lung.segment_id)
        assert segment.GetName() == lung.name
        mask = slicer.util.arrayFromSegmentBinaryLabelmap(loaded, lung.segment_id, volumeNode)
        assert ((mask > 0) == (phantom.labels.array == lung.label)).all(), lung.name


if __name__ == "__main__":
    main()
    sys.exit()
