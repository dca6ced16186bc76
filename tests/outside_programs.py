"""Programs of other people that judge what we write; without them their tests skip aloud."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
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


def same_voxels(found: Volume, truth: Volume) -> bool:
    """Whether two label maps mark the same places, on whatever part and order of one grid."""
    index = truth.geometry.to_index(found.geometry.to_lps(np.argwhere(found.array)))
    near = np.rint(index).astype(int)
    values = found.array[tuple(np.argwhere(found.array).T)]
    return (
        np.abs(index - near).max() < 0.01
        and len(values) == np.count_nonzero(truth.array)
        and np.array_equal(truth.array[tuple(near.T)], values)
    )


@dataclass(frozen=True, eq=False)
class Frame:
    """A frame of a SEG: where its first pixel is (LPS mm), which segment it shows, and which pixels belong to it."""

    position: np.ndarray
    segment: int
    pixels: np.ndarray

    def same(self, other: Frame) -> bool:
        return (
            np.abs(self.position - other.position).max() < 1e-3
            and self.segment == other.segment
            and np.array_equal(self.pixels, other.pixels)
        )


def frames_by_highdicom(path: Path) -> list[Frame]:
    """The frames of a SEG as highdicom reads them one by one, whether or not they form a volume."""
    highdicom = pytest.importorskip("highdicom")
    seg, place = highdicom.seg.segread(path), highdicom.spatial.PixelToReferenceTransformer.for_image
    numbers = [each.SegmentIdentificationSequence[0] for each in seg.PerFrameFunctionalGroupsSequence]
    return [
        Frame(
            position=place(seg, frame_number=index).affine[:3, 3],
            segment=int(number.ReferencedSegmentNumber),
            pixels=seg.get_stored_frame(index) > 0,
        )
        for index, number in enumerate(numbers, 1)
    ]


def frames_by_dcmtk(path: Path, folder: Path) -> list[Frame]:
    """The frames of a SEG as dcmtk reads them, a library in C++ that looks for no volume in them."""
    folder.mkdir()
    subprocess.run([program("dcm2pnm", "dcmtk"), "+Fa", path, folder / "frame"], check=True, capture_output=True)
    said = {}
    for keyword in ("ImagePositionPatient", "ReferencedSegmentNumber"):
        command = [program("dcmdump", "dcmtk"), "+P", keyword, "+L", path]
        lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
        said[keyword] = [line.split("#")[0].split(None, 2)[2].strip(" []").split("\\") for line in lines]
    positions, numbers = said["ImagePositionPatient"], said["ReferencedSegmentNumber"]
    return [
        Frame(position=np.array(position, float), segment=int(number), pixels=_pixels(folder / f"frame.{index}.pgm"))
        for index, (position, (number,)) in enumerate(zip(positions, numbers, strict=True))
    ]


def _pixels(path: Path) -> np.ndarray:
    """Which pixels of a binary PGM with one byte for each are not black."""
    kind, size, _, content = path.read_bytes().split(b"\n", 3)
    assert kind == b"P5"
    columns, rows = map(int, size.split())
    return np.frombuffer(content, np.uint8).reshape(rows, columns) > 0
