"""Segment the CT that is loaded in 3D Slicer and compare the result with a reference segmentation.

Paste it into Slicer's Python console, or run `Slicer --python-script examples/in_slicer.py` with a scene.
"""

import slicer

from LungUNetSegSlicer.compare.comparison import compare_nodes
from LungUNetSegSlicer.logic import LungLogic


def segment_loaded_ct(reference=None, model="lungs"):
    """Return the segmentation node; print volumes and, with a reference (a segmentation or label map node), scores."""
    volume = slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")[0]
    segmentation, result = LungLogic().segment(volume, model=model, show3d=True)
    for name, ml in result.volumes_ml.items():
        print(f"{name}: {ml:.0f} ml")
    for finding in result.findings:
        print(f"note: {finding.message}")
    if reference is not None:
        for region in compare_nodes(segmentation, reference).comparison.regions:
            print(f"{region.title}: DSC {region.dsc:.3f}, HD95 {region.hd95_mm:.1f} mm")
    return segmentation


if __name__ == "__main__":
    segment_loaded_ct()
