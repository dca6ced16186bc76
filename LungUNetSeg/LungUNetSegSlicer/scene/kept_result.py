"""Keeps a run's result and the network's own mask with a segmentation node, and so in the saved scene.

The mask is a text in an attribute: no module can edit it, and Slicer's dialog for saving leaves out hidden nodes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import slicer
from slicer import vtkMRMLScalarVolumeNode, vtkMRMLSegmentationNode

ATTRIBUTE = "LungUNetSeg.Result"
"""What is shown: the run's result, or that of a mask that was measured again."""

NETWORK_ATTRIBUTE, NETWORK_MASK_ATTRIBUTE = "LungUNetSeg.NetworkResult", "LungUNetSeg.NetworkMask"
"""The run's own result, and its labels as `segmentation.network_mask.to_text` writes them."""


def remember(segmentation: vtkMRMLSegmentationNode, result: Mapping[str, Any], original: str | None = None) -> None:
    """Store a run's result with its segmentation node.

    Args:
        segmentation: The node.
        result: What `lungunetseg segment --json` writes.
        original: The network's labels as a text, if they are known.
    """
    text = json.dumps(result)
    segmentation.SetAttribute(ATTRIBUTE, text)
    segmentation.SetAttribute(NETWORK_ATTRIBUTE, text)
    segmentation.SetAttribute(NETWORK_MASK_ATTRIBUTE, original)


def remember_correction(segmentation: vtkMRMLSegmentationNode, result: Mapping[str, Any]) -> None:
    """Store the result of a mask that was measured again; the run's own stays."""
    segmentation.SetAttribute(ATTRIBUTE, json.dumps(result))


def recall(segmentation: vtkMRMLSegmentationNode | None) -> dict[str, Any] | None:
    """Return the result to show; None for a segmentation that this module did not make."""
    return _loaded(segmentation, ATTRIBUTE)


def recall_network(segmentation: vtkMRMLSegmentationNode) -> dict[str, Any] | None:
    """Return the run's own result; in scenes of older versions it is the only one."""
    return _loaded(segmentation, NETWORK_ATTRIBUTE) or recall(segmentation)


def lungs_of(volume: vtkMRMLScalarVolumeNode | None) -> vtkMRMLSegmentationNode | None:
    """Return the segmentation that this module last made of a CT; None if there is none in the scene."""
    role = vtkMRMLSegmentationNode.GetReferenceImageGeometryReferenceRole()
    made = [
        each
        for each in slicer.util.getNodesByClass("vtkMRMLSegmentationNode")
        if volume is not None and each.GetAttribute(ATTRIBUTE) and each.GetNodeReference(role) is volume
    ]
    return made[-1] if made else None


def run_of(segmentation: vtkMRMLSegmentationNode | None) -> str | None:
    """Return what tells one run from another: the stored text of its result; None if there was none."""
    text: str | None = segmentation.GetAttribute(NETWORK_ATTRIBUTE) if segmentation else None
    return text


def recall_network_mask(segmentation: vtkMRMLSegmentationNode) -> str | None:
    """Return the network's labels for `segmentation.network_mask.from_text`; None if they were not kept."""
    text: str | None = segmentation.GetAttribute(NETWORK_MASK_ATTRIBUTE)
    return text


def _loaded(segmentation: vtkMRMLSegmentationNode | None, name: str) -> dict[str, Any] | None:
    text = segmentation.GetAttribute(name) if segmentation else None
    return json.loads(text) if text else None
