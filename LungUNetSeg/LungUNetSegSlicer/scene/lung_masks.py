"""Reads a segmentation's lungs, as they are now, on the grid of their CT, and writes corrections back."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import slicer
from slicer import vtkMRMLScalarVolumeNode, vtkMRMLSegmentationNode
from slicer.i18n import tr as _
from vtk import vtkMatrix4x4
from vtk.util.numpy_support import vtk_to_numpy

from LungUNetSegLib.errors import DataError
from LungUNetSegLib.findings import Finding
from LungUNetSegLib.io.masks.lung_names import BOTH
from LungUNetSegLib.segments import BOTH_LUNGS, LEFT_LUNG, LUNGS, RIGHT_LUNG, LabelKind, Segment
from LungUNetSegLib.volume import Geometry, Volume, bounding_box
from LungUNetSegSlicer.scene.lung_segments import lung_segments
from LungUNetSegSlicer.scene.segment_mask import segment_mask
from LungUNetSegSlicer.scene.segmentation_node import BINARY_LABELMAP, CLOSED_SURFACE, cut_image, make_segments
from LungUNetSegSlicer.scene.volume_bridge import (
    geometry_from_ijk_to_ras,
    ijk_to_ras,
    slabs_of,
    voxels,
)


@dataclass(frozen=True, eq=False, kw_only=True)
class LungMasks:
    """The lungs of a segmentation.

    Attributes:
        labels: uint8 on the CT's grid: 1 right and 2 left, or 1 both.
        kind: Which of the two.
        findings: On how they were read.
    """

    labels: Volume
    kind: LabelKind
    findings: tuple[Finding, ...]

    @property
    def segments(self) -> Sequence[Segment]:
        """What the labels mean."""
        return LUNGS if self.kind == "lr" else BOTH_LUNGS


def ct_of(segmentation: vtkMRMLSegmentationNode) -> vtkMRMLScalarVolumeNode:
    """Return the CT that a segmentation was made of.

    Raises:
        DataError: It is no longer in the scene, or lies under another transform than the segmentation.
    """
    volume = segmentation.GetNodeReference(vtkMRMLSegmentationNode.GetReferenceImageGeometryReferenceRole())
    if volume is None:
        text = _("The CT of the segmentation {name} is no longer in the scene.")
        raise DataError(text.format(name=segmentation.GetName()))
    if volume.GetTransformNodeID() != segmentation.GetTransformNodeID():
        raise DataError(
            _(
                "The segmentation {segmentation} and its CT {ct} are under different transforms. Put both under one"
                " (module Transforms)."
            ).format(segmentation=segmentation.GetName(), ct=volume.GetName())
        )
    return volume


def lung_mask_steps(
    segmentation: vtkMRMLSegmentationNode, volume: vtkMRMLScalarVolumeNode
) -> Generator[None, None, LungMasks]:
    """Read the lungs of a segmentation in steps, some for each segment.

    Voxels of both lungs count for the one that comes later.

    Raises:
        DataError: No segment is a lung, or a lung's segment has no binary label map.
    """
    sides = lung_segments(segmentation)
    if not sides:
        raise DataError(
            _("The segmentation {name} has no segment that is a lung by its name or terminology.").format(
                name=segmentation.GetName()
            )
        )
    grid = grid_of(volume)
    labels = np.zeros(grid.shape, np.uint8)
    twice, fits = 0, True
    # All of them now: the user may remove one between two steps.
    segments = [(segmentation.GetSegmentation().GetSegment(key), label) for key, label in sides.items()]
    for segment, label in segments:
        if segment.GetRepresentation(BINARY_LABELMAP) is None:
            text = _("The segment {name} has no binary label map. Make it in the module Segmentations first.")
            raise DataError(text.format(name=segment.GetName()))
        box, mask, lies_on_grid = segment_mask(segment, grid)
        fits &= lies_on_grid
        yield
        part, value = labels[box], np.uint8(LEFT_LUNG if label == LEFT_LUNG else RIGHT_LUNG)
        for slab in slabs_of(mask):
            here, target = mask[slab], part[slab]
            twice += int(np.count_nonzero(here & (target > 0) & (target != value)))
            np.copyto(target, value, where=here)
            yield
    findings = []
    if not fits:
        text = _("The segmentation lies on another grid than its CT, and was resampled to the CT's voxels.")
        findings.append(Finding("mask-resampled", text))
    if twice:
        text = _("{ml} ml are marked as both lungs; they were counted for one of them.")
        findings.append(Finding("lungs-overlap", text.format(ml=f"{twice * grid.voxel_volume_ml:.1f}")))
    kind: LabelKind = "binary" if set(sides.values()) == {BOTH} else "lr"
    return LungMasks(labels=Volume(labels, grid), kind=kind, findings=tuple(findings))


def grid_of(volume: vtkMRMLScalarVolumeNode) -> Geometry:
    """Return the grid of a CT's voxels, without its parent transform."""
    return geometry_from_ijk_to_ras(voxels(volume).shape, ijk_to_ras(volume))


