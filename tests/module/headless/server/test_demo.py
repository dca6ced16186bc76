"""`make demo`: everything it promises, from the phantom and from the user's own scan, with a tiny model."""

from __future__ import annotations

import json
import re
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
import slicer

from LungUNetSegLib import sample
from LungUNetSegLib.errors import ReadError
from LungUNetSegLib.io import read_labels
from LungUNetSegLib.phantom import Phantom
from LungUNetSegLib.segments import LUNGS
from LungUNetSegLib.volume.resample import to_sitk
from LungUNetSegSlicer.server import demo


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sample is neither in the cache nor to be had."""

    def fetch() -> Path:
        raise ReadError("The sample scan cannot be downloaded.")

    monkeypatch.setattr(sample, "fetch", fetch)


@pytest.fixture
def scan(tmp_path: Path, small_phantom: Phantom) -> Path:
    """A user's own scan as a NIfTI file."""
    path = tmp_path / "mine.nii.gz"
    sitk.WriteImage(to_sitk(small_phantom.ct), str(path))
    return path


def test_without_network_the_phantom_takes_the_samples_place(
    scene: Any, no_network: None, tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """All outputs, scores against the phantom's truth, and a scene that loads back with both nodes and their data."""
    assert demo.main(["--output", str(tmp_path / "out"), "--model", str(tiny_model)]) == 0
    said = capsys.readouterr().out
    assert "The synthetic phantom is used instead." in said
    assert "Right lung" in said and "DSC" in said and "HD95" in said
    assert (tmp_path / "out" / "phantom" / "0001.dcm").exists()
    assert {path.name for path in (tmp_path / "out").iterdir()} == {*demo.OUTPUTS, "phantom"}
    report = json.loads((tmp_path / "out" / demo.NUMBERS).read_text())
    assert set(report["scores"]) == {"Right lung", "Left lung", "Lungs"}
    page = (tmp_path / "out" / demo.PAGE).read_text(encoding="utf-8")
    assert "<h1>Lungs of Phantom</h1>" in page and "Compared with the reference" in page and "HD95" in page
    assert f"{report['volumes_ml']['right']:.0f} <span" in page and report["methods"] in unescape(page)
    assert page.count("data:image/png;base64,") > 4  # the views and the slices
    assert not re.search(r'(src|href)="(?!data:|#)', page), "the page needs another file"


def test_ones_own_scan_has_no_scores(scene: Any, scan: Path, tiny_model: Path, tmp_path: Path) -> None:
    assert demo.main([str(scan), "--output", str(tmp_path / "out"), "--model", str(tiny_model)]) == 0
    report = json.loads((tmp_path / "out" / demo.NUMBERS).read_text())
    assert report["scores"] == {}
    assert report["volumes_ml"]["total"] > 0
    page = (tmp_path / "out" / demo.PAGE).read_text(encoding="utf-8")
    assert "<h1>Lungs of mine.nii.gz</h1>" in page and page.count("data:image/png") == 1
    assert "Compared with the reference" not in page and "<table>" not in page


def test_the_scene_and_the_segmentation_open_in_slicer(
    core: Any, scene: Any, scan: Path, tiny_model: Path, tmp_path: Path
) -> None:
    """The scene has the CT in all slice views; the segmentation its names, colours, codes and voxels."""
    demo.run(scan, tmp_path, str(tiny_model))
    labels = read_labels(tmp_path / demo.LABELS).array
    scene.Clear()
    assert core.io_manager.load_scene(tmp_path / demo.SCENE)
    ct = scene.GetFirstNodeByClass("vtkMRMLScalarVolumeNode")
    assert ct.GetName() == "mine.nii.gz"
    composites = slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode")
    # Other views may be there too, for those that another test has drawn never leave this process.
    assert {(node.GetLayoutName(), node.GetBackgroundVolumeID()) for node in composites} >= {
        (tag, ct.GetID()) for tag in ("Red", "Green", "Yellow")
    }
    in_scene = scene.GetFirstNodeByClass("vtkMRMLSegmentationNode")
    from_file = core.io_manager.load_segmentation(tmp_path / demo.SEGMENTATION)
    for node in (in_scene, from_file):
        for lung in LUNGS:
            segment = node.GetSegmentation().GetSegment(lung.segment_id)
            assert (segment.GetName(), segment.GetTerminology()) == (lung.name, lung.terminology)
            np.testing.assert_allclose(segment.GetColor(), lung.colour, atol=1e-6)
            mask = slicer.util.arrayFromSegmentBinaryLabelmap(node, lung.segment_id, ct) > 0
            np.testing.assert_array_equal(mask, labels == lung.label)


def test_an_error_is_one_line_and_the_last_results_stay(
    scene: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A mistyped path costs nobody yesterday's results."""
    (tmp_path / demo.PAGE).write_text("<p>")
    assert demo.main([str(tmp_path / "absent"), "--output", str(tmp_path)]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("make demo: ") and said.err.count("\n") == 1 and "absent" in said.err
    assert (tmp_path / demo.PAGE).exists()


def test_nothing_old_is_left_beside_new_results(
    scene: Any, scan: Path, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a machine that cannot draw, the views of another scan would be taken for this one's."""
    out = tmp_path / "out"
    out.mkdir()
    (out / demo.VIEWS).write_bytes(b"another scan's")
    (out / "report.json").write_text("{}")  # as an earlier version called its numbers
    monkeypatch.setattr(demo, "_draw", lambda *_: None)
    assert demo.main([str(scan), "--output", str(out), "--model", str(tiny_model)]) == 0
    assert not (out / demo.VIEWS).exists() and not (out / "report.json").exists()
    assert "data:image" not in (out / demo.PAGE).read_text(encoding="utf-8")
