"""Label map volumes in Slicer's scene, as other readers' references come."""

from __future__ import annotations

from typing import Any

import numpy as np

from LungUNetSegLib.volume import Volume


def add_label_map(labels: Volume, name: str = "Reader 1") -> Any:
    """Add a label map volume to the scene, with Slicer's default colours."""
    # Once a test runs there is a Slicer.
    import slicer

    from LungUNetSegSlicer.scene.volume_bridge import ijk_to_ras_matrix

    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", name)
    node.SetIJKToRASMatrix(ijk_to_ras_matrix(labels.geometry))
    slicer.util.updateVolumeFromArray(node, np.ascontiguousarray(labels.array))
    node.CreateDefaultDisplayNodes()
    return node
