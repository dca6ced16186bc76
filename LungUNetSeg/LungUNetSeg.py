"""LungUNetSeg, a module of 3D Slicer, segments the right and the left lung of a chest CT with a 2D U-Net.

This file holds the descriptor, parameter node, panel, logic and self-test. The work is done in `LungUNetSegLib` (pure
Python) and `LungUNetSegSlicer` (which uses MRML). Loading this file imports no torch and installs nothing, and it
works without Qt: functions that need `qt` or `ctk` import them when they are called.
"""

from __future__ import annotations

import sys
import unittest
from pathlib import Path
from typing import Any

import slicer
import vtk
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
    # In a checkout that Slicer uses as an additional module path, only this folder is on sys.path.
    sys.path.append(str(Path(__file__).resolve().parents[1]))

from LungUNetSegSlicer.logic import LungLogic
from LungUNetSegSlicer.run.settings import Device, Engine, Output

TUTORIAL = "https://github.com/LungUNetSeg/SlicerLungUNetSeg/blob/main/docs/tutorial.md"


class LungUNetSeg(ScriptedLoadableModule):
    """Describes the module in Slicer's menus and help."""

    def __init__(self, parent: Any) -> None:
        ScriptedLoadableModule.__init__(self, parent)
        parent.title = _("LungUNetSeg")
        parent.categories = [translate("qSlicerAbstractCoreModule", "Segmentation")]
        parent.dependencies = ["Colors", "Plots", "Segmentations", "SubjectHierarchy", "Tables", "Volumes"]
        parent.contributors = ["LungUNetSeg contributors"]
        parent.helpText = _(
            "Segments the right and the left lung in chest CT, slice by slice, with a 2D U-Net that needs no GPU. "
            "Choose a CT and click <b>Segment lungs</b>: the result is a segmentation beside the CT, with volumes in "
            "ml. Nothing leaves this computer.<p>For research; not a medical device. See the "
            '<a href="{url}">tutorial</a>.'
        ).format(url=TUTORIAL)
        parent.acknowledgementText = _(
            "After the 2D U-Net pipeline for lung CT and its metrics; the sample scan is LIDC-IDRI-0001 (Armato et "
            "al. 2015, doi:10.7937/K9/TCIA.2015.LO9QL9SX) from The Cancer Imaging Archive."
        )
        slicer.app.connect("startupCompleted()", registerSampleData)


def registerSampleData() -> None:
    """Offer the sample scan and the phantom in Slicer's Sample Data module."""
    from LungUNetSegSlicer.scene.sample_data import register

    register(Path(__file__).parent / "Resources" / "Icons" / "LungUNetSeg.png")


@parameterNodeWrapper
class LungUNetSegParameterNode:
    """The panel's settings, saved with the scene."""

    inputVolume: vtkMRMLScalarVolumeNode
    outputSegmentation: vtkMRMLSegmentationNode
    output: Output = Output.RIGHT_AND_LEFT
    show3d: bool = True
    model: str = "lungs"
    device: Device = Device.AUTO
    engine: Engine = Engine.AUTO


class LungUNetSegWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """The panel. It loads its widgets and binds them to the settings; `LungUNetSegSlicer` does the rest."""

    def __init__(self, parent: Any = None) -> None:
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.logic: LungUNetSegLogic | None = None
        self._parameterNode: LungUNetSegParameterNode | None = None
        self._guiTag: int | None = None

    def setup(self) -> None:
        """Create the panel; Slicer calls this once, when the user first opens the module."""
        from LungUNetSegSlicer.panel.batch_panel import BatchPanel
        from LungUNetSegSlicer.panel.compare_panel import ComparePanel
        from LungUNetSegSlicer.panel.dates_panel import DatesPanel
        from LungUNetSegSlicer.panel.finetune_panel import FinetunePanel
        from LungUNetSegSlicer.panel.first_scan import FirstScan
        from LungUNetSegSlicer.panel.segment_panel import SegmentPanel

        ScriptedLoadableModuleWidget.setup(self)
        uiWidget = slicer.util.loadUI(self.resourcePath("UI/LungUNetSeg.ui"))
        self.layout.addWidget(uiWidget)
        self.ui = slicer.util.childWidgetVariables(uiWidget)
        uiWidget.setMRMLScene(slicer.mrmlScene)
        self.logic = LungUNetSegLogic()
        self.firstScan = FirstScan(self.ui, self._chooseLoaded)
        self.segmentPanel = SegmentPanel(self.ui, self.logic)
        self.comparePanel = ComparePanel(self.ui)
        self.batchPanel = BatchPanel(self.ui, self.logic, self._showLoaded)
        self.datesPanel = DatesPanel(self.ui)
        self.finetunePanel = FinetunePanel(self.ui, self.logic, self.segmentPanel.list_models)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.StartCloseEvent, self.onSceneStartClose)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndCloseEvent, self.onSceneEndClose)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.StartImportEvent, self.onSceneStartImport)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndImportEvent, self.onSceneEndClose)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.NodeAddedEvent, self.onNodeAdded)
        self.enter()

    def cleanup(self) -> None:
        """Release everything; Slicer calls this when it quits or reloads the module."""
        self.segmentPanel.cancel()
        self.comparePanel.close()
        self.batchPanel.close()
        self.finetunePanel.close()
        self.datesPanel.close()
        self.firstScan.close()
        self._setParameterNode(None)
        self.removeObservers()

    def enter(self) -> None:
        """Show the settings of the scene; Slicer calls this each time the user opens the module."""
        self._setParameterNode(self.logic.getParameterNode())
        self._chooseVolume()
        self.firstScan.update()

    def exit(self) -> None:
        """Stop following the settings while the user is in another module; a run continues.

        An error that the user has seen is hidden; one that comes meanwhile is there on return.
        """
        self.segmentPanel.hide_error()
        self._disconnect()

    def onSceneStartClose(self, *_: Any) -> None:
        """Disconnect from the settings of the scene that is being closed."""
        self.datesPanel.close()
        self.firstScan.forget()
        self._setParameterNode(None)

    def onSceneStartImport(self, *_: Any) -> None:
        """Stop following the settings: those of a saved scene come before the nodes that they name."""
        self._disconnect()

    def onSceneEndClose(self, *_: Any) -> None:
        """Show the settings of the emptied or loaded scene if the module is open; they are made if there are none."""
        if self.parent.isEntered:
            self.enter()

    def onNodeAdded(self, *_: Any) -> None:
        """Choose the first CT that is loaded."""
        if self._guiTag is not None:
            self._chooseVolume()
            self.firstScan.update()

    def _chooseVolume(self) -> None:
        """Choose the scene's first scan if none is chosen."""
        from LungUNetSegSlicer.scene.colour_maps import scans_of_scene

        if self._parameterNode.inputVolume is None and (scans := scans_of_scene()):
            self._parameterNode.inputVolume = scans[0]

    def _chooseLoaded(self, volumeNode: Any) -> None:
        """Choose a volume that the panel's own buttons loaded; Slicer's readers show it in the views."""
        if self._parameterNode is not None and volumeNode is not None:
            self._parameterNode.inputVolume = volumeNode

    def _showLoaded(self, volumeNode: Any, segmentationNode: Any) -> None:
        """Choose a scan of a batch that the user loaded, and its lungs, and show it."""
        self._chooseLoaded(volumeNode)
        if self._parameterNode is not None:
            self._parameterNode.outputSegmentation = segmentationNode
        logic = slicer.app.applicationLogic()
        logic.GetSelectionNode().SetActiveVolumeID(volumeNode.GetID())
        logic.PropagateVolumeSelection()

    def _setParameterNode(self, parameterNode: LungUNetSegParameterNode | None) -> None:
        self._disconnect()
        self._parameterNode = parameterNode
        if parameterNode is not None:
            self._guiTag = parameterNode.connectGui(self.ui)
            self.addObserver(parameterNode, vtk.vtkCommand.ModifiedEvent, self._onParametersModified)
        self.segmentPanel.set_parameters(parameterNode)
        self.comparePanel.set_parameters(parameterNode)
        self.batchPanel.set_parameters(parameterNode)
        self.finetunePanel.set_parameters(parameterNode)

    def _disconnect(self) -> None:
        if self._guiTag is not None:
            self._parameterNode.disconnectGui(self._guiTag)
            self._guiTag = None
            self.removeObserver(self._parameterNode, vtk.vtkCommand.ModifiedEvent, self._onParametersModified)

    def _onParametersModified(self, *_: Any) -> None:
        self.segmentPanel.update_to_change()
        self.comparePanel.update()
        self.batchPanel.update()


