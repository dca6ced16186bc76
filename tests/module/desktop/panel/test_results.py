"""What can be done with results: a table in the scene, a CSV file, surfaces; and the log of a run that failed."""

from __future__ import annotations

import csv
import json

import pytest

pytestmark = pytest.mark.usefixtures("nothing_left", "stub_child")


def test_results_as_a_table_beside_the_segmentation(app, panel, phantom_node):
    """A second click, and a second run, fill the same table."""
    from slicer import vtkMRMLSubjectHierarchyNode

    panel.run()
    panel.click(panel.ui.resultsTableButton)
    panel.click(panel.ui.resultsTableButton)
    scene = app.mrmlScene()
    assert scene.GetNumberOfNodesByClass("vtkMRMLTableNode") == 2, "this one and the histogram's"
    table = scene.GetFirstNodeByClass("vtkMRMLTableNode")
    assert table.GetName() == "Phantom lungs volumes" and table.GetName() in panel.ui.resultsNoteLabel.text
    values = [[table.GetTable().GetValue(row, column).ToString() for column in range(3)] for row in range(3)]
    assert [table.GetTable().GetValue(3, column).ToString() for column in range(2)] == [
        "Right lung, apical third by height", "800.5",
    ]  # fmt: skip
    assert values == [["Right lung", "2512.25", "-812.4"], ["Left lung", "2103.75", "-801.6"],
                      ["Both lungs", "4616", "-768.4"]]  # fmt: skip
    data = table.GetTable()
    columns = {data.GetColumnName(column): column for column in range(data.GetNumberOfColumns())}
    assert [data.GetValue(row, columns["LAA-950 (%)"]).ToString() for row in range(3)] == [
        "2.5", "4.25", "2.5",
    ]  # fmt: skip
    hierarchy = vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    items = [hierarchy.GetItemByDataNode(each) for each in (table, panel.parameters.outputSegmentation)]
    assert hierarchy.GetItemParent(items[0]) == hierarchy.GetItemParent(items[1])


def test_the_histogram_is_a_plot_of_the_scene(app, panel, phantom_node):
    """Protects the plot: a curve for each lung over the bins' middles, and no second one after a second click."""
    panel.run()
    panel.click(panel.ui.resultsTableButton)
    panel.click(panel.ui.resultsTableButton)
    scene = app.mrmlScene()
    assert scene.GetNumberOfNodesByClass("vtkMRMLPlotChartNode") == 1
    assert scene.GetNumberOfNodesByClass("vtkMRMLPlotSeriesNode") == 3
    chart = scene.GetFirstNodeByClass("vtkMRMLPlotChartNode")
    assert chart.GetName() == "Phantom lungs histogram" and chart.GetName() in panel.ui.resultsNoteLabel.text
    assert chart.GetYAxisTitle() == "% of the lung in each 10 HU"
    curve = chart.GetNthPlotSeriesNode(0)
    data = curve.GetTableNode().GetTable()
    columns = [data.GetColumnByName(name) for name in (curve.GetXColumnName(), curve.GetYColumnName())]
    assert [[column.GetValue(row) for row in range(2)] for column in columns] == [[-895.0, -885.0], [25.0, 75.0]]


def test_regions_are_drawn_as_another_segmentation(app, panel, phantom_node, wait_until):
    """Protects the picture of the table's regions: parts of both lungs, drawn anew when another division is chosen."""
    panel.run()
    parts = []
    for index, name in ((0, "Thirds by height"), (3, "Core and peel")):
        panel.ui.regionsComboBox.setCurrentIndex(index)
        assert panel.ui.regionsComboBox.currentText == name
        panel.click(panel.ui.regionsButton)
        wait_until(lambda: panel.ui.regionsButton.enabled)
        assert "Phantom lungs regions" in panel.ui.resultsNoteLabel.text
        (node,) = app.mrmlScene().GetNodesByName("Phantom lungs regions")
        drawn = node.GetSegmentation()
        parts.append([drawn.GetNthSegment(index).GetName() for index in range(drawn.GetNumberOfSegments())])
    assert parts[0] == [f"{side} lung, {third} third by height" for side in ("Right", "Left")
                        for third in ("basal", "middle", "apical")]  # fmt: skip
    assert parts[1] == ["Right lung, core", "Right lung, peel", "Left lung, core", "Left lung, peel"]


