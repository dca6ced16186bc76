"""Nothing that the user made is lost or mixed up: corrections, results, what was chosen in a saved scene."""

from __future__ import annotations

import gc
import threading

import numpy as np
import pytest

pytestmark = pytest.mark.usefixtures("nothing_left", "stub_child")


def mask_of(panel, segment="RightLung"):
    import slicer

    nodes = panel.parameters.outputSegmentation, segment, panel.parameters.inputVolume
    return slicer.util.arrayFromSegmentBinaryLabelmap(*nodes)


def paint(panel, mask, segment="RightLung"):
    import slicer

    nodes = panel.parameters.outputSegmentation, segment, panel.parameters.inputVolume
    slicer.util.updateSegmentBinaryLabelmapFromArray(mask.astype(np.uint8), *nodes)


def add(volume, name):
    from LungUNetSegSlicer.scene.volume_bridge import add_volume_node

    return add_volume_node(volume, name)


@pytest.fixture
def segmented(panel, small_phantom):
    """The panel with lungs as a run leaves them; no child is needed for that."""
    from LungUNetSegLib.segmentation.network_mask import to_text
    from LungUNetSegLib.segments import LUNGS
    from LungUNetSegSlicer.scene.kept_result import remember
    from LungUNetSegSlicer.scene.segmentation_node import show_labels

    lungs = show_labels(small_phantom.labels, LUNGS, add(small_phantom.ct, "Small"))
    result = {
        "volumes_ml": {"right": 2500.0, "left": 2000.0, "total": 4500.0}, "mean_hu": {}, "findings": [],
        "elapsed_s": 1.0, "engine": "ONNX Runtime", "methods": "Lungs were segmented automatically.",
    }  # fmt: skip
    remember(lungs, result, to_text(small_phantom.labels))
    panel.parameters.outputSegmentation = lungs
    return panel


def test_corrected_lungs_are_replaced_only_with_consent(segmented):
    """Protects an hour of painting from a second click on the button; what a run can make again needs no question."""
    from LungUNetSegSlicer.scene.corrected import has_others_work

    assert not has_others_work(segmented.parameters.outputSegmentation)
    corrected = mask_of(segmented).copy()
    corrected[10:14] = 0
    paint(segmented, corrected)
    seen = segmented.answer("Cancel")
    segmented.click(segmented.ui.applyButton)
    assert seen[0].startswith("The lungs in Small lungs were corrected since they were segmented")
    assert not segmented.running
    seen = segmented.answer("OK")
    segmented.click(segmented.ui.applyButton)
    assert seen and segmented.running
    segmented.click(segmented.ui.applyButton)
    np.testing.assert_array_equal(mask_of(segmented), corrected)


def test_lungs_that_another_program_made_are_replaced_only_with_consent(app, panel, small_phantom):
    """Protects a mask that was loaded; a segmentation without lungs, or with empty ones, needs no question."""
    from LungUNetSegLib.segments import LUNGS
    from LungUNetSegSlicer.scene.corrected import has_others_work
    from LungUNetSegSlicer.scene.segmentation_node import show_labels

    assert has_others_work(show_labels(small_phantom.labels, LUNGS, add(small_phantom.ct, "Small")))
    other = app.mrmlScene().AddNewNodeByClass("vtkMRMLSegmentationNode", "Other")
    assert not has_others_work(other)
    for name in ("Tumour", "Left lung"):
        other.GetSegmentation().AddEmptySegment(name, name)
        assert not has_others_work(other)


