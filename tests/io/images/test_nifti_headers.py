"""NIfTI headers that contradict themselves or leave out what matters: right, or said, or refused."""

from __future__ import annotations

import gzip
import os
import struct
import warnings
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from image_headers import SPACING, refused
from scan_checks import codes

from LungUNetSegLib.errors import ReadError
from LungUNetSegLib.io import read_labels, read_scan
from LungUNetSegLib.io.images.files import GREATEST_INFLATION
from LungUNetSegLib.phantom import Phantom
from LungUNetSegLib.volume import Geometry, Volume
from LungUNetSegLib.volume.resample import to_sitk

QFORM, SFORM, CODES, PIXDIM, UNITS = 256, 280, 252, 76, 123


@pytest.fixture
def nifti(small_phantom: Phantom, tmp_path: Path) -> Callable[..., Path]:
    """Write the phantom as NIfTI with some header fields replaced: (offset, format, values)."""
    ct = Volume(small_phantom.ct.array, Geometry.axial(small_phantom.ct.array.shape, SPACING, (-160.0, -150.0, -170.0)))

    def write(*changes: tuple[int, str, tuple[float, ...]], name: str = "scan.nii") -> Path:
        path = tmp_path / name
        sitk.WriteImage(to_sitk(ct), str(tmp_path / "plain.nii"))
        content = bytearray((tmp_path / "plain.nii").read_bytes())
        for offset, form, values in changes:
            struct.pack_into("<" + form, content, offset, *values)
        path.write_bytes(content)
        return path

    return write


def test_an_sform_is_right_where_the_pixel_sizes_are_not(nifti: Callable[..., Path]) -> None:
    """Protects from volumes that are wrong by a factor of 34: ITK multiplies directions by pixdim."""
    path = nifti((CODES, "2h", (0, 1)), (PIXDIM + 4, "3f", (1, 1, 1)))
    assert read_scan(path).volume.geometry.spacing_mm == pytest.approx(SPACING)
    assert codes(path) == ["place-in-doubt"]


@pytest.mark.parametrize("value", [0.0, float("nan"), float("inf"), -1.0])
def test_pixel_sizes_that_are_none_are_refused_or_said(value: float, nifti: Callable[..., Path]) -> None:
    alone = nifti((CODES, "2h", (1, 0)), (PIXDIM + 4, "f", (value,)))
    refused(alone, "pixdim")
    nowhere = nifti((CODES, "2h", (0, 0)), (PIXDIM + 12, "f", (value,)))
    refused(nowhere, "spacing")
    beside_an_sform = nifti((PIXDIM + 8, "f", (value,)))
    assert codes(beside_an_sform) == ["place-in-doubt"]
    assert read_scan(beside_an_sform).volume.geometry.spacing_mm == pytest.approx(SPACING)


def test_a_quaternion_that_is_none(nifti: Callable[..., Path]) -> None:
    nan = float("nan")
    refused(nifti((CODES, "2h", (1, 0)), (QFORM, "3f", (nan, nan, nan))), "quaternion")
    assert codes(nifti((QFORM, "3f", (nan, 0, 0)))) == ["place-in-doubt"]
    assert codes(nifti((SFORM, "f", (nan,)))) == ["place-in-doubt"], "the qform is there"
    refused(nifti((CODES, "2h", (0, 2)), (SFORM, "12f", (0.0,) * 12)), "singular")


def test_forms_that_disagree_about_the_place_are_said(nifti: Callable[..., Path]) -> None:
    """The rule is nibabel's: the sform."""
    path = nifti((CODES, "2h", (1, 2)), (SFORM + 12, "f", (160.0 + 30.0,)))
    assert codes(path) == ["place-in-doubt"]
    geometry = read_scan(path).volume.geometry
    assert geometry.to_lps((0, 0, 0)).tolist() == pytest.approx([-190.0, -150.0, -170.0])
    assert "30.0 mm" in read_scan(path).findings[0].message


def test_forms_that_disagree_about_the_sides_are_refused(nifti: Callable[..., Path]) -> None:
    refused(nifti((CODES, "2h", (1, 2)), (SFORM, "f", (4.5,))), "right and left")


def test_microns_and_metres_become_mm_for_sheared_files_too(nifti: Callable[..., Path]) -> None:
    row = [-4.5, 0.0, 0.0, 160.0, 0.0, -5.15625, -3.0, 150.0, 0.0, 0.0, 14.125, -170.0]
    for unit, factor in ((3, 1000.0), (1, 0.001)):
        sizes = (PIXDIM + 4, "3f", tuple(each * factor for each in SPACING[::-1]))
        place = (QFORM + 12, "3f", tuple(each * factor for each in (160.0, 150.0, -170.0)))
        sform = (SFORM, "12f", tuple(each * factor for each in row))
        path = nifti((UNITS, "B", (unit,)), (CODES, "2h", (0, 1)), sizes, place, sform)
        scan = read_scan(path)
        assert [finding.code for finding in scan.findings] == ["sheared-grid"]
        assert scan.volume.geometry.spacing_mm == pytest.approx((14.125, 5.15625, 4.5), rel=1e-5)


def test_label_maps_saved_as_scaled_numbers_are_rounded(nifti: Callable[..., Path], small_phantom: Phantom) -> None:
    """Some programs scale 8-bit numbers: 1 comes back as 0.996."""
    labels = Volume(small_phantom.labels.array.astype(np.float32) * np.float32(0.996), small_phantom.ct.geometry)
    path = nifti(name="mask.nii.gz")
    sitk.WriteImage(to_sitk(labels), str(path))
    assert np.array_equal(read_labels(path).array, small_phantom.labels.array)
    half = Volume(small_phantom.labels.array.astype(np.float32) * np.float32(0.5), small_phantom.ct.geometry)
    sitk.WriteImage(to_sitk(half), str(path))
    with pytest.raises(ReadError, match=r"this one holds 0, 0\.5, 1"):
        read_labels(path)


