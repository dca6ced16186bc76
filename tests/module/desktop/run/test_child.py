"""The panel's child with the real network: what it leaves for Slicer, and what it does without."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from host.application import REPOSITORY

from LungUNetSegLib.phantom import Phantom
from LungUNetSegLib.volume.resample import to_sitk


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
    script = "import sys; from LungUNetSegSlicer.run.child import main; main(sys.argv[1:]); print(*sys.modules)"
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
