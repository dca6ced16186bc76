"""Tells whether a segmentation holds lungs that a run could not make again."""

from __future__ import annotations

from slicer import vtkMRMLSegmentationNode

from LungUNetSegLib.errors import LungUNetSegError
from LungUNetSegLib.segmentation.correction import changes_of, has_sides
from LungUNetSegSlicer.background import finish
from LungUNetSegSlicer.scene.kept_result import recall_network
from LungUNetSegSlicer.scene.lung_masks import ct_of, lung_mask_steps, middle_ras
from LungUNetSegSlicer.scene.lung_segments import lung_segments
from LungUNetSegSlicer.scene.network_mask import network_mask


def has_others_work(segmentation: vtkMRMLSegmentationNode) -> bool:
    """Return whether a segmentation's lungs are not, voxel by voxel, those of the run that it keeps.

    They were corrected then, or somebody else made them; this is also assumed where it cannot be told.
    """
    keys, result = list(lung_segments(segmentation)), recall_network(segmentation)
    try:
        network = network_mask(segmentation)
        if network is None or result is None:
            return middle_ras(segmentation, keys) is not None
        masks = finish(lung_mask_steps(segmentation, ct_of(segmentation)))
        changes = changes_of(network.labels(), masks.labels, masks.kind if has_sides(result) else "binary")
    except LungUNetSegError:
        return bool(keys)
    return any(each["slices"] for each in changes.values())
