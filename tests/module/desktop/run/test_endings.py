"""However a run ends, the panel is ready again, the scene is as it was, and no process or file stays behind."""

from __future__ import annotations

import sys
import time

import pytest

pytestmark = pytest.mark.usefixtures("nothing_left", "stub_child")


@pytest.fixture
def halfway(panel, phantom_node, wait_until, stub_child):
    """A run that has segmented 31 slices, and waits there."""
    stub_child(hold="segment")
    panel.click(panel.ui.applyButton)
    wait_until(lambda: panel.ui.progressBar.value == 31)


@pytest.mark.parametrize("moment", ["at once", "reading", "segmenting", "making surfaces", "loading"])
def test_cancel_at_five_moments(panel, phantom_node, wait_until, stub_child, scene_ids, moment):
    holds = {"reading": "read", "segmenting": "segment", "making surfaces": "surface"}
    stub_child(hold=holds.get(moment, ""))
    panel.parameters.show3d = True
    before = scene_ids()
    texts = {"reading": "Reading", "segmenting": "Segmenting: 31", "making surfaces": "Making", "loading": "Loading"}
    panel.click(panel.ui.applyButton)
    if moment in texts:
        wait_until(lambda: panel.ui.statusLabel.text.startswith(texts[moment]))
    start = time.monotonic()
    panel.click(panel.ui.applyButton)
    assert time.monotonic() - start < 2
    assert not panel.running
    assert scene_ids() == before
    assert (panel.ui.applyButton.text, panel.ui.applyButton.enabled) == ("Segment lungs", True)
    assert not panel.ui.progressBar.visible


def test_after_a_cancel_the_next_run_works(panel, halfway, stub_child):
    panel.click(panel.ui.applyButton)
    stub_child(hold="")
    panel.run()
    assert panel.ui.resultsCollapsibleButton.visible


@pytest.mark.parametrize(
    ("end", "sentence"),
    [
        ("crash", "The computation ended unexpectedly. Perhaps memory ran out: close other programs, and try again."),
        ("fail", "Phantom: this is no chest CT. Choose another."),
    ],
)
def test_a_failure_is_told_in_the_panel_and_changes_nothing(panel, phantom_node, stub_child, scene_ids, end, sentence):
    stub_child(end=end)
    before = scene_ids()
    panel.run()
    assert panel.ui.statusLabel.text == sentence
    assert panel.ui.statusLabel.visible and not panel.ui.resultsCollapsibleButton.visible
    assert scene_ids() == before


def test_a_segmentation_to_be_replaced_keeps_its_contents_when_the_run_fails(app, panel, phantom_node, stub_child):
    target = app.mrmlScene().AddNewNodeByClass("vtkMRMLSegmentationNode", "mine")
    target.GetSegmentation().AddEmptySegment("old", "old")
    panel.ui.outputSegmentationSelector.setCurrentNode(target)
    stub_child(end="fail")
    panel.run()
    assert target.GetSegmentation().GetSegmentIDs() == ("old",)


def test_removing_the_volume_ends_the_run(app, panel, phantom_node, halfway):
    app.mrmlScene().RemoveNode(phantom_node)
    assert not panel.running
    assert panel.ui.applyButton.toolTip == "Choose a CT first."


def test_closing_the_scene_ends_the_run(app, panel, halfway):
    app.mrmlScene().Clear(0)
    assert not panel.running
    assert not panel.ui.applyButton.enabled
    assert panel.ui.inputVolumeSelector.currentNode() is None


def test_reloading_the_module_ends_the_run_and_the_new_panel_works(panel, halfway, stub_child):
    import slicer

    before = panel.widget
    slicer.util.reloadScriptedModule("LungUNetSeg")
    assert panel.widget is not before
    assert not before.segmentPanel.running
    stub_child(hold="")
    panel.run()
    assert panel.ui.resultsCollapsibleButton.visible


def test_quitting_slicer_ends_the_run(app, panel, halfway):
    run = panel.widget.segmentPanel
    app.moduleManager().unload("LungUNetSeg")
    assert not run.running


def test_a_child_that_cannot_be_started_is_told(panel, phantom_node, scene_ids, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/absent/PythonSlicer")
    before = scene_ids()
    panel.run()
    assert panel.ui.statusLabel.text.startswith("/absent/PythonSlicer cannot be started: ")
    assert panel.ui.applyButton.text == "Segment lungs" and scene_ids() == before


def test_a_full_or_absent_temporary_folder_is_told(app, panel, phantom_node, tmp_path, monkeypatch):
    monkeypatch.setattr(type(app), "temporaryPath", str(tmp_path / "absent"))
    panel.run()
    assert panel.ui.statusLabel.text.startswith("Slicer's temporary folder cannot be used ([Errno 2]")
    assert not panel.ui.progressBar.visible
    assert (panel.ui.applyButton.text, panel.ui.applyButton.enabled) == ("Segment lungs", True)


def test_a_bug_is_told_in_the_panel_and_its_traceback_goes_to_slicers_log(
    panel, phantom_node, monkeypatch, slot_errors
):
    from LungUNetSegSlicer.run import segmentation_run

    def broken(*_, **__):
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(segmentation_run, "show_segments", broken)
    panel.run()
    assert panel.ui.statusLabel.text == "internal error, please report it: ZeroDivisionError: a bug"
    assert [type(error) for error in slot_errors] == [ZeroDivisionError]
    slot_errors.clear()
