"""Tells which segments of a segmentation are lungs, and takes them out."""

from __future__ import annotations

from slicer import vtkMRMLSegmentationNode

from LungUNetSegLib.io.masks.choice import lungs_among
from LungUNetSegLib.io.masks.lung_names import BOTH, terminology_codes
from LungUNetSegLib.segments import BOTH_LUNGS, LUNGS

SCRIBBLES = "LungUNetSegScribbles"
"""Id of the segment in which the user marks what to repair; it is never a lung."""


def lung_segments(segmentation: vtkMRMLSegmentationNode) -> dict[str, int]:
    """Return the label of each segment that is a lung, or a part of one: by terminology, name, or its id.

    A segment that was split has parts with the lung's terminology or name; one that was renamed keeps its terminology.
    """
    content = segmentation.GetSegmentation()
    ids = [each for each in content.GetSegmentIDs() if each != SCRIBBLES]
    named = {}
    for each in ids:
        segment = content.GetSegment(each)
        named[each] = (segment.GetName(), terminology_codes(segment.GetTerminology() or ""))
    labels = dict(lungs_among(named).labels)
    own = {segment.segment_id: segment.label for segment in LUNGS} | {BOTH_LUNGS[0].segment_id: BOTH}
    labels |= {key: own[key] for key in ids if key in own and key not in labels}
    if BOTH in labels.values() and set(labels.values()) != {BOTH}:
        labels = {key: label for key, label in labels.items() if label != BOTH}
    return labels


def remove_lungs(segmentation: vtkMRMLSegmentationNode) -> None:
    """Remove the lungs and the scribbles about them; other segments, such as a tumour that the user drew, stay."""
    for key in _replaced(segmentation):
        segmentation.GetSegmentation().RemoveSegment(key)


def other_segments(segmentation: vtkMRMLSegmentationNode) -> list[str]:
    """Return the ids of the segments that `remove_lungs` leaves."""
    replaced = _replaced(segmentation)
    return [each for each in segmentation.GetSegmentation().GetSegmentIDs() if each not in replaced]


def _replaced(segmentation: vtkMRMLSegmentationNode) -> set[str]:
    own = {segment.segment_id for segment in (*LUNGS, *BOTH_LUNGS)}
    return own | lung_segments(segmentation).keys() | {SCRIBBLES}
