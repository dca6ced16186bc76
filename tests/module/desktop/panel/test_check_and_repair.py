"""The section "Check and repair": doubtful slices, Segment Editor, measuring again, and help from scribbles."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from LungUNetSegLib.volume import Volume

pytestmark = pytest.mark.usefixtures("nothing_left", "stub_child")


@pytest.fixture
def editor(app, monkeypatch):
    """What stands for the module Segment Editor: which module was chosen, and which effect."""
    import slicer

    chosen = SimpleNamespace(module="", effect="")
    widget = SimpleNamespace(editor=SimpleNamespace(setActiveEffectByName=lambda name: setattr(chosen, "effect", name)))
    monkeypatch.setattr(slicer.util, "selectModule", lambda name: setattr(chosen, "module", name))
    monkeypatch.setattr(slicer.modules, "SegmentEditorWidget", widget, raising=False)
    return chosen


@pytest.fixture
def ran(panel, phantom_node):
    """The panel after a run, its section open."""
    panel.run()
    panel.ui.checkCollapsibleButton.collapsed = False
    return panel


def mask_of(panel, segment):
    import slicer

    return slicer.util.arrayFromSegmentBinaryLabelmap(
        panel.parameters.outputSegmentation, segment, panel.parameters.inputVolume
    )


def paint(panel, segment, mask):
    """Do as Segment Editor does when a segment is painted."""
    import slicer

    nodes = panel.parameters.outputSegmentation, segment, panel.parameters.inputVolume
    slicer.util.updateSegmentBinaryLabelmapFromArray(mask.astype(np.uint8), *nodes)


def measure(panel, wait_until):
    panel.click(panel.ui.measureAgainButton)
    wait_until(lambda: panel.ui.measureAgainButton.enabled)
    return panel.ui.checkNoteLabel.text


def result_of(panel):
    from LungUNetSegSlicer.scene.kept_result import recall

    return recall(panel.parameters.outputSegmentation)


def test_the_section_is_there_with_a_result(panel, phantom_node):
    assert not panel.ui.checkCollapsibleButton.visible
    panel.run()
    assert panel.ui.checkCollapsibleButton.visible


def test_doubtful_slices_are_shown_one_after_the_other(ran, monkeypatch):
    """Protects the list, and where the slice views go: by a click, and round and round by the button."""
    from LungUNetSegSlicer.panel import doubtful

    points = []
    jump = SimpleNamespace(JumpAllSlices=lambda _scene, *point: points.append(point), OffsetJumpSlice=1)
    monkeypatch.setattr(doubtful, "vtkMRMLSliceNode", jump)
    table = ran.ui.doubtfulTable
    rows = [[table.item(row, column).text() for column in range(4)] for row in range(table.rowCount)]
    assert rows[0] == ["13", "−31", "Right lung", "Dense: hilum, wall, diaphragm, lesion"]
    assert rows[1][:3] == ["5", "−71", "Left lung"]
    for _ in range(3):
        ran.click(ran.ui.nextDoubtfulButton)
    table.cellClicked.emit(1, 0)
    assert [point[2] for point in points] == [-31.0, -71.0, -31.0, -71.0] and points[0][3] == 1
    assert points[0][0] > points[1][0], "x grows to the patient's right"


def test_a_result_without_doubtful_slices_has_no_list(ran):
    """Protects scenes of older versions."""
    from LungUNetSegSlicer.scene.kept_result import remember

    segmentation = ran.parameters.outputSegmentation
    result = result_of(ran)
    del result["doubtful_slices"]
    remember(segmentation, result)
    for shown in (None, segmentation):
        ran.parameters.outputSegmentation = shown
    assert not ran.ui.doubtfulTable.visible and not ran.ui.nextDoubtfulButton.visible


def test_edit_opens_segment_editor_on_our_segments(app, ran, editor):
    """Protects right and left from overlapping, whatever the user had set before."""
    from slicer import vtkMRMLSegmentationNode, vtkMRMLSegmentEditorNode

    ran.click(ran.ui.editButton)
    node = app.mrmlScene().GetSingletonNode("SegmentEditor", "vtkMRMLSegmentEditorNode")
    assert editor.module == "SegmentEditor"
    assert node.GetSegmentationNode() is ran.parameters.outputSegmentation
    assert node.GetSourceVolumeNode() is ran.parameters.inputVolume
    assert node.GetOverwriteMode() == vtkMRMLSegmentEditorNode.OverwriteAllSegments
    assert node.GetMaskMode() == vtkMRMLSegmentationNode.EditAllowedEverywhere
    assert node.GetSelectedSegmentID() == "RightLung"
    node.SetSelectedSegmentID("LeftLung")
    ran.click(ran.ui.editButton)
    assert node.GetSelectedSegmentID() == "LeftLung", "the user's own choice"
    assert app.mrmlScene().GetNumberOfNodesByClass("vtkMRMLSegmentEditorNode") == 1


def test_scribbles_have_a_segment_that_takes_nothing(app, ran, editor):
    from slicer import vtkMRMLSegmentEditorNode

    ran.click(ran.ui.scribbleButton)
    node = app.mrmlScene().GetSingletonNode("SegmentEditor", "vtkMRMLSegmentEditorNode")
    assert node.GetOverwriteMode() == vtkMRMLSegmentEditorNode.OverwriteNone and editor.effect == "Paint"
    segment = ran.parameters.outputSegmentation.GetSegmentation().GetSegment(node.GetSelectedSegmentID())
    assert segment.GetName() == "Scribbles"
    ran.click(ran.ui.editButton)
    assert node.GetSelectedSegmentID() == "RightLung"


def test_an_edit_is_measured_and_said(ran, wait_until):
    """Protects the numbers, the sentence, and the way back: all by what was painted, in ml."""
    own = result_of(ran)
    mask = mask_of(ran, "RightLung")
    where = np.flatnonzero(mask.any(axis=(1, 2)))
    edited = mask.copy()
    edited[where[0] : where[0] + 2] = 0
    voxel_ml = np.prod(ran.parameters.inputVolume.GetSpacing()) / 1000
    paint(ran, "RightLung", edited)
    assert "Measured again" in measure(ran, wait_until)
    result = result_of(ran)
    right = result["correction"]["right"]
    assert right["removed_ml"] == pytest.approx((mask.sum() - edited.sum()) * voxel_ml) and right["added_ml"] == 0
    assert right["slices"] == [where[0], where[0] + 1]
    assert result["volumes_ml"]["right"] == pytest.approx(edited.sum() * voxel_ml)
    assert "corrected by hand: right lung" in ran.ui.methodsLabel.text
    assert ran.table()[0][1] == f"{edited.sum() * voxel_ml:.0f}"
    paint(ran, "RightLung", mask)  # undo
    assert "the network's result" in measure(ran, wait_until)
    assert result_of(ran) == {**own, "correction": None}
    assert ran.ui.methodsLabel.text == own["methods"]


def test_what_is_kept_survives_saving_the_scene(app, ran, wait_until, tmp_path):
    """Protects the network's own mask and result: both come back with the scene, and measuring goes on from them."""
    scene = app.mrmlScene()
    segmentation = ran.parameters.outputSegmentation
    kept = {name: segmentation.GetAttribute(name) for name in segmentation.GetAttributeNames()}
    assert "LungUNetSeg.NetworkMask" in kept
    path = tmp_path / "scene.mrml"
    scene.SetURL(str(path))
    assert scene.Commit(str(path))
    text = path.read_text(encoding="utf-8")
    scene.Clear(1)
    scene.SetLoadFromXMLString(1)
    scene.SetSceneXMLString(text)
    scene.Import()
    scene.SetLoadFromXMLString(0)  # the next test's scene comes from its file
    (loaded,) = list(scene.GetNodesByClass("vtkMRMLSegmentationNode"))
    assert {name: loaded.GetAttribute(name) for name in loaded.GetAttributeNames()} == kept


