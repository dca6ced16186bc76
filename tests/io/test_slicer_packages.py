"""The packages that 3D Slicer ships are enough: `info`, `segment` and `evaluate` run with them, in every encoding."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from dicom_files import encoded, save, slices_of

from LungUNetSegLib.io import write_labels
from LungUNetSegLib.phantom import Phantom, make_phantom, phantom_geometry

ROOT = Path(__file__).resolve().parents[2]

SLICERS = {
    "5.10": ("pydicom==2.4.4", "numpy==2.0.2"),
    "5.12": ("pydicom>=3", "numpy==2.4.6"),
}
"""What Slicer ships of the library's packages; neither has GDCM, pylibjpeg or pyjpegls."""

ALSO = ("SimpleITK", "scipy", "onnxruntime")
SYNTAXES = ("", "jpeg-ls", "jpeg-2000", "rle", "jpeg-lossless")


@pytest.fixture(scope="module", params=SLICERS)
def slicer_python(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python with these packages and nothing else."""
    folder = tmp_path_factory.mktemp("slicer")
    venv.create(folder, with_pip=True)
    python = next(path for path in (folder / "bin" / "python", folder / "Scripts" / "python.exe") if path.exists())
    command = [str(python), "-m", "pip", "install", "--quiet", *SLICERS[request.param], *ALSO]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        pytest.skip(f"the packages of Slicer {request.param} cannot be installed here: {result.stderr[-300:]}")
    return python


@pytest.fixture(scope="module")
def chest() -> Phantom:
    return make_phantom(phantom_geometry((17, 64, 64)), rng=1)


def run(python: Path, *arguments: object) -> str:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [str(python), "-m", "LungUNetSegLib", *map(str, arguments)]
    result = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    return result.stdout


@pytest.mark.slow
def test_info_segment_and_evaluate_run_with_slicers_packages(
    slicer_python: Path, chest: Phantom, tmp_path: Path
) -> None:
    """Protects the README's promise; every encoding gives the label map that this Python gives."""
    write_labels(tmp_path / "reference.nii.gz", chest.labels)
    maps = []
    for syntax in SYNTAXES:
        folder = tmp_path / (syntax or "plain")
        save([encoded(each, syntax) if syntax else each for each in slices_of(chest.ct)], folder)
        assert "17 x 64 x 64" in run(slicer_python, "info", folder)
        output = tmp_path / f"{folder.name}.nii.gz"
        run(slicer_python, "segment", folder, "-o", output, "--engine", "onnxruntime", "--progress", "none")
        maps.append(sitk.GetArrayFromImage(sitk.ReadImage(str(output))))
    ours = tmp_path / "ours.nii.gz"
    run(Path(sys.executable), "segment", folder, "-o", ours, "--engine", "onnxruntime", "--progress", "none")
    expected = sitk.GetArrayFromImage(sitk.ReadImage(str(ours)))
    assert all(np.array_equal(each, maps[0]) for each in maps)
    assert np.count_nonzero(maps[0] != expected) <= 0.001 * np.count_nonzero(expected)
    run(slicer_python, "evaluate", tmp_path / "plain.nii.gz", tmp_path / "reference.nii.gz")


def test_the_versions_that_slicer_ships_are_listed() -> None:
    """Protects who looks for them in CONTRIBUTING.md: the list there is what is tested here."""
    rows = [line for line in (ROOT / "CONTRIBUTING.md").read_text().splitlines() if line.startswith("| 5.")]
    listed = {cells[1]: tuple(cells[3].split(", ")) for cells in ([c.strip() for c in row.split("|")] for row in rows)}
    assert listed == SLICERS
