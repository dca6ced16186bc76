"""Two dates from the panel: changes in a table, both scans in linked slices, and what is refused."""

from __future__ import annotations

from dataclasses import replace

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

    from LungUNetSegSlicer.compare.date_views import FIRST, LAYOUT_ID, SECOND
    from LungUNetSegSlicer.compare.own_layout import layout_node, view_node

    compare, lungs, nodes = section
    text = compare(*lungs)
    assert "After alignment the lungs have a DSC of 0.9" in text or "DSC of 1.000" in text
    table = panel.ui.datesTable
    rows = {table.item(row, 0).text(): table.item(row, 3).text() for row in range(table.rowCount)}
    assert rows["Mean density (HU)"] == "+100" and rows["Volume (ml)"] == "0" and rows["Perc15 (HU)"] == "+100"
    assert layout_node().GetViewArrangement() == LAYOUT_ID
    shown = []
    for tag in (FIRST, SECOND):
        composite = slicer.vtkMRMLSliceLogic.GetSliceCompositeNode(view_node(tag, "vtkMRMLSliceNode"))
        assert composite.GetLinkedControl()
        shown.append(slicer.mrmlScene.GetNodeByID(composite.GetBackgroundVolumeID()))
    assert shown[1] is nodes[1] and shown[0].GetName() == "A, aligned"
    array, first = slicer.util.arrayFromVolume(shown[0]), slicer.util.arrayFromVolume(nodes[0])
    assert array.shape == first.shape and np.abs(array - first.astype(np.int32)).mean() < 100


def test_the_users_layout_and_window_come_back(app, panel, section):
    """Protects a scene that is saved later: its layout was left out for good, and the CT kept the lung window."""
    from LungUNetSegSlicer.compare.date_views import LAYOUT_ID
    from LungUNetSegSlicer.compare.own_layout import layout_node

    compare, lungs, nodes = section
    layout, display = layout_node(), nodes[1].GetDisplayNode()
    own = layout.SlicerLayoutFourUpView
    layout.SetViewArrangement(own)
    display.SetAutoWindowLevel(False)
    display.SetWindowLevel(400, 40)
    for leave in (lambda: layout.SetViewArrangement(own), panel.widget.datesPanel.close):
        compare(*lungs)
        assert layout.GetViewArrangement() == LAYOUT_ID and not layout.GetSaveWithScene()
        assert display.GetWindow() == 1500
        leave()
        assert layout.GetViewArrangement() == own and layout.GetSaveWithScene()
        assert (display.GetWindow(), display.GetLevel()) == (400, 40)


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


def test_the_change_of_density_is_shown_in_colour(panel, section, wait_until, scene_ids):
    """Protects the map: +100 HU within the lungs, clear outside, over both views, with a legend; and that it goes."""
    import slicer

    from LungUNetSegSlicer.compare.date_views import date_views

    compare, lungs, _nodes = section
    box = panel.ui.densityChangeCheckBox
    assert not box.enabled and not panel.ui.datesReportButton.enabled
    compare(*lungs)
    before = scene_ids()
    panel.click(box)
    assert panel.ui.datesButton.text == "Cancel"
    wait_until(lambda: not panel.widget.datesPanel.running)
    node = panel.widget.datesPanel.change.volume
    array, display = slicer.util.arrayFromVolume(node), node.GetDisplayNode()
    shown = (array >= display.GetLowerThreshold()) & (array <= display.GetUpperThreshold())
    labels = slicer.util.arrayFromSegmentBinaryLabelmap(lungs[1], "RightLung", _nodes[1]) > 0
    assert np.median(array[shown]) == pytest.approx(100, abs=10) and shown[labels].mean() > 0.9
    assert shown.mean() < 0.5 and display.GetApplyThreshold()
    assert (display.GetWindowLevelMin(), display.GetWindowLevelMax()) == (-150, 150)
    assert node.GetNthDisplayNode(1).GetClassName() == "vtkMRMLColorLegendDisplayNode"
    composites = [slicer.vtkMRMLSliceLogic.GetSliceCompositeNode(view) for view in date_views()]
    assert [each.GetForegroundVolumeID() for each in composites] == [node.GetID()] * 2
    assert "After the deformation: a DSC of" in panel.ui.datesStatusLabel.text
    panel.click(box)
    assert [each.GetForegroundVolumeID() for each in composites] == [None] * 2
    assert [each for each in scene_ids() if "ProceduralColor" not in each] == before


