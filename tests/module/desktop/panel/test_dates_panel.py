"""Two dates from the panel: changes in a table, both scans in linked slices, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from LungUNetSegLib.segments import LUNGS
from LungUNetSegLib.volume import Volume


@pytest.fixture
def section(app, panel, small_phantom, monkeypatch, wait_until):
    """The section, open, with two dates of a phantom, the second 100 HU denser; call it to compare."""
    from LungUNetSegSlicer.scene.segmentation_node import show_labels
    from LungUNetSegSlicer.scene.volume_bridge import add_volume_node

    monkeypatch.setattr("LungUNetSegLib.followup.alignment.STEP_MM", 12.0)
    app.layoutManager().layoutLogic().GetLayoutNode()  # which a desktop Slicer has from the start
    labels, ct = small_phantom.labels, small_phantom.ct
    denser = np.where(labels.array > 0, ct.array + 100, ct.array).astype(np.int16)
    nodes = [add_volume_node(Volume(each, ct.geometry), name) for each, name in ((ct.array, "A"), (denser, "B"))]
    lungs = [show_labels(labels, LUNGS, node) for node in nodes]
    panel.ui.datesCollapsibleButton.collapsed = False

    def compare(first, second):
        panel.ui.firstDateSelector.setCurrentNode(first)
        panel.ui.secondDateSelector.setCurrentNode(second)
        panel.click(panel.ui.datesButton)
        wait_until(lambda: not panel.widget.datesPanel.running)
        return panel.ui.datesStatusLabel.text

    yield compare, lungs, nodes
    app.layoutManager().let_go()


def test_the_changes_are_shown_and_both_scans_are_linked(panel, section):
    """Protects the table's numbers, and that the aligned first scan lies on the second one's grid."""
    import slicer

    from LungUNetSegSlicer.compare.dates import FIRST, LAYOUT_ID, SECOND
    from LungUNetSegSlicer.compare.layout import layout_node, view_node

    compare, lungs, nodes = section
    text = compare(*lungs)
    assert "After alignment the lungs have a DSC of 0.9" in text or "DSC of 1.000" in text
    table = panel.ui.datesTable
    rows = {table.item(row, 0).text(): table.item(row, 3).text() for row in range(table.rowCount)}
    assert rows["Mean density (HU)"] == "+100" and rows["Volume (ml)"] == "+0" and rows["Perc15 (HU)"] == "+100"
    assert layout_node().GetViewArrangement() == LAYOUT_ID
    shown = []
    for tag in (FIRST, SECOND):
        composite = slicer.vtkMRMLSliceLogic.GetSliceCompositeNode(view_node(tag, "vtkMRMLSliceNode"))
        assert composite.GetLinkedControl()
        shown.append(slicer.mrmlScene.GetNodeByID(composite.GetBackgroundVolumeID()))
    assert shown[1] is nodes[1] and shown[0].GetName() == "A, aligned"
    array, first = slicer.util.arrayFromVolume(shown[0]), slicer.util.arrayFromVolume(nodes[0])
    assert array.shape == first.shape and np.abs(array - first.astype(np.int32)).mean() < 100


def test_what_cannot_be_compared_is_said(panel, section):
    import slicer

    compare, (first, second), nodes = section
    button = panel.ui.datesButton
    panel.ui.firstDateSelector.setCurrentNode(None)
    assert not button.enabled and "Choose the lungs of both dates first" in button.toolTip
    for selector in (panel.ui.firstDateSelector, panel.ui.secondDateSelector):
        selector.setCurrentNode(first)
    assert not button.enabled and "two different" in button.toolTip
    for lung in LUNGS:
        second.GetSegmentation().RemoveSegment(lung.segment_id)
    assert "no segment that is a lung" in compare(first, second)
    slicer.mrmlScene.RemoveNode(nodes[0])
    assert "no longer in the scene" in compare(first, second)
    assert not panel.ui.datesTable.visible