def test_a_segmentation_without_lungs_has_no_regions(panel, phantom_node, wait_until):
    """Protects who emptied or renamed the segments: a sentence, and the button works again."""
    panel.run()
    panel.parameters.outputSegmentation.GetSegmentation().RemoveAllSegments()
    panel.click(panel.ui.regionsButton)
    wait_until(lambda: panel.ui.regionsButton.enabled)
    assert "has no segments" in panel.ui.resultsNoteLabel.text


def test_density_has_a_table_of_its_own_with_what_forbids_it(panel, phantom_node, monkeypatch):
    """Protects who wants lungs alone from a warning against them: the doubt stands beside the numbers."""
    doubt = {"code": "density-in-doubt", "message": "LAA-950 cannot be compared: slices of 5 mm."}
    monkeypatch.setenv("STUB_FINDINGS", json.dumps([doubt]))
    panel.run()
    table = panel.ui.densityTable
    assert [table.horizontalHeaderItem(column).text() for column in range(4)] == [
        "Density", "Right\nlung", "Left\nlung", "Both\nlungs",
    ]  # fmt: skip
    rows = [[table.item(row, column).text() for column in range(4)] for row in range(table.rowCount)]
    assert rows[0] == ["LAA-950 (%)", "2.5", "4.2", "2.5"]
    assert rows[4] == ["Perc15 (HU)", "−918", "−918", "−918"]
    assert not panel.ui.warningsLabel.visible
    assert "Density in doubt.</b> LAA-950 cannot be compared" in panel.ui.densityDoubtLabel.text


def test_results_of_an_older_version_have_no_density(panel, phantom_node):
    """Protects scenes that were saved before there was any."""
    from LungUNetSegSlicer.scene.kept_result import recall, remember

    panel.run()
    segmentation = panel.parameters.outputSegmentation
    result = recall(segmentation)
    del result["density"]
    remember(segmentation, result)
    for shown in (None, segmentation):
        panel.parameters.outputSegmentation = shown
    assert not panel.ui.densityTable.visible and not panel.ui.densityDoubtLabel.visible
    panel.click(panel.ui.resultsTableButton)


def test_results_as_csv(panel, phantom_node, save_as):
    path = save_as("Dichte ä.csv")
    panel.run()
    panel.click(panel.ui.resultsCsvButton)
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    *rows, right, left, total = rows
    part = "apical third by height"
    assert [row["segment"] for row in (right, left, total)] == [
        f"Right lung, {part}", f"Left lung, {part}", f"Both lungs, {part}",
    ]  # fmt: skip
    assert right["laa950_percent"] == "3.25" and right["perc15_hu"] == ""
    assert [(row["segment"], float(row["volume_ml"]), float(row["mean_hu"])) for row in rows] == [
        ("Right lung", 2512.25, -812.4), ("Left lung", 2103.75, -801.6), ("Both lungs", 4616.0, -768.4),
    ]  # fmt: skip
    assert [(float(row["laa950_percent"]), float(row["mass_g"])) for row in rows] == [
        (2.5, 315.0), (4.25, 315.0), (2.5, 315.0),
    ]  # fmt: skip
    assert {(row["segmentation"], row["model"], row["lungunetseg"]) for row in rows} == {
        ("Phantom lungs", "lungs", "0.1.0")
    }
    assert str(path) in panel.ui.resultsNoteLabel.text


@pytest.mark.parametrize("sign", ["=", "+", "-", "@"])
def test_a_name_that_spreadsheets_would_compute_is_text(sign, panel, phantom_node, save_as):
    """Protects from a scan whose name is a formula, such as `=HYPERLINK(...)`; numbers keep their minus."""
    path = save_as("lungs.csv")
    panel.run()
    panel.parameters.outputSegmentation.SetName(f"{sign}1+1")
    panel.click(panel.ui.resultsCsvButton)
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["segmentation"] for row in rows} == {f"'{sign}1+1"} and rows[0]["mean_hu"] == "-812.4"