def test_slope_and_intercept_are_applied(nifti: Callable[..., Path], small_phantom: Phantom) -> None:
    scan = read_scan(nifti((112, "2f", (2.0, -24.0))))
    assert np.array_equal(scan.volume.array, np.maximum(2 * small_phantom.ct.array.astype(int) - 24, -1024))


def test_an_uncompressed_file_with_a_compressed_name_is_read(
    nifti: Callable[..., Path], small_phantom: Phantom
) -> None:
    path = nifti(name="scan.nii.gz")
    assert np.array_equal(read_scan(path).volume.array, small_phantom.ct.array)
    packed = path.with_name("other.nii")
    packed.write_bytes(gzip.compress(path.read_bytes(), 1))
    assert np.array_equal(read_scan(packed).volume.array, small_phantom.ct.array)


def test_a_big_endian_file_and_nifti_2_are_read(nifti: Callable[..., Path], small_phantom: Phantom) -> None:
    array, path = small_phantom.ct.array, nifti()
    header = bytearray(540)
    struct.pack_into(">i8sh", header, 0, 540, b"n+2\0\r\n\x1a\n", 4)
    struct.pack_into(">8q", header, 16, 3, *array.shape[::-1], 1, 1, 1, 1)
    struct.pack_into(">8d", header, 104, 1, *SPACING[::-1], 0, 0, 0, 0)
    struct.pack_into(">q", header, 168, 544)
    struct.pack_into(">2i", header, 344, 0, 1)
    struct.pack_into(">12d", header, 400, -4.5, 0, 0, 160, 0, -5.15625, 0, 150, 0, 0, 14.125, -170)
    struct.pack_into(">i", header, 500, 2)
    path.write_bytes(bytes(header) + bytes(4) + array.astype(">i2").tobytes())
    scan = read_scan(path)
    assert scan.findings == () and np.array_equal(scan.volume.array, array)
    assert scan.volume.geometry.spacing_mm == pytest.approx(SPACING)


def test_lying_sizes_are_named_before_memory_is_asked_for(nifti: Callable[..., Path]) -> None:
    refused(nifti((42, "3h", (30000, 30000, 30000))), "header claims", "damaged or cut short")
    path = nifti(name="scan.nii.gz")
    content = bytearray(path.read_bytes())
    struct.pack_into("<3h", content, 42, 30000, 30000, 30000)
    path.write_bytes(gzip.compress(content))
    refused(path, "header claims", "damaged or cut short")
    fewer = nifti((46, "h", (12,)))
    assert codes(fewer) == ["more-data"], "half of the slices are there and not told of"


def test_what_is_compressed_is_unpacked_only_as_far_as_the_header_says(nifti: Callable[..., Path]) -> None:
    """Protects the memory: 600 MB of zeros behind a small scan are left packed, and said."""
    path = nifti(name="scan.nii.gz")
    squeeze = zlib.compressobj(9, zlib.DEFLATED, 31)
    parts = [squeeze.compress(path.read_bytes())]
    parts += [squeeze.compress(bytes(1 << 20)) for _ in range(600)]
    path.write_bytes(b"".join([*parts, squeeze.flush()]))
    assert path.stat().st_size * GREATEST_INFLATION > 600 << 20
    assert codes(path) == ["more-data"]


def test_a_changed_byte_in_a_compressed_file_is_noticed(nifti: Callable[..., Path]) -> None:
    """The checksum stands behind the last voxel."""
    path = nifti(name="scan.nii.gz")
    packed = bytearray(gzip.compress(path.read_bytes(), 1))
    packed[-6] ^= 1
    path.write_bytes(packed)
    refused(path, "damaged")


def test_pairs_and_foreign_files_are_named_as_what_they_are(nifti: Callable[..., Path], tmp_path: Path) -> None:
    refused(nifti((344, "4s", (b"ni1\0",))), ".hdr/.img pair")
    for name in ("scan.nii.gz", "scan.nrrd", "scan.mha"):
        (tmp_path / name).write_bytes(b"PK\x03\x04" + bytes(500))
        refused(tmp_path / name, "zip archive", "unpack")


def test_threads_turn_no_switch_of_the_whole_process(nifti: Callable[..., Path]) -> None:
    """Training reads in threads: 24 sheared files, 8 at once, all right, and nothing is left turned."""
    row = (-4.5, 0.0, 0.0, 160.0, 0.0, -5.15625, -3.0, 150.0, 0.0, 0.0, 14.125, -170.0)
    paths = [nifti((CODES, "2h", (0, 1)), (SFORM, "12f", row), name=f"{number}.nii") for number in range(24)]
    before = dict(os.environ), list(warnings.filters), sitk.ProcessObject.GetGlobalWarningDisplay()
    alone = read_scan(paths[0]).volume.array
    with ThreadPoolExecutor(8) as pool:
        scans = list(pool.map(read_scan, paths))
    assert all([finding.code for finding in scan.findings] == ["sheared-grid"] for scan in scans)
    assert all(np.array_equal(scan.volume.array, alone) for scan in scans)
    assert (dict(os.environ), list(warnings.filters), sitk.ProcessObject.GetGlobalWarningDisplay()) == before
