"""Reading and writing segmentations: `slicer.app.coreIOManager()`, behind slicer.util.saveNode and loadSegmentation.

Stands for Slicer's Base/QTCore/qSlicerCoreIOManager.h and
Modules/Loadable/Segmentations/qSlicerSegmentationsReader.cxx; the file itself is Slicer's own storage node's work.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from slicer import vtkMRMLScene, vtkMRMLSegmentationStorageNode


class qSlicerCoreIOManager:
    """Reads and writes one type of node.

    Args:
        scene: Where nodes are found and put.
    """

    def __init__(self, scene: vtkMRMLScene) -> None:
        self._scene = scene

    def fileWriterFileType(self, node: Any) -> str:
        """Return by which name `saveNodes` knows a node's type."""
        assert node.IsA("vtkMRMLSegmentationNode"), f"the host cannot write a {node.GetClassName()}"
        return "SegmentationFile"

    def saveNodes(self, filetype: str, properties: dict[str, Any], _messages: Any) -> bool:
        """Write the node with the ID ``properties["nodeID"]``."""
        assert filetype == "SegmentationFile"
        storage = vtkMRMLSegmentationStorageNode()
        storage.SetFileName(properties["fileName"])
        return bool(storage.WriteData(self._scene.GetNodeByID(properties["nodeID"])))

    def loadNodes(self, filetype: str, properties: dict[str, Any], loaded: Any, _messages: Any) -> bool:
        """Read a file into a new node."""
        assert filetype == "SegmentationFile"
        storage = vtkMRMLSegmentationStorageNode()
        storage.SetFileName(properties["fileName"])
        name = Path(properties["fileName"]).name.removesuffix(".seg.nrrd")
        node = self._scene.AddNewNodeByClass("vtkMRMLSegmentationNode", name)
        loaded.AddItem(node)
        return bool(storage.ReadData(node))