def test_a_csv_that_cannot_be_written_or_was_cancelled(panel, phantom_node, save_as):
    panel.run()
    save_as("")
    panel.click(panel.ui.resultsCsvButton)
    assert not panel.ui.resultsNoteLabel.visible
    save_as("absent/lungs.csv")
    panel.click(panel.ui.resultsCsvButton)
    assert "cannot be written" in panel.ui.resultsNoteLabel.text


def test_slicers_own_button_shows_and_hides_the_surfaces(panel, phantom_node):
    from LungUNetSegSlicer.scene.segmentation_node import CLOSED_SURFACE

    panel.run()
    segmentation = panel.parameters.outputSegmentation.GetSegmentation()
    button = panel.ui.show3dButton
    assert button.enabled and not button.checked and not segmentation.ContainsRepresentation(CLOSED_SURFACE)
    panel.click(button)
    assert segmentation.ContainsRepresentation(CLOSED_SURFACE)
    panel.click(button)
    assert not segmentation.ContainsRepresentation(CLOSED_SURFACE)
    panel.click(panel.ui.show3dCheckBox)
    panel.run()
    assert button.checked, "the check box had them made in the background"


@pytest.mark.parametrize(("end", "said"), [("fail", "this is no chest CT"), ("crash", "ended unexpectedly")])
def test_a_failed_run_leaves_a_log_to_open_and_copy(app, panel, phantom_node, stub_child, end, said):
    from importlib.metadata import version

    assert not panel.ui.logCollapsibleButton.visible
    stub_child(end=end)
    panel.run()
    assert panel.ui.logCollapsibleButton.visible and panel.ui.logCollapsibleButton.collapsed
    panel.click(panel.ui.logCollapsibleButton)
    panel.click(panel.ui.copyLogButton)
    log = app.clipboard().text()
    assert log == panel.ui.logText.plainText and said in log
    assert "--model lungs --engine auto --device auto" in log
    assert f"numpy: {version('numpy')}" in log and "Python: 3." in log and "LungUNetSeg: " in log
    stub_child(end="")
    panel.run()
    assert not panel.ui.logCollapsibleButton.visible


def test_a_bug_leaves_its_traceback_in_the_log(panel, phantom_node, monkeypatch, slot_errors):
    from LungUNetSegSlicer.run import segmentation_run

    def broken(*_, **__):
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(segmentation_run, "show_segments", broken)
    panel.run()
    assert "ZeroDivisionError: a bug" in panel.ui.logText.plainText and "Traceback" in panel.ui.logText.plainText
    slot_errors.clear()


@pytest.mark.parametrize(("answer", "calls"), [("OK", 1), ("Cancel", 0)])
def test_the_engine_is_installed_anew_after_consent(panel, phantom_node, monkeypatch, answer, calls):
    import slicer

    asked = []
    monkeypatch.setattr(slicer.util, "pip_install", asked.append)
    panel.click(panel.ui.advancedCollapsibleButton)
    panel.choose(panel.ui.engineComboBox, "OpenVINO")
    dialog = panel.answer(answer)
    panel.click(panel.ui.reinstallButton)
    assert "OpenVINO" in dialog[0] and "No other package is replaced" in dialog[0]
    assert asked == [["openvino>=2024.4", "--force-reinstall", "--no-deps", "--no-cache-dir"]][:calls]
    assert ("reinstalled" in panel.ui.statusLabel.text) == bool(calls)


def test_pytorch_is_left_to_its_extension(panel, phantom_node):
    panel.click(panel.ui.advancedCollapsibleButton)
    panel.choose(panel.ui.engineComboBox, "PyTorch")
    panel.click(panel.ui.reinstallButton)
    assert panel.ui.statusLabel.text.startswith("PyTorch is reinstalled by the extension PyTorch")


def test_numbers_of_the_chosen_regions(panel, phantom_node):
    """Protects the table under the list: the parts that the chosen division has, and nothing without numbers."""
    panel.run()
    table = panel.ui.regionsTable
    rows = [[table.item(row, column).text() for column in range(4)] for row in range(table.rowCount)]
    assert rows[0] == ["Right lung, apical third by height", "800", "−850", "3.2"] and len(rows) == 3
    panel.ui.regionsComboBox.setCurrentIndex(3)
    assert table.rowCount == 0 and not table.visible