def middle_ras(segmentation: vtkMRMLSegmentationNode, keys: Sequence[str]) -> tuple[float, float, float] | None:
    """Return the middle of the box around some segments, in RAS mm without the parent transform; None if all are empty.

    Segments share a label map, so that `vtkSegment.GetBounds` would give the box around all of them.
    """
    corners = []
    for key in keys:
        segment = segmentation.GetSegmentation().GetSegment(key)
        image = segment.GetRepresentation(BINARY_LABELMAP)
        extent = np.array(image.GetExtent() if image else (0, -1) * 3)
        if (extent[1::2] < extent[::2]).any():
            continue
        array = vtk_to_numpy(image.GetPointData().GetScalars()).reshape((extent[1::2] - extent[::2] + 1)[::-1])
        box = bounding_box(array == segment.GetLabelValue())
        if box[0].stop == box[0].start:
            continue
        matrix = vtkMatrix4x4()
        image.GetImageToWorldMatrix(matrix)
        for ends in ([axis.start for axis in box], [axis.stop - 1 for axis in box]):
            corners.append(slicer.util.arrayFromVTKMatrix(matrix) @ (*(extent[::2] + ends[::-1]), 1.0))
    if not corners:
        return None
    x, y, z, _one = (np.min(corners, axis=0) + np.max(corners, axis=0)) / 2
    return float(x), float(y), float(z)


def edit_state(segmentation: vtkMRMLSegmentationNode) -> dict[str, tuple[Any, int]]:
    """Return each segment's label map and when it was last modified, which tell whether the user edits meanwhile."""
    content = segmentation.GetSegmentation()
    images = {key: content.GetSegment(key).GetRepresentation(BINARY_LABELMAP) for key in content.GetSegmentIDs()}
    return {key: (image, image.GetMTime() if image else 0) for key, image in images.items()}


def write_lung_masks(segmentation: vtkMRMLSegmentationNode, masks: LungMasks) -> None:
    """Replace the lungs' voxels by new ones; a lung that was in no segment gets one. Surfaces are removed.

    Raises:
        DataError: A lung is in several segments.
    """
    content = segmentation.GetSegmentation()
    sides = lung_segments(segmentation)
    for each in masks.segments:
        label = BOTH if masks.kind == "binary" else each.label
        names = [content.GetSegment(key).GetName() for key, side in sides.items() if side == label]
        if len(names) > 1:
            raise DataError(
                _(
                    "{lung} is in several segments ({names}). Join them first (Segment Editor, Logical operators, Add)."
                ).format(lung=each.name, names=", ".join(names))
            )
    image = cut_image(masks.labels)
    for each in masks.segments:
        label = BOTH if masks.kind == "binary" else each.label
        key = next((key for key, side in sides.items() if side == label), None)
        if key is None:
            for segment_id, segment in make_segments(image, [each]).items():
                content.AddSegment(segment, segment_id)
            continue
        segment = content.GetSegment(key)
        segment.RemoveRepresentation(BINARY_LABELMAP)
        segment.SetLabelValue(each.label)
        segment.AddRepresentation(BINARY_LABELMAP, image)
        segment.Modified()
    content.RemoveRepresentation(CLOSED_SURFACE)
    content.Modified()
    segmentation.Modified()
