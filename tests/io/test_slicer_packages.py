"""The packages that 3D Slicer ships are enough: `info`, `segment` and `evaluate` run with them, in every encoding."""

from __future__ import annotations

import json
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
from LungUNetSegLib.phantom import make_phantom, phantom_geometry

ROOT = Path(__file__).resolve().parents[2]

SLICERS = {
    "5.10": ("pydicom==2.4.4", "numpy==2.0.2", "scipy==1.13.1", "SimpleITK==2.5.2"),
    "5.12": ("pydicom==3.0.2", "numpy==2.4.6", "scipy==1.17.1", "SimpleITK==2.5.5"),
}
"""What Slicer ships of the library's packages, as SuperBuild/External_python-*.cmake of tags v5.10.0 and v5.12.3 pin
them, and the release that v5.10.0 builds SimpleITK of. Neither has GDCM, pylibjpeg or pyjpegls."""

ALSO = ("onnxruntime",)
"""What the panel installs."""
SYNTAXES = ("", "jpeg-ls", "jpeg-2000", "rle", "jpeg-lossless")


@pytest.fixture(scope="module")
def other_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python without packages."""
    folder = tmp_path_factory.mktemp("slicer")
    venv.create(folder)
    return next(path for path in (folder / "bin" / "python", folder / "Scripts" / "python.exe") if path.exists())


@pytest.fixture(scope="module", params=SLICERS)
def slicer_python(request: pytest.FixtureRequest, other_python: Path) -> Path:
    """A Python with these packages and nothing else: the second list replaces what differs from the first."""
    # By this Python's pip, and without compiling what is never imported: most of the time went into these.
    pip = [sys.executable, "-m", "pip", "--python", str(other_python), "install", "--quiet", "--no-compile"]
    command = [*pip, *SLICERS[request.param], *ALSO]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        pytest.skip(f"the packages of Slicer {request.param} cannot be installed here: {result.stderr[-300:]}")
    return other_python


@pytest.fixture(scope="module")
def chest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a scan in each encoding, its reference, and the label map that this Python gives."""
    folder = tmp_path_factory.mktemp("chest")
    phantom = make_phantom(phantom_geometry((17, 64, 64)), rng=1)
    write_labels(folder / "reference.nii.gz", phantom.labels)
    for syntax in SYNTAXES:
        datasets = slices_of(phantom.ct)
        save([encoded(each, syntax) if syntax else each for each in datasets], folder / (syntax or "plain"))
    run(Path(sys.executable), segmented(folder / "plain", folder / "ours.nii.gz"))
    return folder


COMMANDS = """
import json, sys
from LungUNetSegLib.cli import main
for words in json.loads(sys.argv[1]):
    if main(words):
        sys.exit(1)
"""


def segmented(scan: Path, output: Path) -> list[str]:
    """The command that segments a scan."""
    return ["segment", str(scan), "-o", str(output), "--engine", "onnxruntime", "--progress", "none"]


def run(python: Path, *commands: list[str]) -> str:
    """Run commands one after the other in one process."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [str(python), "-c", COMMANDS, json.dumps(commands)]
    if len(commands) == 1:
        command = [str(python), "-m", "LungUNetSegLib", *commands[0]]
    result = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    return result.stdout


@pytest.mark.slow
def test_info_segment_and_evaluate_run_with_slicers_packages(slicer_python: Path, chest: Path, tmp_path: Path) -> None:
    """Protects the README's promise; every encoding gives the label map that this Python gives."""
    names = [syntax or "plain" for syntax in SYNTAXES]
    outputs = [tmp_path / f"{name}.nii.gz" for name in names]
    # In one process: these Pythons take seconds to start.
    asked = [["info", str(chest / name)] for name in names]
    segments = [segmented(chest / name, output) for name, output in zip(names, outputs, strict=True)]
    evaluated = ["evaluate", str(outputs[0]), str(chest / "reference.nii.gz")]
    told = run(slicer_python, *asked, *segments, evaluated)
    assert sum(line.startswith("Phantom: 17 x 64 x 64") for line in told.splitlines()) == len(names)
    expected, *maps = (sitk.GetArrayFromImage(sitk.ReadImage(str(path))) for path in (chest / "ours.nii.gz", *outputs))
    assert all(np.array_equal(each, maps[0]) for each in maps)
    assert np.count_nonzero(maps[0] != expected) <= 0.001 * np.count_nonzero(expected)


def test_the_versions_that_slicer_ships_are_listed() -> None:
    """Protects who looks for them in CONTRIBUTING.md: the list there is what is tested here."""
    rows = [line for line in (ROOT / "CONTRIBUTING.md").read_text().splitlines() if line.startswith("| 5.")]
    listed = {cells[1]: tuple(cells[3].split(", ")) for cells in ([c.strip() for c in row.split("|")] for row in rows)}
    assert listed == SLICERS
