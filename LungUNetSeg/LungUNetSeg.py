"""LungUNetSeg, a module of 3D Slicer: the right and the left lung of a chest CT, segmented by a 2D U-Net.

Descriptor, parameter node, panel, logic and self-test. The work is done in `LungUNetSegLib` (pure Python) and
in `LungUNetSegSlicer` (what knows MRML). Loading this file imports no torch and installs nothing, and it loads where
there is no Qt: whatever needs `qt` or `ctk` imports them where it is called.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import slicer
from slicer import vtkMRMLScalarVolumeNode, vtkMRMLSegmentationNode
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.parameterNodeWrapper import parameterNodeWrapper
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)
from slicer.util import VTKObservationMixin

try:
    import LungUNetSegLib  # noqa: F401
except ModuleNotFoundError:
    # A checkout whose LungUNetSeg folder is an additional module path: only this folder is on sys.path.
    sys.path.append(str(Path(__file__).resolve().parents[1]))

if TYPE_CHECKING:
    from LungUNetSegLib.inference.segmenter import Segmentation


class LungUNetSeg(ScriptedLoadableModule):
    """What Slicer shows of the module in its menus and help."""

    def __init__(self, parent) -> None:
        ScriptedLoadableModule.__init__(self, parent)


@parameterNodeWrapper
class LungUNetSegParameterNode:
    """The panel's settings, saved with the scene."""

    inputVolume: vtkMRMLScalarVolumeNode
    outputSegmentation: vtkMRMLSegmentationNode


class LungUNetSegWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """The panel."""


class LungUNetSegLogic(ScriptedLoadableModuleLogic):
    """Segmentation without a GUI: from Slicer's Python console, a script or a server."""

    def getParameterNode(self) -> LungUNetSegParameterNode:
        """Return the module's settings in the current scene."""
        return LungUNetSegParameterNode(super().getParameterNode())

    def segment(
        self,
        volumeNode: vtkMRMLScalarVolumeNode,
        segmentationNode: vtkMRMLSegmentationNode | None = None,
        *,
        model: str = "lungs",
        engine: str = "auto",
        device: str = "auto",
        labels: str = "lr",
        show3d: bool = False,
        progress: Callable[[str, int, int], None] | None = None,
    ) -> tuple[vtkMRMLSegmentationNode, Segmentation]:
        """Segment the lungs of a CT."""
        raise NotImplementedError


class LungUNetSegTest(ScriptedLoadableModuleTest):
    """The self-test that Slicer's "Reload and Test" and ctest run."""

    def runTest(self) -> None:
        """Run every test of the module."""
