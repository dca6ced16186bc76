"""A result lies on its NIfTI scan by either form of the header, whichever a viewer follows."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pytest

from LungUNetSegLib.io import read_scan, write_labels
from LungUNetSegLib.phantom import Phantom
from LungUNetSegLib.volume import Volume


def forms(path: Path) -> list[np.ndarray | int]:
    header = nibabel.load(path).header
    return [*header.get_qform(coded=True), *header.get_sform(coded=True)]


@pytest.fixture
def scan_file(small_phantom: Phantom, tmp_path: Path) -> Path:
    """A scan whose sform is that of an atlas, 20 mm from the scanner's place in the qform."""
    affine = np.diag([-1.0, -1.0, 1.0, 1.0]) @ small_phantom.ct.geometry.affine_lps[:, [2, 1, 0, 3]]
    image = nibabel.Nifti1Image(small_phantom.ct.array.transpose(2, 1, 0), affine)
    image.set_qform(affine, 1)
    moved = affine.copy()
    moved[:3, 3] += (20.0, 0.0, -5.0)
    image.set_sform(moved, 4)
    nibabel.save(image, tmp_path / "scan.nii.gz")
    return tmp_path / "scan.nii.gz"


@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
def test_both_forms_and_their_codes_are_the_scans(
    ending: str, scan_file: Path, small_phantom: Phantom, tmp_path: Path
) -> None:
    """Protects viewers that follow the qform, in which the result lay 20 mm beside its scan."""
    scan = read_scan(scan_file)
    path = tmp_path / f"lungs{ending}"
    write_labels(path, Volume(small_phantom.labels.array, scan.volume.geometry), is_result=True, forms=scan.forms)
    for own, result in zip(forms(scan_file), forms(path), strict=True):
        np.testing.assert_allclose(own, result)
    assert np.array_equal(nibabel.load(path).get_fdata().transpose(2, 1, 0), small_phantom.labels.array)
    assert list(tmp_path.glob(".lungunetseg*")) == []


def test_labels_elsewhere_and_other_formats_have_their_own_place(
    scan_file: Path, small_phantom: Phantom, tmp_path: Path
) -> None:
    scan = read_scan(scan_file)
    labels = Volume(small_phantom.labels.array, scan.volume.geometry)
    write_labels(tmp_path / "lungs.nrrd", labels, forms=scan.forms)
    assert read_scan(scan_file).volume.geometry.matches(labels.geometry)


def test_forms_that_contradict_the_sizes_are_not_passed_on(scan_file: Path, tmp_path: Path) -> None:
    """Protects from a result that other programs would read with the wrong voxels, as they would the scan."""
    image = nibabel.load(scan_file)
    image.header["pixdim"][1:4] = 1
    image.header["qform_code"] = 0
    nibabel.Nifti1Image.to_filename(image, tmp_path / "odd.nii")
    content = bytearray((tmp_path / "odd.nii").read_bytes())
    content[80:92] = np.ones(3, "<f4").tobytes()
    content[252:254] = b"\0\0"
    (tmp_path / "odd.nii").write_bytes(content)
    scan = read_scan(tmp_path / "odd.nii")
    assert scan.forms is None and [each.code for each in scan.findings] == ["place-in-doubt"]