def _erase(panel):
    for segment in ("RightLung", "LeftLung"):
        paint(panel, segment, mask_of(panel, segment) * 0)


def _remove(panel):
    panel.parameters.outputSegmentation.GetSegmentation().RemoveAllSegments()


@pytest.mark.parametrize(
    ("damage", "said"), [(_remove, "no segment that is a lung"), (_erase, "Nothing is left of the lungs")]
)
def test_an_edit_that_leaves_nothing_is_told(ran, wait_until, damage, said):
    """Protects the numbers that were there: they stay."""
    own = result_of(ran)
    damage(ran)
    assert said in measure(ran, wait_until)
    assert result_of(ran) == own


def test_a_deleted_lung_is_told(ran, wait_until):
    ran.parameters.outputSegmentation.GetSegmentation().RemoveSegment("LeftLung")
    measure(ran, wait_until)
    assert "A lung is missing." in ran.ui.warningsLabel.text and "left lung" in ran.ui.warningsLabel.text
    assert result_of(ran)["volumes_ml"]["left"] == 0


def test_without_the_ct_it_is_told(app, ran, wait_until):
    segmentation = ran.parameters.outputSegmentation
    app.mrmlScene().RemoveNode(ran.parameters.inputVolume)
    ran.parameters.outputSegmentation = segmentation
    assert "The CT of the segmentation Phantom lungs is no longer in the scene" in measure(ran, wait_until)