def test_the_report_is_written_and_opened(panel, section, wait_until, monkeypatch, tmp_path):
    """Protects the page: the numbers of both dates, with the change of density once it was made."""
    import qt

    compare, lungs, _nodes = section
    opened = []
    monkeypatch.setattr(qt.QDesktopServices, "openUrl", lambda url: opened.append(url.toLocalFile()))
    path = tmp_path / "Wandel ä.html"
    monkeypatch.setattr(qt.QFileDialog, "getSaveFileName", lambda *_: str(path))
    compare(*lungs)
    for said in ("(affine)", "(deformation)"):
        panel.click(panel.ui.datesReportButton)
        wait_until(lambda: not panel.widget.datesPanel.running)
        page = path.read_text(encoding="utf-8")
        assert said in page and "Change of the lungs: A and B" in page and "+100" in page
        panel.click(panel.ui.densityChangeCheckBox)
        wait_until(lambda: not panel.widget.datesPanel.running)
    assert opened == [str(path)] * 2
    monkeypatch.setattr(qt.QFileDialog, "getSaveFileName", lambda *_: str(tmp_path / "none" / "a.html"))
    panel.click(panel.ui.datesReportButton)
    wait_until(lambda: not panel.widget.datesPanel.running)
    assert "none" in panel.ui.datesStatusLabel.text and panel.ui.datesTable.visible and len(opened) == 2


def test_a_comparison_ends_with_its_scene(app, panel, section):
    """Protects memory, which would hold both scans, and buttons that would act on a scene that is gone."""
    compare, lungs, _nodes = section
    compare(*lungs)
    assert panel.ui.datesReportButton.enabled
    app.mrmlScene().Clear(0)
    assert not panel.ui.datesReportButton.enabled and panel.widget.datesPanel.change is None


def test_the_event_loop_is_never_kept_waiting(app, panel, monkeypatch, wait_until, tmp_path):
    """Protects the panel with scans of 80 x 512 x 512: each click to its end, and all that goes into the scene.

    The deformation, ten seconds of SimpleITK in a thread, is left out; with it no step took longer.
    """
    import qt
    from panel_helpers.heartbeat import LONGEST_MS, Heartbeat

    from LungUNetSegLib.volume import Geometry
    from LungUNetSegSlicer.compare import dates
    from LungUNetSegSlicer.scene.segmentation_node import show_labels
    from LungUNetSegSlicer.scene.volume_bridge import add_volume_node

    monkeypatch.setattr("LungUNetSegLib.followup.alignment.STEP_MM", 12.0)
    monkeypatch.setattr(dates, "deformed", lambda found: replace(found, deformable=found.affine, density=change))
    monkeypatch.setattr(qt.QDesktopServices, "openUrl", lambda _url: True)
    monkeypatch.setattr(qt.QFileDialog, "getSaveFileName", lambda *_: str(tmp_path / "a.html"))
    app.layoutManager().layoutLogic().GetLayoutNode()
    geometry = Geometry.axial((80, 512, 512), (4.0, 0.7, 0.7))
    labels = np.zeros(geometry.shape, np.uint8)
    labels[5:75, 120:380, 60:230], labels[5:75, 120:380, 280:450] = 1, 2
    change = Volume(np.where(labels > 0, np.float32(50), np.float32(0)), geometry)
    scans = [np.where(labels > 0, hu, 40).astype(np.int16) for hu in (-850, -800)]
    cts = [add_volume_node(Volume(each, geometry), "Large") for each in scans]
    lungs = [show_labels(Volume(labels, geometry), LUNGS, ct) for ct in cts]
    ui = panel.ui
    ui.datesCollapsibleButton.collapsed = False
    ui.firstDateSelector.setCurrentNode(lungs[0])
    ui.secondDateSelector.setCurrentNode(lungs[1])
    longest_ms = {}
    for button in ("datesButton", "densityChangeCheckBox", "datesReportButton"):
        heartbeat = Heartbeat()
        panel.click(getattr(ui, button))
        wait_until(lambda: not panel.widget.datesPanel.running)
        heartbeat.stop()
        longest_ms[button] = heartbeat.longest_ms
    app.layoutManager().let_go()
    assert panel.widget.datesPanel.change is not None and (tmp_path / "a.html").exists()
    assert max(longest_ms.values()) < LONGEST_MS, longest_ms
