"""Several scans: from a folder or the scene to a table that fills, and from the table into the scene."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from LungUNetSegLib.phantom import Phantom
from LungUNetSegLib.volume.resample import to_sitk

pytestmark = pytest.mark.usefixtures("nothing_left")


@pytest.fixture
def scans(tmp_path: Path, small_phantom: Phantom) -> Path:
    """A folder of two scans, and one that is none."""
    folder = tmp_path / "scans"
    folder.mkdir()
    for number, name in enumerate("ab"):
        sitk.WriteImage(to_sitk(small_phantom.ct) + number, str(folder / f"{name}.nii.gz"))
    flat = sitk.Image([40, 40, 20], sitk.sitkInt16)
    sitk.WriteImage(flat, str(folder / "flat.nii.gz"))
    return folder


@pytest.fixture
def batch(panel, monkeypatch, tmp_path, window_model, wait_until):
    """The section, open, with its model and a folder of results; call it to run to the end."""
    import qt

    panel.parameters.model = str(window_model)
    panel.ui.batchCollapsibleButton.collapsed = False

    def choose(button, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        monkeypatch.setattr(qt.QFileDialog, "getExistingDirectory", lambda *_: str(folder))
        panel.click(button)

    def run(source: Path | None = None) -> list[list[str]]:
        if source is not None:
            choose(panel.ui.batchSourceButton, source)
        choose(panel.ui.batchOutputButton, tmp_path / "results")
        panel.click(panel.ui.batchButton)
        assert panel.widget.batchPanel.running, panel.ui.batchStatusLabel.text
        wait_until(lambda: not panel.widget.batchPanel.running)
        table = panel.ui.batchTable
        return [[table.item(row, column).text() for column in range(4)] for row in range(table.rowCount)]

    return run


def test_a_folder_fills_the_table_and_a_double_click_loads_a_scan(app, panel, batch, scans, small_phantom) -> None:
    """Protects the way from a folder to a scan in the views; a scan that fails is named with its reason."""
    in_table = batch(scans)
    places = {row[0]: number for number, row in enumerate(in_table)}
    rows = sorted(in_table)
    assert [row[0] for row in rows] == ["scans / a.nii.gz", "scans / b.nii.gz", "scans / flat.nii.gz"]
    assert all(float(row[1]) > 500 and float(row[2]) > 500 for row in rows[:2])
    assert rows[2][3].startswith("Failed: ") and "all values lie between 0 and 0" in rows[2][3]
    assert panel.ui.batchStatusLabel.text == "1 of 3 scans failed"
    panel.ui.batchTable.cellDoubleClicked.emit(places["scans / a.nii.gz"], 0)
    volume, lungs = panel.parameters.inputVolume, panel.parameters.outputSegmentation
    assert volume.GetName() == "scans / a.nii.gz" and lungs.GetSegmentation().GetNumberOfSegments() == 2
    import slicer

    np.testing.assert_array_equal(slicer.util.arrayFromVolume(volume), small_phantom.ct.array)
    assert panel.ui.resultsCollapsibleButton.visible and panel.table()[0][1] == rows[0][1]
    panel.ui.batchTable.cellDoubleClicked.emit(places["scans / flat.nii.gz"], 0)
    assert "all values lie between 0 and 0" in panel.ui.batchStatusLabel.text


def test_the_scans_of_the_scene_get_their_lungs(app, panel, batch, small_phantom) -> None:
    """Protects who has loaded them already: no second copy comes into the scene."""
    from LungUNetSegSlicer.scene.volume_bridge import add_volume_node

    nodes = [add_volume_node(small_phantom.ct, "CT") for _ in range(2)]
    panel.ui.batchSourceComboBox.setCurrentIndex(1)
    titles = [row[0] for row in batch()]
    assert sorted(titles) == ["CT", "CT 2"]
    panel.ui.batchTable.cellDoubleClicked.emit(titles.index("CT 2"), 2)
    assert panel.parameters.inputVolume is nodes[1]
    assert app.mrmlScene().GetNodesByClass("vtkMRMLScalarVolumeNode").GetNumberOfItems() == 2
    app.mrmlScene().RemoveNode(nodes[0])
    panel.ui.batchTable.cellDoubleClicked.emit(titles.index("CT"), 0)
    assert panel.ui.batchStatusLabel.text.startswith("The CT CT is no longer in the scene.")


def test_the_scans_of_the_scene_are_done_once(panel, batch, phantom_node, tmp_path) -> None:
    """Protects a second click: the file that a volume is handed over in lies elsewhere each time."""
    panel.ui.batchSourceComboBox.setCurrentIndex(1)
    batch()
    (report,) = (tmp_path / "results" / "scans").glob("*/scan.json")
    made = report.stat().st_mtime_ns
    batch()
    assert [path.stat().st_mtime_ns for path in (tmp_path / "results" / "scans").glob("*/scan.json")] == [made]


def test_a_cancelled_batch_goes_on(panel, batch, scans, tmp_path, wait_until, monkeypatch) -> None:
    """Protects the hours before a click on Cancel."""
    rows = batch(scans)
    assert len(rows) == 3
    panel.click(panel.ui.batchButton)
    assert panel.ui.batchButton.text == "Cancel" and not panel.ui.batchOutputButton.enabled
    panel.click(panel.ui.batchButton)
    assert not panel.widget.batchPanel.running and panel.ui.batchButton.text == "Segment all"
    assert "kept" in panel.ui.batchStatusLabel.text
    changed = (tmp_path / "results" / "index.html").stat().st_mtime_ns
    assert len(batch(scans)) == 3
    assert (tmp_path / "results" / "index.html").stat().st_mtime_ns > changed


def test_what_is_missing_is_told_by_the_button(panel) -> None:
    """Protects who clicks before choosing."""
    assert not panel.ui.batchButton.enabled
    assert panel.ui.batchButton.toolTip == "Choose the folder of the scans first."
    panel.ui.batchSourceComboBox.setCurrentIndex(1)
    assert panel.ui.batchButton.toolTip == "Choose a folder for the results first."
