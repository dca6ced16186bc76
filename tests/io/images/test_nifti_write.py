"""NIfTI files are what ITK would write, byte for byte of the header, and a full disk is no complete file."""

from __future__ import annotations

import gzip
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from LungUNetSegLib.errors import WriteError
from LungUNetSegLib.io import write_image
from LungUNetSegLib.io.images.nifti import read_nifti
from LungUNetSegLib.io.images.nifti_write import VOXELS_AT, write_nifti
from LungUNetSegLib.volume import Geometry, Volume
from LungUNetSegLib.volume.resample import to_sitk

PLACE, SFORM, QFORM = slice(256, 328), slice(280, 328), slice(256, 280)


def turned(degrees: tuple[float, float, float], mirrored: bool = False) -> Geometry:
    """A grid turned about all three axes, with its columns mirrored if asked for."""
    rotation = np.eye(3)
    for axis, degree in enumerate(degrees):
        c, s = np.cos(np.radians(degree)), np.sin(np.radians(degree))
        first, second = (each for each in range(3) if each != axis)
        one = np.eye(3)
        one[[first, first, second, second], [first, second, first, second]] = c, -s, s, c
        rotation = one @ rotation
    affine = np.eye(4)
    affine[:3, :3] = rotation @ np.diag([1.0, 1.0, -1.0 if mirrored else 1.0]) * (2.5, 0.7, 0.8)
    affine[:3, 3] = (12.5, -30.0, 101.0)
    return Geometry((3, 4, 5), affine)


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.int32, np.float32, np.float64, np.bool_])
@pytest.mark.parametrize(
    ("degrees", "mirrored"),
    [((0, 0, 0), False), ((0, 0, 0), True), ((3, 20, -7), False), ((170, 5, 40), True), ((0, 0, 180), False)],
)
def test_the_file_is_the_one_that_itk_writes(tmp_path: Path, dtype: type, degrees: tuple, mirrored: bool) -> None:
    """Protects every reader of our files: sizes, types, both forms of the place, and the voxels."""
    volume = Volume(np.arange(60).reshape(3, 4, 5).astype(dtype), turned(degrees, mirrored))
    sitk.WriteImage(to_sitk(volume), str(tmp_path / "itk.nii"))
    write_nifti(volume, tmp_path / "ours.nii")
    itk, ours = ((tmp_path / name).read_bytes() for name in ("itk.nii", "ours.nii"))
    assert ours[: PLACE.start] == itk[: PLACE.start] and ours[PLACE.stop :] == itk[PLACE.stop :]
    np.testing.assert_allclose(struct.unpack("<12f", ours[SFORM]), struct.unpack("<12f", itk[SFORM]), atol=1e-5)
    np.testing.assert_allclose(struct.unpack("<6f", ours[QFORM]), struct.unpack("<6f", itk[QFORM]), atol=2e-4)


def test_a_compressed_file_is_the_same_packed_and_the_same_again(tmp_path: Path) -> None:
    """Protects who compares files: no time and no name is in them."""
    volume = Volume(np.arange(60, dtype=np.uint8).reshape(3, 4, 5), turned((0, 0, 0)))
    for name in ("a.nii", "b.nii.gz", "c.nii.gz"):
        write_nifti(volume, tmp_path / name, note="a note")
    assert gzip.decompress((tmp_path / "b.nii.gz").read_bytes()) == (tmp_path / "a.nii").read_bytes()
    assert (tmp_path / "b.nii.gz").read_bytes() == (tmp_path / "c.nii.gz").read_bytes()
    assert sitk.ReadImage(str(tmp_path / "b.nii.gz")).GetMetaData("ITK_FileNotes") == "a note"


def test_writing_takes_no_memory_for_the_voxels(tmp_path: Path) -> None:
    """Protects long scans: the labels of a thousand slices take 262 MB, and ITK would copy them three times."""
    volume = Volume(np.zeros((64, 256, 256), np.uint8), Geometry.axial((64, 256, 256), (1.0, 1.0, 1.0)))
    write_nifti(volume, tmp_path / "first.nii.gz")
    tracemalloc.start()
    write_nifti(volume, tmp_path / "labels.nii.gz")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < volume.array.nbytes / 4


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a disk that is always full")
def test_a_full_disk_is_an_error() -> None:
    """Protects from files that are cut short and look whole, as ITK leaves them."""
    volume = Volume(np.zeros((3, 4, 5), np.uint8), turned((0, 0, 0)))
    with pytest.raises(OSError, match="No space left"):
        write_nifti(volume, Path("/dev/full"))


def test_what_nifti_cannot_hold_is_said(tmp_path: Path) -> None:
    """Protects from a header that counts wrongly: sizes are 16 bits."""
    long = Volume(np.zeros((40_000, 1, 1), np.uint8), Geometry.axial((40_000, 1, 1), (1.0, 1.0, 1.0)))
    with pytest.raises(WriteError, match="NIfTI cannot hold"):
        write_image(tmp_path / "long.nii.gz", long)
    assert not list(tmp_path.iterdir())


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    """Protects the way there and back, without ITK between."""
    volume = Volume(np.arange(60, dtype=np.int16).reshape(3, 4, 5), turned((3, 20, -7)))
    write_nifti(volume, tmp_path / "scan.nii.gz")
    back, findings = read_nifti(tmp_path / "scan.nii.gz")
    assert back.geometry.matches(volume.geometry) and not findings and VOXELS_AT == 352
    np.testing.assert_array_equal(back.array, volume.array)
