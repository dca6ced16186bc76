"""The lungs as DICOM beside their CT: what reaches the database, and what is told where that cannot be."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pydicom
import pytest
from host import dicom

from LungUNetSegLib.io import read_labels, read_scan, write_dicom_series
from LungUNetSegLib.segments import LUNGS
from LungUNetSegLib.volume import Volume

pytest.importorskip("highdicom")


@pytest.fixture
def shown(app, panel, small_phantom, tmp_path):
    """A CT from the database and its lungs, made by this module, in the panel."""
    from LungUNetSegSlicer.panel.results import ResultsView
    from LungUNetSegSlicer.scene.kept_result import remember
    from LungUNetSegSlicer.scene.segmentation_node import show_labels
    from LungUNetSegSlicer.scene.volume_bridge import add_volume_node

    write_dicom_series(small_phantom.ct, tmp_path / "ct")
    node = add_volume_node(small_phantom.ct, "Chest")
    segmentation = show_labels(small_phantom.labels, LUNGS, node)
    remember(segmentation, {
        "model": {"name": "lungs", "sha256": "0" * 64}, "volumes_ml": {}, "mean_hu": {}, "findings": [],
        "methods": "", "engine": "x", "elapsed_s": 1.0,
    })  # fmt: skip
    with dicom.installed() as database:
        for path in sorted((tmp_path / "ct").rglob("*.dcm")):
            database.add(str(path))
        uids = [str(pydicom.dcmread(path).SOPInstanceUID) for path in database.files()]
        node.SetAttribute("DICOM.instanceUIDs", " ".join(uids))
        view = ResultsView(panel.ui)
        view.show(segmentation)
        yield SimpleNamespace(
            node=node, segmentation=segmentation, database=database, folder=tmp_path / "ct", view=view
        )


def note(panel) -> str:
    panel.click(panel.ui.resultsDicomButton)
    return panel.ui.resultsNoteLabel.text


def test_the_lungs_come_into_the_database(panel, shown, small_phantom):
    """Protects what the database gets: the lungs to the voxel, as they are now, in the CT's study."""
    from LungUNetSegSlicer.scene.segmentation_node import show_labels

    array = small_phantom.labels.array.copy()
    array[:, :, : array.shape[2] // 2] = 0  # somebody has cut half away since
    corrected = Volume(array, small_phantom.labels.geometry)
    show_labels(corrected, LUNGS, shown.node, shown.segmentation)
    before = set(shown.database.files())
    assert "Added to the CT's study in the DICOM database: Lungs, LungUNetSeg" in note(panel)
    (path,) = set(shown.database.files()) - before
    scan = read_scan(shown.folder)
    found = read_labels(path, corrected.geometry)
    assert np.array_equal(found.array, array)
    assert pydicom.dcmread(path).StudyInstanceUID == pydicom.dcmread(scan.slices[0].path).StudyInstanceUID


def test_a_ct_from_elsewhere_is_told(panel, shown):
    shown.node.SetAttribute("DICOM.instanceUIDs", "")
    before = shown.database.files()
    assert "Chest was not loaded from Slicer's DICOM database" in note(panel)
    assert shown.database.files() == before


def test_a_ct_that_was_moved_is_told(panel, shown):
    """Protects from lungs beside the images: Slicer straightens tilted and uneven series by a transform."""
    from vtk import vtkMatrix4x4

    matrix = vtkMatrix4x4()
    shown.node.GetIJKToRASMatrix(matrix)
    matrix.SetElement(2, 3, matrix.GetElement(2, 3) + 1.0)
    shown.node.SetIJKToRASMatrix(matrix)
    assert "does not lie where its images do" in note(panel)


def test_a_full_disk_is_told(panel, shown, monkeypatch):
    """Protects from a click after which nothing is said: only the library's own errors were."""

    def full(**_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tempfile.TemporaryDirectory", full)
    assert "No space left on device" in note(panel) and "free disk space" in panel.ui.resultsNoteLabel.text


def test_what_is_shown_after_an_installation_is_not_saved_instead(panel, shown, monkeypatch):
    """Protects from one scan's lungs with another one's result: the event loop runs while highdicom is installed."""
    from LungUNetSegSlicer.panel import results

    saved = []

    def install(_):
        shown.view.show(None)
        return True

    monkeypatch.setattr(results, "is_installed", lambda _: False)
    monkeypatch.setattr(results, "install_with_consent", install)
    monkeypatch.setattr(results, "save_as_dicom", lambda lungs, _model: (saved.append(lungs), ("Lungs", ()))[1])
    panel.click(panel.ui.resultsDicomButton)
    assert saved == [shown.segmentation]


def test_without_highdicom_the_user_is_asked(panel, shown, monkeypatch):
    from LungUNetSegSlicer.panel import dependencies

    real = dependencies.find_spec
    monkeypatch.setattr(dependencies, "find_spec", lambda name: None if name == "highdicom" else real(name))
    dialog = panel.answer("Cancel")
    assert note(panel) == "Nothing was installed. DICOM results need highdicom."
    assert "highdicom" in dialog[0] and "about 5 MB" in dialog[0]


@pytest.mark.parametrize(
    ("network", "said"),
    [
        (lambda labels: labels, ["AUTOMATIC", "AUTOMATIC"]),
        (lambda labels: np.where(np.arange(len(labels))[:, None, None] > len(labels) // 2, labels, labels == 2) * 1,
         ["SEMIAUTOMATIC", "SEMIAUTOMATIC"]),
        (lambda labels: labels * (labels == 1), ["AUTOMATIC", "MANUAL"]),
    ],
)  # fmt: skip
def test_the_object_says_which_lung_was_corrected(panel, shown, small_phantom, network, said):
    """Protects who reads the object from a drawn lung that is called automatic, and the other way round."""
    from LungUNetSegLib.segmentation.network_mask import to_text
    from LungUNetSegSlicer.scene.kept_result import recall, remember

    own = network(small_phantom.labels.array).astype(np.uint8)
    result = {**recall(shown.segmentation), "volumes_ml": {"right": 1.0, "left": 1.0, "total": 2.0}}
    remember(shown.segmentation, result, to_text(Volume(own, small_phantom.labels.geometry)))
    before = set(shown.database.files())
    assert "Added to the CT" in note(panel)
    (path,) = set(shown.database.files()) - before
    dataset = pydicom.dcmread(path)
    assert [each.SegmentAlgorithmType for each in dataset.SegmentSequence] == said
    assert ("corrected by hand" in dataset.ContentDescription) == (said != ["AUTOMATIC", "AUTOMATIC"])
    has_algorithm = ["SegmentationAlgorithmIdentificationSequence" in each for each in dataset.SegmentSequence]
    assert has_algorithm == [each != "MANUAL" for each in said]


def test_without_the_network_s_mask_nothing_is_called_automatic(panel, shown):
    """Protects scenes of older versions, in which nobody knows what was corrected."""
    before = set(shown.database.files())
    note(panel)
    (path,) = set(shown.database.files()) - before
    assert {each.SegmentAlgorithmType for each in pydicom.dcmread(path).SegmentSequence} == {"SEMIAUTOMATIC"}
