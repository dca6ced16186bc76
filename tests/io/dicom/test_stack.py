"""Odd stacks of slices: what is bridged is bridged in place and said, and what cannot be is refused."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from dicom_files import save, slices_of
from pydicom.uid import generate_uid

from LungUNetSegLib.errors import ReadError
from LungUNetSegLib.io import read_scan
from LungUNetSegLib.phantom import make_phantom, phantom_geometry
from LungUNetSegLib.volume import Geometry, Volume
from LungUNetSegLib.volume.resample import resample


def codes(scan) -> list[str]:
    return [finding.code for finding in scan.findings]


def assert_same(scan, volume: Volume) -> None:
    assert np.array_equal(scan.volume.array, volume.array)
    assert scan.volume.geometry.matches(volume.geometry)


def test_missing_slices_are_filled_and_said(thin: Volume, tmp_path: Path) -> None:
    datasets = slices_of(thin)
    del datasets[6]
    scan = read_scan(save(datasets, tmp_path))
    assert codes(scan) == ["missing-slices"]
    assert "missing (1 of 13, 10 mm apart)" in scan.findings[0].message
    assert scan.volume.geometry.matches(thin.geometry)
    rest = np.arange(13) != 6
    assert np.array_equal(scan.volume.array[rest], thin.array[rest])
    between = np.rint((thin.array[5].astype(float) + thin.array[7]) / 2)
    assert np.abs(scan.volume.array[6] - between).max() <= 1


def test_a_gap_too_wide_is_refused(thin: Volume, tmp_path: Path) -> None:
    datasets = slices_of(thin)
    del datasets[4:7]
    with pytest.raises(ReadError, match=r"after slice 4 of 10 there is a gap of 40.0 mm where slices are 10 mm apart"):
        read_scan(save(datasets, tmp_path))


def test_copies_and_other_images_of_one_place_are_left_out(thin: Volume, tmp_path: Path) -> None:
    datasets = slices_of(thin)
    again = slices_of(thin)[3]
    again.SOPInstanceUID = again.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    again.InstanceNumber = 99
    again.PixelData = bytes(len(again.PixelData))
    save([*datasets, again], tmp_path)
    shutil.copy(tmp_path / "0002.dcm", tmp_path / "copy of 0002.dcm")
    scan = read_scan(tmp_path)
    assert codes(scan) == ["copied-files", "duplicate-slices"]
    assert "1 file is a copy of another; " in scan.findings[0].message and "left out (1)" in scan.findings[1].message
    assert_same(scan, thin)


def test_uneven_slices_are_interpolated_and_said(tmp_path: Path) -> None:
    """Upper part every 4 mm, lower part every 6 mm: the even grid shows the same body."""
    fine = make_phantom(Geometry.axial((80, 40, 48), (2.0, 7.0, 7.0), (-165.0, -136.0, -70.0)), rng=1, noise_hu=0).ct
    datasets = slices_of(fine)
    scan = read_scan(save(datasets[:30:3] + datasets[30::2], tmp_path))
    assert codes(scan) == ["uneven-slices"]
    assert scan.volume.geometry.spacing_mm[0] == pytest.approx(4.0, abs=0.2)
    back = resample(scan.volume, fine.geometry, "linear").array.astype(int)
    assert np.abs(back - fine.array)[1:-1].mean() < 12


def test_small_jitter_of_positions_is_no_finding(thin: Volume, tmp_path: Path) -> None:
    datasets = slices_of(thin)
    for index, dataset in enumerate(datasets[1:-1]):
        dataset.ImagePositionPatient[2] += 0.5 * (-1) ** index
    scan = read_scan(save(datasets, tmp_path))
    assert codes(scan) == []
    assert_same(scan, thin)


def test_a_tilted_gantry_keeps_the_body_in_place(tmp_path: Path) -> None:
    """Slices tilted by 20 degrees along a straight table: the grid is sheared, the patient must not be."""
    tilt = np.radians(20)
    straight = phantom_geometry((64, 64, 64)).affine_lps
    affine = np.array(straight)
    affine[:3, 1] = np.linalg.norm(affine[:3, 1]) * np.array([0, np.cos(tilt), np.sin(tilt)])
    affine[2, 3] -= np.sin(tilt) * 150
    sheared = Geometry((64, 64, 64), affine)
    assert not sheared.is_orthogonal
    truth = make_phantom(sheared, rng=1, noise_hu=0).ct
    # The writer takes orientation and positions from the axes, so a slanting slice axis is written as it is.
    scan = read_scan(save(slices_of(truth), tmp_path))
    assert codes(scan) == ["gantry-tilt"]
    assert "20.0 degrees" in scan.findings[0].message
    assert scan.volume.geometry.is_orthogonal
    check = phantom_geometry((30, 40, 40))
    expected = make_phantom(check, rng=1, noise_hu=0).ct.array.astype(int)
    seen = resample(scan.volume, check, "linear", -1024).array
    middle = (slice(8, 22), slice(8, 32), slice(4, 36))
    error = np.abs(seen - expected)[middle].mean()
    for axis in (0, 1):
        for step in (-1, 1):
            assert error < 0.7 * np.abs(np.roll(seen, step, axis) - expected)[middle].mean(), "the body has moved"


def test_one_slice_is_a_legal_scan(thin: Volume, tmp_path: Path) -> None:
    save(slices_of(thin)[5:6], tmp_path)
    scan = read_scan(tmp_path / "0000.dcm")
    assert codes(scan) == ["single-slice"]
    assert np.array_equal(scan.volume.array[0], thin.array[5])
    assert scan.volume.geometry.spacing_mm == pytest.approx((10.0, 6.0, 6.0))
    assert np.allclose(scan.volume.geometry.to_lps((0, 0, 0)), thin.geometry.to_lps((5, 0, 0)))


def test_a_slice_without_thickness_is_one_mm_thick(thin: Volume, tmp_path: Path) -> None:
    scan = read_scan(save(slices_of(thin, SliceThickness=None)[5:6], tmp_path))
    assert scan.volume.geometry.spacing_mm[0] == 1.0


def test_another_unit_is_remarked(thin: Volume, tmp_path: Path) -> None:
    assert codes(read_scan(save(slices_of(thin, RescaleType="US"), tmp_path))) == ["not-hu"]


def test_sideways_shifts_are_refused(thin: Volume, tmp_path: Path) -> None:
    datasets = slices_of(thin)
    datasets[6].ImagePositionPatient[0] += 40
    with pytest.raises(ReadError, match="shifted sideways"):
        read_scan(save(datasets, tmp_path))