def test_a_new_run_ends_what_is_said_and_done_about_the_lungs_before(panel, phantom_node, wait_until):
    """Protects from numbers of the old lungs beside the new ones, and from a message that is no longer true."""
    panel.run()
    before = panel.table()
    panel.click(panel.ui.measureAgainButton)
    wait_until(lambda: panel.ui.checkNoteLabel.text.startswith("The mask was not changed"))
    panel.click(panel.ui.resultsTableButton)
    assert panel.ui.resultsNoteLabel.visible
    panel.run()
    assert not panel.ui.resultsNoteLabel.visible and not panel.ui.checkNoteLabel.text
    repair = panel.widget.segmentPanel._results.repair
    repair._measure()
    assert repair.running
    panel.widget.segmentPanel._keep(panel.parameters.outputSegmentation, _another_result(panel), None)
    panel.widget.segmentPanel.update()
    assert not repair.running and panel.ui.measureAgainButton.enabled
    assert panel.table() == before


def _another_result(panel):
    from LungUNetSegSlicer.scene.kept_result import recall

    return recall(panel.parameters.outputSegmentation) | {"arguments": ["another run"]}


def test_a_ct_that_is_chosen_meanwhile_keeps_its_own_lungs(panel, phantom_node, small_phantom, wait_until):
    """Protects from the first CT's lungs as the output of the second one, whose run would replace them."""
    panel.click(panel.ui.applyButton)
    assert panel.running
    second = add(small_phantom.ct, "Second")
    panel.parameters.inputVolume = second
    wait_until(lambda: not panel.running)
    assert panel.parameters.inputVolume is second and panel.parameters.outputSegmentation is None
    assert not panel.ui.resultsCollapsibleButton.visible


def test_a_scene_that_is_loaded_in_the_open_panel_keeps_what_was_chosen(
    app, panel, small_phantom, phantom_node, tmp_path
):
    """Protects the second CT and its lungs: while a scene is read, its first CT was chosen, and the lungs let go."""
    second = add(small_phantom.ct, "Second")
    panel.parameters.inputVolume = second
    panel.run()
    rows = panel.table()
    scene = app.mrmlScene()
    scene.SetURL(str(tmp_path / "scene.mrml"))
    scene.Commit()
    scene.Connect()
    app.processEvents()
    assert panel.parameters.inputVolume.GetName() == "Second"
    assert panel.parameters.outputSegmentation.GetName() == "Second lungs"
    assert panel.ui.outputSegmentationSelector.currentNode() is panel.parameters.outputSegmentation
    assert panel.table() == rows


@pytest.mark.parametrize("section", ["one scan", "several scans"])
def test_a_ct_that_is_gone_takes_no_memory(app, panel, small_phantom, section, tmp_path, monkeypatch, wait_until):
    """Protects a user who loads one scan after another: hundreds of MB of each would stay until Slicer is closed."""
    import vtk

    kept = vtk.vtkWeakReference()
    node = add(small_phantom.ct, "Large")
    kept.Set(node.GetImageData())
    panel.parameters.inputVolume = node
    del node
    if section == "one scan":
        panel.run()
    else:
        monkeypatch.setattr(panel.widget.batchPanel, "_output", tmp_path)
        panel.ui.batchSourceComboBox.setCurrentIndex(1)
        panel.click(panel.ui.batchButton)
        panel.click(panel.ui.batchButton)
        wait_until(lambda: not panel.widget.batchPanel.running)
    app.mrmlScene().Clear(0)
    app.processEvents()
    gc.collect()
    assert kept.Get() is None


def test_an_edit_during_a_repair_is_kept(segmented):
    """Protects a stroke of the brush while the repair is computed: it would be written over."""
    from LungUNetSegLib.errors import DataError
    from LungUNetSegSlicer.panel.repair import repair_steps

    edited = mask_of(segmented).copy()
    edited[10:14] = 0
    begun, done = threading.Event(), threading.Event()

    def repair(_scan, labels, _marks, _original):
        begun.set()
        assert done.wait(60)
        return labels

    steps = repair_steps(segmented.parameters.outputSegmentation, repair)
    with pytest.raises(DataError, match="edited meanwhile"):
        for _ in steps:
            if begun.is_set() and not done.is_set():
                paint(segmented, edited)
                done.set()
    np.testing.assert_array_equal(mask_of(segmented), edited)
