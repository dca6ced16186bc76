"""Sets Segment Editor up for our segments, and keeps the segment in which the user scribbles."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import slicer
from slicer import vtkMRMLScalarVolumeNode, vtkMRMLSegmentationNode, vtkMRMLSegmentEditorNode, vtkSegment
from slicer.i18n import tr as _

from LungUNetSegLib.volume import Geometry
from LungUNetSegSlicer.scene.lung_segments import SCRIBBLES
from LungUNetSegSlicer.scene.segment_mask import segment_mask
from LungUNetSegSlicer.scene.segmentation_node import BINARY_LABELMAP

MODULE = "SegmentEditor"
SCRIBBLE_COLOUR = (0.95, 0.85, 0.15)


def set_up_editor(
    segmentation: vtkMRMLSegmentationNode, volume: vtkMRMLScalarVolumeNode, *, scribble: bool = False
) -> vtkMRMLSegmentEditorNode:
    """Choose a segmentation, its CT and mask settings in Segment Editor's own settings, which the module shows.

    Lungs are painted so that each takes its voxels from all other segments. Scribbles take nothing.

    Args:
        segmentation: The lungs.
        volume: The CT.
        scribble: Whether to choose the segment for scribbles, which is made if there is none.
    """
    editor = _editor_node()
    editor.SetAndObserveSegmentationNode(segmentation)
    editor.SetAndObserveSourceVolumeNode(volume)
    editor.SetMaskMode(slicer.vtkMRMLSegmentationNode.EditAllowedEverywhere)
    editor.SetSourceVolumeIntensityMask(False)
    content = segmentation.GetSegmentation()
    if scribble:
        if content.GetSegment(SCRIBBLES) is None:
            segment = vtkSegment()
            segment.SetName(_("Scribbles"))
            segment.SetColor(*SCRIBBLE_COLOUR)
            content.AddSegment(segment, SCRIBBLES)
        editor.SetOverwriteMode(vtkMRMLSegmentEditorNode.OverwriteNone)
        editor.SetSelectedSegmentID(SCRIBBLES)
    else:
        editor.SetOverwriteMode(vtkMRMLSegmentEditorNode.OverwriteAllSegments)
        others = [each for each in content.GetSegmentIDs() if each != SCRIBBLES]
        if others and editor.GetSelectedSegmentID() not in others:
            editor.SetSelectedSegmentID(others[0])
    return editor


def scribbles_of(segmentation: vtkMRMLSegmentationNode, grid: Geometry) -> npt.NDArray[np.bool_]:
    """Return the scribbles on a CT's grid; none before the first."""
    marks = np.zeros(grid.shape, bool)
    segment = segmentation.GetSegmentation().GetSegment(SCRIBBLES)
    if segment is not None and segment.GetRepresentation(BINARY_LABELMAP) is not None:
        box, mask, _fits = segment_mask(segment, grid)
        marks[box] = mask
    return marks


def remove_scribbles(segmentation: vtkMRMLSegmentationNode) -> None:
    """Remove the segment with the scribbles."""
    segmentation.GetSegmentation().RemoveSegment(SCRIBBLES)


def _editor_node() -> Any:
    """Return the settings node of the module Segment Editor, by the tag under which it looks for it."""
    node = slicer.mrmlScene.GetSingletonNode(MODULE, "vtkMRMLSegmentEditorNode")
    if node is None:
        node = vtkMRMLSegmentEditorNode()
        node.SetSingletonTag(MODULE)
        node = slicer.mrmlScene.AddNode(node)
    return node
