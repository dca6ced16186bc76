"""The section "Compare with a reference", clicked: numbers, files, cancelling, and wrong input."""

from __future__ import annotations

import csv
import time

from panel_helpers.heartbeat import Heartbeat


def test_nothing_can_be_clicked_before_both_are_chosen(panel, views, compared_nodes):
    ui = panel.ui
    names = ("worstSliceButton", "nextSliceButton", "exportScoresButton", "reportButton", "comparisonViewsButton")
    assert not any(getattr(ui, name).enabled for name in names)
    ui.predictionSelector.setCurrentNode(compared_nodes[1])
    assert not ui.compareButton.enabled
    assert ui.compareButton.toolTip == "Choose a prediction and a reference first."
    ui.referenceSelector.setCurrentNode(compared_nodes[2])
    assert ui.compareButton.enabled


def test_only_segmentations_and_label_maps_are_offered(panel, compared_nodes):
    assert panel.ui.predictionSelector.nodeCount() == panel.ui.referenceSelector.nodeCount() == 2


def test_one_click_gives_numbers_and_views(compare, views, panel):
    from LungUNetSegSlicer.compare.layout import LAYOUT_ID, SCORES

    ui = compare()
    result = panel.widget.comparePanel.result
    assert f"DSC {result.comparison.whole.dsc:.3f}" in ui.comparisonLabel.text
    assert "the right lung is 'label 1'" in ui.comparisonLabel.text
    assert views.GetViewArrangement() == LAYOUT_ID
    table_view = views.GetScene().GetSingletonNode(SCORES, "vtkMRMLTableViewNode")
    assert table_view.GetTableNode() is result.scores
    assert ui.reportButton.enabled and ui.exportScoresButton.enabled


def test_the_event_loop_runs_while_scores_are_computed(compare, panel, monkeypatch):
    from LungUNetSegSlicer.compare import comparison

    fast = comparison.compare
    monkeypatch.setattr(comparison, "compare", lambda *pair: time.sleep(0.5) or fast(*pair))
    heartbeat = Heartbeat()
    compare()
    heartbeat.stop()
    assert panel.widget.comparePanel.result is not None
    assert heartbeat.longest_ms < 400


def test_a_second_click_cancels(panel, views, compared_nodes):
    """And the scene is as before."""
    import slicer

    ui = panel.ui
    ui.predictionSelector.setCurrentNode(compared_nodes[1])
    ui.referenceSelector.setCurrentNode(compared_nodes[2])
    before = slicer.mrmlScene.GetNumberOfNodes()
    panel.click(ui.compareButton)
    assert panel.widget.comparePanel.running and ui.compareButton.text == "Cancel"
    panel.click(ui.compareButton)
    assert not panel.widget.comparePanel.running and ui.compareButton.text == "Compare"
    assert slicer.mrmlScene.GetNumberOfNodes() == before


def test_a_second_comparison_takes_the_place_of_the_first(compare):
    import slicer

    compare()
    before = slicer.mrmlScene.GetNumberOfNodes()
    compare()
    assert slicer.mrmlScene.GetNumberOfNodes() == before


def test_scores_as_csv(compare, panel, save_as):
    path = save_as("Dichte ä.csv")
    ui = compare()
    panel.click(ui.exportScoresButton)
    with path.open(encoding="utf-8") as file:
        assert [row["region"] for row in csv.DictReader(file)] == ["Right lung", "Left lung", "Lungs"]
    assert path.name in ui.comparisonLabel.text


def test_the_report_opens_in_the_browser(compare, panel, save_as, compared_nodes, monkeypatch):
    """With the model that made the prediction, if it was ours."""
    import qt

    from LungUNetSegSlicer.scene.kept_result import ATTRIBUTE

    opened = []
    monkeypatch.setattr(qt.QDesktopServices, "openUrl", lambda url: opened.append(url.toLocalFile()))
    path = save_as("report.html")
    compared_nodes[1].SetAttribute(ATTRIBUTE, '{"model": {"name": "lungs-small"}}')
    ui = compare()
    panel.click(ui.reportButton)
    assert opened == [str(path)]
    page = path.read_text(encoding="utf-8")
    assert "lungs-small" in page and "Reader 1" in page


def test_a_cancelled_dialog_and_a_full_disk(compare, panel, save_as):
    ui = compare()
    before = ui.comparisonLabel.text
    save_as("")
    panel.click(ui.reportButton)
    assert ui.comparisonLabel.text == before
    save_as("absent/scores.csv")
    panel.click(ui.exportScoresButton)
    assert "absent" in ui.comparisonLabel.text and "Written" not in ui.comparisonLabel.text


def test_right_and_left_by_hand(compare, panel, compared_nodes):
    """The lists are filled when they are looked at, and begin with "Automatic"."""
    ui = panel.ui
    ui.comparisonCollapsibleButton.collapsed = False
    ui.predictionSelector.setCurrentNode(compared_nodes[1])
    ui.referenceSelector.setCurrentNode(compared_nodes[2])
    assert ui.predictionRightComboBox.count == 1
    ui.sidesCollapsibleButton.collapsed = False
    assert [ui.predictionRightComboBox.itemText(i) for i in range(3)] == ["Automatic", "Right lung", "Left lung"]
    ui.referenceRightComboBox.setCurrentText("label 2")
    ui.referenceLeftComboBox.setCurrentText("label 1")
    compare()
    assert "the right lung is 'label 2'" in ui.comparisonLabel.text
    assert panel.widget.comparePanel.result.comparison.regions[0].dsc < 0.1
    # One segment for both sides is both lungs together.
    ui.referenceLeftComboBox.setCurrentText("label 2")
    compare()
    assert [each.name for each in panel.widget.comparePanel.result.comparison.regions] == ["Lungs"]


def test_what_is_wrong_is_said_in_a_sentence(compare, panel, compared_nodes):
    import slicer

    empty = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "New")
    ui = compare(reference=empty)
    assert "'New' has no segments" in ui.comparisonLabel.text
    assert panel.widget.comparePanel.result is None and not ui.reportButton.enabled
    assert "are the same" in compare(reference=compared_nodes[1]).comparisonLabel.text


def test_the_result_of_a_run_becomes_the_prediction(panel, views, compared_nodes):
    panel.parameters.outputSegmentation = compared_nodes[1]
    assert panel.ui.predictionSelector.currentNode() is compared_nodes[1]


def test_reloading_the_module_meanwhile(compare, panel, views, wait_until, compared_nodes):
    """Neither steps nor connections of the old panel go on."""
    ui = panel.ui
    ui.predictionSelector.setCurrentNode(compared_nodes[1])
    ui.referenceSelector.setCurrentNode(compared_nodes[2])
    panel.click(ui.compareButton)
    old = panel.widget.comparePanel
    panel.widget.cleanup()
    assert not old.running and old.result is None


def test_an_error_is_gone_when_other_nodes_are_chosen(compare, panel, compared_nodes):
    import slicer

    empty = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "New")
    ui = compare(reference=empty)
    assert ui.comparisonLabel.visible
    ui.referenceSelector.setCurrentNode(compared_nodes[2])
    assert not ui.comparisonLabel.visible
