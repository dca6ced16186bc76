"""Programs of other people that judge what we write; without them their tests skip aloud."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from LungUNetSegLib.volume import Geometry, Volume
from LungUNetSegLib.volume.resample import from_sitk


def program(name: str, package: str) -> str:
    """Path of a program, or a skip that names the Debian package that has it."""
    for folder in os.get_exec_path():
        found = shutil.which(name, path=folder)
        # pynetdicom installs Python programs of the names of dcmtk's, which an activated environment finds first.
        if found is not None and b"python" not in Path(found).read_bytes()[:200].split(b"\n")[0]:
            return found
    pytest.skip(f"{name} is not installed (Debian: {package})")


def dciodvfy_errors(path: Path) -> list[str]:
    """What David Clunie's validator of DICOM objects calls an error."""
    command = [program("dciodvfy", "dicom3tools"), "-new", str(path)]
    said = subprocess.run(command, capture_output=True, text=True, check=False, errors="replace")
    return [line for line in (said.stdout + said.stderr).splitlines() if line.strip().startswith("Error")]


def by_highdicom(path: Path) -> Volume:
    """A SEG of even, straight slices as highdicom reads it."""
    highdicom = pytest.importorskip("highdicom")
    volume = highdicom.seg.segread(path).get_volume(combine_segments=True, allow_missing_positions=True)
    return Volume(np.asarray(volume.array, np.uint8), Geometry(volume.array.shape, volume.affine))


def images_by_dcmqi(path: Path, folder: Path) -> list[Path]:
    """An image for each of the two segments of a SEG, as dcmqi writes them."""
    reader = Path(sys.executable).with_name("segimage2itkimage")
    if not reader.exists():
        pytest.skip("dcmqi is not installed (PyPI: dcmqi)")
    command = [reader, "--inputDICOM", path, "--outputDirectory", folder, "-t", "nrrd", "-p", "x"]
    subprocess.run(command, check=True, capture_output=True)
    return [folder / f"x-{number}.nrrd" for number in (1, 2)]


def by_dcmqi(path: Path, folder: Path) -> Volume:
    """The two segments of a SEG as dcmqi reads them."""
    parts = [from_sitk(sitk.ReadImage(str(each))) for each in images_by_dcmqi(path, folder)]
    array = sum((part.array > 0).astype(np.uint8) * number for number, part in enumerate(parts, 1))
    return Volume(array, parts[0].geometry)