class LungUNetSegLogic(ScriptedLoadableModuleLogic, LungLogic):
    """Segmentation without a GUI: from Slicer's Python console or a script."""

    def getParameterNode(self) -> LungUNetSegParameterNode:
        """Return the module's settings in the current scene."""
        return LungUNetSegParameterNode(super().getParameterNode())


class LungUNetSegTest(ScriptedLoadableModuleTest):
    """The self-test that "Reload and Test" and ctest run. It needs no network, and most of it needs no engine."""

    def runTest(self) -> None:
        """Run all tests as unittest does; Slicer's own loop counts a skipped test as failed."""
        result = unittest.TextTestRunner(verbosity=2).run(unittest.defaultTestLoader.loadTestsFromTestCase(type(self)))
        if not result.wasSuccessful():
            raise AssertionError("\n".join(report for _test, report in result.failures + result.errors))

    def setUp(self) -> None:
        """Start each test with an empty scene and a synthetic thorax."""
        from LungUNetSegLib.phantom import make_phantom, phantom_geometry
        from LungUNetSegSlicer.scene.volume_bridge import add_volume_node

        slicer.mrmlScene.Clear()
        self.phantom = make_phantom(phantom_geometry((40, 128, 128)), rng=1)
        self.volumeNode = add_volume_node(self.phantom.ct, "Phantom")

    def test_labels_become_segments_on_their_own_voxels(self) -> None:
        """Each lung's voxels, name and terminology are the same in its segment."""
        from LungUNetSegLib.segments import LUNGS
        from LungUNetSegSlicer.scene.segmentation_node import show_labels

        segmentationNode = show_labels(self.phantom.labels, LUNGS, self.volumeNode, show3d=True)
        self.assertEqual(segmentationNode.GetSegmentation().GetNumberOfSegments(), 2)
        for lung in LUNGS:
            segment = segmentationNode.GetSegmentation().GetSegment(lung.segment_id)
            self.assertEqual(segment.GetName(), lung.name)
            mask = slicer.util.arrayFromSegmentBinaryLabelmap(segmentationNode, lung.segment_id, self.volumeNode)
            self.assertTrue(((mask > 0) == (self.phantom.labels.array == lung.label)).all())

    def test_the_network_finds_both_lungs(self) -> None:
        """The shipped model segments the phantom nearly as drawn (in its middle; the ends have no organs)."""
        from LungUNetSegLib.metrics import count
        from LungUNetSegSlicer.panel.dependencies import missing
        from LungUNetSegSlicer.run.settings import RunSettings

        package = missing(RunSettings(model="lungs"))
        if package:
            message = _("{title} is not installed; the panel installs it at the first click")
            self.skipTest(message.format(title=package.title))
        _node, result = LungUNetSegLogic().segment(self.volumeNode)
        withLung = self.phantom.labels.array.any(axis=(1, 2))
        for label in (1, 2):
            found, drawn = (array[withLung] == label for array in (result.labels.array, self.phantom.labels.array))
            scores = count(found, drawn)
            self.assertGreater(float(scores.dsc), 0.9)
