"""The first minute: an empty scene, one sentence, two buttons."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import SimpleITK as sitk
from host import dicom, sample_data

from LungUNetSegLib import sample
from LungUNetSegLib.errors import ReadError
from LungUNetSegLib.io import write_dicom_series
from LungUNetSegLib.volume.resample import to_sitk


@pytest.fixture
def choose_folder(monkeypatch):
    """Answer the next folder dialog."""
    import qt

    def answer(path):
        monkeypatch.setattr(qt.QFileDialog, "getExistingDirectory", lambda *_: str(path))

    return answer


@pytest.fixture
def sample_scan(app, tmp_path, small_phantom, monkeypatch):
    """A sample that is the phantom, and takes a moment to come; set its function to change that."""
    from LungUNetSegSlicer.scene.sample_data import register

    def fetch(folder: Path) -> Path:
        time.sleep(0.2)
        sitk.WriteImage(to_sitk(small_phantom.ct), str(folder / sample.FILE_NAME))
        return folder / sample.FILE_NAME

    monkeypatch.setattr(sample, "fetch", fetch)
    with sample_data.installed(tmp_path) as logic:
        logic.adds_nodes = True
        register(Path(__file__))
        logic.sources[0].checksums = [None]
        yield logic


def test_an_empty_scene_offers_two_ways_to_a_ct(panel):
    assert panel.ui.firstScanFrame.visible
    assert panel.ui.firstScanLabel.text.startswith("There is no CT in the scene yet")
    assert panel.ui.loadDicomButton.enabled and panel.ui.loadSampleButton.enabled
    assert not panel.ui.applyButton.visible, "a grey button would be no help"


def test_it_goes_when_there_is_a_ct_and_comes_back_without(app, panel, phantom_node):
    assert not panel.ui.firstScanFrame.visible and panel.ui.applyButton.visible
    app.mrmlScene().RemoveNode(phantom_node)
    assert panel.ui.firstScanFrame.visible and not panel.ui.applyButton.visible
    app.mrmlScene().AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "labels")
    assert panel.ui.firstScanFrame.visible, "a label map is no CT"


def test_the_sample_is_loaded_and_chosen_while_slicer_goes_on(panel, sample_scan, wait_until):
    panel.click(panel.ui.loadSampleButton)
    assert "35 MB" in panel.ui.firstScanNoteLabel.text and not panel.ui.loadSampleButton.enabled
    wait_until(lambda: panel.ui.applyButton.enabled)
    assert panel.ui.inputVolumeSelector.currentNode().GetName() == sample.NAME
    assert not panel.ui.firstScanFrame.visible


def test_without_a_network_it_says_so_and_can_be_tried_again(panel, sample_scan, wait_until, monkeypatch):
    def fail(folder):
        raise ReadError("The sample scan cannot be downloaded. Connect to the network.")

    monkeypatch.setattr(sample, "fetch", fail)
    panel.click(panel.ui.loadSampleButton)
    wait_until(lambda: panel.ui.loadSampleButton.enabled)
    assert panel.ui.firstScanNoteLabel.text.startswith("The sample scan cannot be downloaded.")


def test_the_module_can_be_closed_during_the_download(panel, sample_scan, app):
    panel.click(panel.ui.loadSampleButton)
    panel.widget.cleanup()
    app.processEvents()
    assert not sample_scan.loaded


def test_a_dicom_folder_gives_its_largest_ct(app, panel, choose_folder, tmp_path, small_phantom, phantom):
    write_dicom_series(small_phantom.ct, tmp_path / "scout")
    write_dicom_series(phantom.ct, tmp_path / "chest")
    (tmp_path / "notes.txt").write_text("no DICOM")
    choose_folder(tmp_path)
    with dicom.installed():
        panel.click(panel.ui.loadDicomButton)
    node = panel.ui.inputVolumeSelector.currentNode()
    assert node.GetImageData().GetDimensions()[2] == 60
    assert panel.ui.firstScanNoteLabel.text.startswith("The largest of 2 CT series was loaded")
    assert panel.ui.applyButton.enabled
    app.mrmlScene().Clear(0)
    assert not panel.ui.firstScanNoteLabel.visible, "it was about a scan that is gone"


@pytest.mark.parametrize("kind", ["empty", "absent", "closed database", "cancelled"])
def test_a_folder_that_cannot_be_loaded_is_told(panel, choose_folder, tmp_path, kind):
    choose_folder("" if kind == "cancelled" else tmp_path / "absent" if kind == "absent" else tmp_path)
    with dicom.installed() as database:
        database.isOpen = kind != "closed database"
        panel.click(panel.ui.loadDicomButton)
    texts = {
        "empty": f"{tmp_path} holds no CT in DICOM files. Choose the folder of a chest CT.",
        "absent": f"There is no folder {tmp_path / 'absent'}.",
        "closed database": "Slicer's DICOM database is not open. Open the module DICOM once, and try again.",
        "cancelled": "",
    }
    assert panel.ui.firstScanNoteLabel.text == texts[kind]
    assert panel.ui.firstScanFrame.visible