def test_another_time_point_of_a_sequence_is_told(app, panel, phantom, wait_until):
    """Protects the numbers of a 4D scan: after an edit they were measured in whichever time point was shown."""
    import slicer

    from LungUNetSegSlicer.scene.volume_bridge import add_volume_node

    scene, logic = app.mrmlScene(), slicer.vtkSlicerSequencesLogic()
    logic.SetMRMLScene(scene)
    sequence = scene.AddNewNodeByClass("vtkMRMLSequenceNode", "4D")
    for number, denser_hu in enumerate((0, 40)):
        phase = add_volume_node(Volume(phantom.ct.array + np.int16(denser_hu), phantom.ct.geometry), "Phase")
        sequence.SetDataNodeAtValue(phase, str(number))
        scene.RemoveNode(phase)
    browser = scene.AddNewNodeByClass("vtkMRMLSequenceBrowserNode", "Browser")
    browser.SetAndObserveMasterSequenceNodeID(sequence.GetID())
    logic.UpdateProxyNodesFromSequences(browser)
    assert panel.parameters.inputVolume is browser.GetProxyNode(sequence)
    panel.run()
    own = result_of(panel)
    paint(panel, "RightLung", mask_of(panel, "LeftLung"))
    browser.SetSelectedItemNumber(1)
    logic.UpdateProxyNodesFromSequences(browser)
    assert "In a sequence, choose the time point that was segmented" in measure(panel, wait_until)
    assert result_of(panel) == own
    browser.SetSelectedItemNumber(0)
    logic.UpdateProxyNodesFromSequences(browser)
    assert measure(panel, wait_until).startswith("Measured again.")


def scribble(panel, mask):
    panel.click(panel.ui.scribbleButton)
    paint(panel, "LungUNetSegScribbles", mask)


def repair(panel, button, wait_until):
    panel.click(button)
    wait_until(lambda: button.enabled)
    return panel.ui.checkNoteLabel.text


def test_a_hole_is_filled_and_the_network_s_comes_back(ran, editor, wait_until):
    """Protects the way from the brush to the segments: filled, given to the other lung, restored; scribbles go."""
    mask, left = mask_of(ran, "RightLung"), mask_of(ran, "LeftLung")
    where = np.argwhere(mask)
    slice_, row, column = where[len(where) // 2]
    hole = np.zeros_like(mask)
    hole[slice_ - 1 : slice_ + 2, row - 4 : row + 5, column - 4 : column + 5] = 1
    holed = mask * (1 - hole)
    paint(ran, "RightLung", holed)
    marks = np.zeros_like(mask)
    marks[slice_, row - 2 : row + 3, column] = 1
    scribble(ran, marks)
    assert "ml were changed" in repair(ran, ran.ui.fillRightButton, wait_until)
    filled = mask_of(ran, "RightLung")
    assert filled[slice_, row, column] and not (filled & left).any()
    content = ran.parameters.outputSegmentation.GetSegmentation()
    assert content.GetSegmentIDs() == ("RightLung", "LeftLung"), "the scribbles are used up"
    paint(ran, "RightLung", holed)
    scribble(ran, marks)
    repair(ran, ran.ui.networkAgainButton, wait_until)
    np.testing.assert_array_equal(mask_of(ran, "RightLung"), mask)
    scribble(ran, marks)
    repair(ran, ran.ui.otherLungButton, wait_until)
    assert mask_of(ran, "LeftLung")[slice_, row, column] and not mask_of(ran, "RightLung")[slice_, row, column]


def test_without_scribbles_it_is_told(ran, wait_until):
    ui = ran.ui
    for button in (ui.fillRightButton, ui.fillLeftButton, ui.otherLungButton):
        assert "Mark" in repair(ran, button, wait_until)
    assert "Nothing is to be restored" in repair(ran, ui.networkAgainButton, wait_until)


def test_both_lungs_as_one_are_left_to_segment_editor(panel, phantom_node, wait_until):
    panel.choose(panel.ui.outputComboBox, "Both lungs as one")
    panel.run()
    panel.ui.checkCollapsibleButton.collapsed = False
    assert "Both lungs are one segment" in repair(panel, panel.ui.fillRightButton, wait_until)
