"""The check box "Show local density": colours over slices and surface, a legend each, and all as before afterwards."""

from __future__ import annotations

import numpy as np
import pytest
from panel_helpers.heartbeat import LONGEST_MS, Heartbeat

from LungUNetSegLib.measures.density_map import density_map
from LungUNetSegLib.segments import LUNGS
from LungUNetSegLib.volume import Geometry, Volume

pytestmark = pytest.mark.usefixtures("nothing_left", "stub_child")


@pytest.fixture
def ran(app, panel, phantom_node, wait_until):
    """The panel after a run, with slice views; call it to check or uncheck the box and wait."""
    import slicer

    layout = app.layoutManager().layoutLogic().GetLayoutNode()
    layout.SetViewArrangement(slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView)
    panel.run()

    def click():
        panel.click(panel.ui.densityMapCheckBox)
        wait_until(lambda: not view(panel).running)

    yield click
    app.layoutManager().let_go()


def view(panel):
    return panel.widget.segmentPanel._results.density_map


def composites():
    import slicer

    return slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode")


def test_the_map_lies_over_the_slices_and_on_the_surface(panel, ran, phantom_node):
    """Protects its values, colours and legends, and that the segments' own fill and surface do not cover it."""
    import slicer
    from vtk.util.numpy_support import vtk_to_numpy

    from LungUNetSegSlicer.background import finish
    from LungUNetSegSlicer.scene.local_density import SCALARS
    from LungUNetSegSlicer.scene.lung_masks import lung_mask_steps
    from LungUNetSegSlicer.scene.volume_bridge import volume_from_node

    ran()
    shown, segmentation = view(panel).shown, panel.parameters.outputSegmentation
    labels = finish(lung_mask_steps(segmentation, phantom_node)).labels
    expected = density_map(labels, volume_from_node(phantom_node)[0]).array
    np.testing.assert_array_equal(slicer.util.arrayFromVolume(shown.volume), expected)
    assert {each.GetForegroundVolumeID() for each in composites()} == {shown.volume.GetID()}
    scalars = vtk_to_numpy(shown.model.GetPolyData().GetPointData().GetArray(SCALARS))
    inside = expected[labels.array > 0]
    assert inside.min() <= scalars.min() and scalars.max() <= inside.max()
    for node in (shown.volume, shown.model):
        legend = node.GetNthDisplayNode(1)
        assert legend.GetClassName() == "vtkMRMLColorLegendDisplayNode" and legend.GetTitleText() == "HU"
    display = shown.volume.GetDisplayNode()
    assert (display.GetWindowLevelMin(), display.GetWindowLevelMax()) == (-1000, -600)
    assert display.GetApplyThreshold() and display.GetLowerThreshold() == -1023
    assert not segmentation.GetDisplayNode().GetVisibility2DFill()
    assert "10 mm" in panel.ui.resultsNoteLabel.text


def test_unchecked_all_is_as_before(app, panel, ran, scene_ids):
    before = scene_ids(), [each.GetForegroundVolumeID() for each in composites()]
    display = panel.parameters.outputSegmentation.GetDisplayNode()
    visible = display.GetVisibility2DFill(), display.GetVisibility3D()
    ran()
    colours = [each for each in scene_ids() if each not in before[0] and "ProceduralColor" in each]
    ran()
    assert [each for each in scene_ids() if each not in colours] == before[0]
    assert [each.GetForegroundVolumeID() for each in composites()] == before[1]
    assert (display.GetVisibility2DFill(), display.GetVisibility3D()) == visible
    assert view(panel).shown is None and panel.ui.resultsNoteLabel.text == ""


def test_a_map_of_lungs_that_were_measured_again_goes(panel, ran):
    """Protects against colours that belong to an earlier mask."""
    from LungUNetSegSlicer.scene.kept_result import recall, remember

    ran()
    segmentation = panel.parameters.outputSegmentation
    remember(segmentation, recall(segmentation) | {"methods": "another"})
    panel.widget.segmentPanel._results.show(segmentation)
    assert not panel.ui.densityMapCheckBox.checked and view(panel).shown is None


def test_nothing_stays_when_the_scene_or_the_module_is_closed(app, panel, ran):
    """Protects a reload of the module: colours that no check box could take away."""
    ran()
    panel.widget.cleanup()
    assert not [each for each in composites() if each.GetForegroundVolumeID()]
    assert app.mrmlScene().GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode") == 1


def test_a_scene_that_was_saved_with_the_map_shows_it_and_can_take_it_away(app, panel, ran, tmp_path):
    """Protects who goes on the next day: the map stayed for good, a second one came, and the lungs had no fill."""
    import slicer

    scene = app.mrmlScene()
    ran()
    assert scene.WriteToMRB(str(tmp_path / "scene.mrb"), None)
    scene.Clear(0)
    scene.ReadFromMRB(str(tmp_path / "scene.mrb"), True)
    app.processEvents()
    assert panel.ui.densityMapCheckBox.checked and "10 mm" in panel.ui.resultsNoteLabel.text
    display = panel.parameters.outputSegmentation.GetDisplayNode()
    assert not display.GetVisibility2DFill()
    ran()
    assert not panel.ui.densityMapCheckBox.checked and display.GetVisibility2DFill()
    assert scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode") == 1
    assert not [each for each in slicer.util.getNodesByClass("vtkMRMLModelNode") if "density" in each.GetName()]
    ran()
    assert scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode") == 2


def test_a_map_is_no_scan(panel, ran, phantom_node):
    """Protects a batch of the scene's CTs, and the choice of the next one, from colours."""
    import slicer

    from LungUNetSegSlicer.panel.batch_panel import _volumes_of_scene

    ran()
    assert list(_volumes_of_scene().values()) == [phantom_node]
    slicer.mrmlScene.RemoveNode(phantom_node)
    panel.widget.onNodeAdded()
    assert panel.parameters.inputVolume is None


def test_what_cannot_be_mapped_is_said(panel, ran):
    from slicer import vtkMRMLSegmentationNode

    role = vtkMRMLSegmentationNode.GetReferenceImageGeometryReferenceRole()
    panel.parameters.outputSegmentation.SetNodeReferenceID(role, None)
    ran()
    assert "no longer in the scene" in panel.ui.resultsNoteLabel.text and not panel.ui.densityMapCheckBox.checked


def test_the_event_loop_is_never_kept_waiting(app, wait_until):
    """Protects the panel with a scan of 100 x 512 x 512 voxels: no step takes as long as a user would feel."""
    import slicer

    from LungUNetSegSlicer.run.event_loop import Steps
    from LungUNetSegSlicer.scene.local_density import local_density_steps
    from LungUNetSegSlicer.scene.segmentation_node import show_labels
    from LungUNetSegSlicer.scene.volume_bridge import add_volume_node

    shape = (100, 512, 512)
    geometry = Geometry.axial(shape, (1.25, 0.7, 0.7))
    labels = np.zeros(shape, np.uint8)
    labels[5:95, 120:380, 60:230], labels[5:95, 120:380, 280:450] = 1, 2
    ct = add_volume_node(Volume(np.where(labels > 0, -850, 40).astype(np.int16), geometry), "Large")
    segmentation = show_labels(Volume(labels, geometry), LUNGS, ct, show3d=True)
    done = []
    heartbeat = Heartbeat()
    Steps(local_density_steps(segmentation), done.append, done.append)
    wait_until(lambda: bool(done))
    heartbeat.stop()
    done[0].remove()
    slicer.mrmlScene.Clear(1)
    assert heartbeat.longest_ms < LONGEST_MS
