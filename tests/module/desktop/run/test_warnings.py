"""Each warning is provoked once, by a scan that deserves it, through the whole command line with a real engine."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from LungUNetSegLib.io import write_dicom_series
from LungUNetSegLib.volume import Geometry, Volume

CODES_OF_FILES = {"several-series", "no-orientation", "unreadable-files"}
"""Remarks on files of the user's; the panel hands over a volume that Slicer has read."""

pytestmark = pytest.mark.usefixtures("nothing_left")


@pytest.fixture
def warnings_of(panel, window_model):
    """Segment a volume node in the panel; return the text of the warnings."""

    def run(node, model=window_model):
        panel.ui.inputVolumeSelector.setCurrentNode(node)
        panel.ui.show3dCheckBox.checked = False
        panel.parameters.model = str(model)
        panel.run()
        assert panel.ui.resultsCollapsibleButton.visible, panel.ui.statusLabel.text
        return panel.ui.warningsLabel.text if panel.ui.warningsLabel.visible else ""

    return run


@pytest.fixture
def add_volume(app):
    """Add a volume node with these voxels on the grid of a scan."""
    from LungUNetSegSlicer.scene.volume_bridge import add_volume_node

    def add(array, geometry, name="CT"):
        array = np.ascontiguousarray(array)
        return add_volume_node(Volume(array, Geometry(array.shape, geometry.affine_lps)), name)

    return add


def test_a_good_scan_has_one_warning_only(warnings_of, phantom_node, panel):
    """The phantom's lungs are ellipsoids, which leave tissue before its ribs; no human's do."""
    text = warnings_of(phantom_node)
    assert text.startswith("\u26a0 <b>Solid tissue behind a lung.</b>") and text.count("\u26a0") == 1
    rows = panel.table()
    assert [row[0] for row in rows] == ["Right lung", "Left lung", "Both lungs"]
    assert all(1500 < int(row[1]) < 5000 and -850 < int(row[2].replace("−", "-")) < -700 for row in rows)


def test_not_a_ct_in_hu(warnings_of, add_volume, phantom):
    text = warnings_of(add_volume(phantom.ct.array + np.int16(1024), phantom.ct.geometry))
    assert "The values may not be Hounsfield units." in text
    assert "No lung found." in text


def test_lung_cut_by_the_end_of_the_scan(warnings_of, add_volume, phantom):
    text = warnings_of(add_volume(phantom.ct.array[20:40], phantom.ct.geometry))
    assert "Lung cut off.</b> The lung is cut off at the edge of the scan: feet" in text


def test_nothing_found(warnings_of, add_volume, head_phantom, panel):
    text = warnings_of(add_volume(head_phantom.ct.array, head_phantom.ct.geometry))
    assert "No lung found." in text
    assert panel.table()[2] == ["Both lungs", "0", "–"]


def test_sides_in_doubt(warnings_of, phantom_node, tmp_path):
    from panel_helpers.window_model import write_window_model

    model = write_window_model(tmp_path / "swapped", sides_swapped=True)
    assert "Right and left may be swapped." in warnings_of(phantom_node, model)


def test_volume_under_a_transform(app, warnings_of, phantom_node):
    transform = app.mrmlScene().AddNewNodeByClass("vtkMRMLLinearTransformNode", "Couch <1>")
    phantom_node.SetAndObserveTransformNodeID(transform.GetID())
    text = warnings_of(phantom_node)
    assert "Volume under a transform.</b> The CT is under the transform &#x27;Couch &lt;1&gt;&#x27;" in text


def test_uneven_slices(warnings_of, phantom_node, small_phantom, tmp_path, monkeypatch):
    import pydicom
    import slicer

    write_dicom_series(small_phantom.ct, tmp_path)
    files = sorted(tmp_path.rglob("*.dcm"))
    by_height = sorted(files, key=lambda file: float(pydicom.dcmread(file).ImagePositionPatient[2]))
    _move(by_height[-1], 0.4)
    instances = {pydicom.dcmread(file, stop_before_pixels=True).SOPInstanceUID: str(file) for file in files}
    database = SimpleNamespace(isOpen=True, fileForInstance=lambda uid: instances.get(uid, ""))
    monkeypatch.setattr(slicer, "dicomDatabase", database, raising=False)
    phantom_node.SetAttribute("DICOM.instanceUIDs", " ".join([*instances, "1.2.3"]))
    assert "Uneven slice spacing.</b> Slices are unevenly spaced" in warnings_of(phantom_node)


def _move(file, share):
    """Move a slice by a share of the slice distance."""
    import pydicom

    dataset = pydicom.dcmread(file)
    x, y, z = (float(value) for value in dataset.ImagePositionPatient)
    dataset.ImagePositionPatient = [x, y, z + share * float(dataset.SliceThickness)]
    dataset.save_as(file)


def test_a_warning_that_is_not_known_here_is_shown_with_its_own_sentence():
    from LungUNetSegSlicer.panel.texts import warnings_html

    assert warnings_html([{"code": "new-one", "message": "Something <new>."}]) == "⚠ Something &lt;new&gt;."


def test_every_code_of_the_library_has_a_heading():
    import re

    from host import application

    from LungUNetSegSlicer.panel.texts import warnings_html

    library = application.REPOSITORY / "LungUNetSegLib"
    sources = [path for package in ("io", "segmentation", "engines") for path in (library / package).rglob("*.py")]
    sources = [path for path in sources if path.parent.name != "masks"]  # the panel hands over no mask
    sources.append(application.REPOSITORY / "LungUNetSeg" / "LungUNetSegSlicer" / "scene" / "volume_bridge.py")
    text = "\n".join(source.read_text(encoding="utf-8") for source in sources)
    codes = set(re.findall(r'Finding\(\s*"([a-z-]+)"', text)) - CODES_OF_FILES
    without = {code for code in codes if "<b>" not in warnings_html([{"code": code, "message": ""}])}
    assert len(codes) > 10
    assert not without
