"""The panel's child with the real network: what it leaves for Slicer, and what it does without."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from dicom_files import save, slices_of
from host.application import REPOSITORY

from LungUNetSegLib.measures import UNKNOWN, judge
from LungUNetSegLib.phantom import Phantom
from LungUNetSegLib.volume.resample import to_sitk

MEASURED = {
    "slice_mm": 3.0,
    "coarsest_mm": 3.0,
    "air_hu": None,
    "noise_hu": None,
    "blood_hu": None,
    "aorta_hu": None,
    "lowest_hu": -1010,
    "lowest_percent": 0.0,
}


@pytest.mark.parametrize("engine", ["onnxruntime", "openvino"])
def test_a_run_needs_no_torch_and_brings_quality_findings_lungs_and_surfaces(
    small_phantom: Phantom, tmp_path: Path, engine: str
) -> None:
    """Protects Slicer without torch, and the doubt: what the library knows of a result reaches the panel."""
    pytest.importorskip(engine)
    folder = tmp_path / "LungUNetSeg-run"
    folder.mkdir()
    sitk.WriteImage(to_sitk(small_phantom.ct), str(folder / "scan.nrrd"))
    (folder / "dicom-files.json").write_text("[]")
    options = ["--model", "lungs", "--device", "cpu", "--engine", engine, "--labels", "lr", "--surfaces"]
    script = (
        "import sys; from LungUNetSegSlicer.run.segmentation_child import main; main(sys.argv[1:]); print(*sys.modules)"
    )
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY / "LungUNetSeg")}
    command = [sys.executable, "-c", script, str(folder), *options]
    reading, writing = os.pipe()  # which Slicer holds open while it lives
    child = subprocess.run(command, env=environment, stdin=reading, capture_output=True, text=True, check=False)
    os.close(reading)
    os.close(writing)
    assert child.returncode == 0, child.stderr
    imported = {name.partition(".")[0] for name in child.stdout.splitlines()[-1].split()}
    assert {engine, "vtkmodules"} <= imported and "torch" not in imported
    result = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    assert result["quality"]["confidence"] > 0.5 and set(result["quality"]["cut_mm2"]) >= {"feet", "head"}
    assert np.unique(np.load(folder / "lungs.npy")).tolist() == [0, 1, 2]
    left = {path.name for path in folder.iterdir()}
    assert {"first.npy", "surface-1.vtp", "surface-2.vtp"} <= left and "scan.nrrd" not in left


@pytest.mark.parametrize(("thickness_mm", "doubted"), [(1.0, False), (5.0, True)])
def test_the_density_is_judged_by_the_scan_s_own_headers(
    small_phantom: Phantom, tmp_path: Path, thickness_mm: float, doubted: bool
) -> None:
    """Protects the panel's doubt: Slicer hands over voxels alone, and the thickness stands in the DICOM files."""
    from LungUNetSegSlicer.run import segmentation_child

    files = save(slices_of(small_phantom.ct, SliceThickness=thickness_mm), tmp_path / "ct")
    acquisition, findings = judge(MEASURED, UNKNOWN)
    result = {
        "findings": [dataclasses.asdict(each) for each in findings], "acquisition": acquisition,
        "volumes_ml": {"total": 4000.0},
    }  # fmt: skip
    (tmp_path / segmentation_child.RESULT).write_text(json.dumps(result), encoding="utf-8")
    (tmp_path / segmentation_child.DICOM_FILES).write_text(
        json.dumps([str(each) for each in files.iterdir()]), encoding="utf-8"
    )
    segmentation_child._add_findings(tmp_path)
    told = json.loads((tmp_path / segmentation_child.RESULT).read_text(encoding="utf-8"))
    messages = [each["message"] for each in told["findings"] if each["code"] == "density-in-doubt"]
    assert len(messages) == doubted and all("slices of 5 mm" in each for each in messages)
    assert told["acquisition"]["thickness_mm"] == thickness_mm


@pytest.mark.parametrize(("changed", "code"), [(False, "copied-files"), (True, "copies-differ")])
def test_copies_among_the_scan_s_files_are_said(
    small_phantom: Phantom, tmp_path: Path, changed: bool, code: str
) -> None:
    """Slicer loads what it is given; of copies in its list, and of those that differ, the headers' reading tells."""
    from LungUNetSegSlicer.run import segmentation_child

    datasets = slices_of(small_phantom.ct)
    save(datasets, tmp_path / "ct")
    if changed:
        datasets[0].PixelData = b"\x01\x00" + datasets[0].PixelData[2:]
    save(datasets, tmp_path / "copy")
    acquisition, _ = judge(MEASURED, UNKNOWN)
    result = {"findings": [], "acquisition": acquisition, "volumes_ml": {"total": 0.0}}
    (tmp_path / segmentation_child.RESULT).write_text(json.dumps(result), encoding="utf-8")
    files = [str(each) for folder in ("ct", "copy") for each in sorted((tmp_path / folder).iterdir())]
    (tmp_path / segmentation_child.DICOM_FILES).write_text(json.dumps(files), encoding="utf-8")
    segmentation_child._add_findings(tmp_path)
    told = json.loads((tmp_path / segmentation_child.RESULT).read_text(encoding="utf-8"))
    assert [each["code"] for each in told["findings"]] == [code]
