"""A copy of a series is used once; what claims to be a copy and is none is never mixed with the original."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from dicom_files import encoded, enhanced, save, slices_of
from pydicom.dataset import Dataset

from LungUNetSegLib.errors import ReadError
from LungUNetSegLib.io import list_series, read_scan
from LungUNetSegLib.phantom import make_phantom
from LungUNetSegLib.volume import Geometry, Volume


@pytest.fixture(scope="module")
def ct() -> Volume:
    geometry = Geometry.axial((13, 24, 28), (20.0, 12.0, 12.0), (-165.0, -141.0, -120.0))
    return make_phantom(geometry, rng=1).ct


def raised(datasets: list[Dataset], step_mm: float) -> list[Dataset]:
    """The slices at places further up, all else unchanged."""
    for each in datasets:
        x, y, z = each.ImagePositionPatient
        each.ImagePositionPatient = [x, y, z + step_mm]
    return datasets


def codes(folder: Path, uid: str | None = None) -> list[str]:
    return [each.code for each in read_scan(folder, uid).findings]


def test_a_copy_is_used_once_and_said(ct: Volume, tmp_path: Path) -> None:
    """The whole series a second time in another folder: one scan, and the finding names the folder."""
    save(slices_of(ct), tmp_path / "a")
    shutil.copytree(tmp_path / "a", tmp_path / "backup")
    scan = read_scan(tmp_path)
    assert np.array_equal(scan.volume.array, ct.array)
    assert {each.path.parent.name for each in scan.slices} == {"a"}
    assert [each.code for each in scan.findings] == ["copied-files"]
    assert scan.findings[0].message == ("13 files are copies of others (in backup); each image was used once.")
    assert [each.uid for each in list_series(tmp_path)] == [scan.series_uid]


def test_a_copy_fills_what_the_original_lacks(ct: Volume, tmp_path: Path) -> None:
    """Two incomplete copies that agree where both have an image make one complete scan."""
    save(slices_of(ct)[:12], tmp_path / "a")
    save(slices_of(ct)[3:], tmp_path / "b")
    scan = read_scan(tmp_path)
    assert np.array_equal(scan.volume.array, ct.array)
    assert [each.code for each in scan.findings] == ["copied-files"]


def test_a_copy_may_be_stored_in_another_way(ct: Volume, tmp_path: Path) -> None:
    """An archive compresses, adds tags and scales otherwise; the same HU are the same image."""
    save(slices_of(ct), tmp_path / "a")
    changed = slices_of(ct, InstitutionName="Elsewhere")
    for each in changed[1:]:
        encoded(each, "rle")
    stored = np.frombuffer(changed[0].PixelData, "<u2")
    changed[0].PixelData = (stored + 24).astype("<u2").tobytes()
    changed[0].RescaleIntercept = -1048
    save(changed, tmp_path / "b")
    assert codes(tmp_path) == ["copied-files"]


def test_a_copy_with_other_pixels_is_refused(ct: Volume, tmp_path: Path) -> None:
    """A denoised or masked copy under the same identifiers: one pixel of one slice is enough."""
    save(slices_of(ct), tmp_path / "a")
    changed = slices_of(ct)
    changed[4].PixelData = b"\x01\x00" + changed[4].PixelData[2:]
    save(changed, tmp_path / "b")
    with pytest.raises(ReadError, match=r"b.0004\.dcm: has the SOP Instance UID of .*a.0004\.dcm, but other pixels"):
        read_scan(tmp_path)


def test_a_damaged_copy_is_refused(ct: Volume, tmp_path: Path) -> None:
    """Which of the two is the good one is not for this program to say."""
    save(slices_of(ct), tmp_path / "a")
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    cut = tmp_path / "b" / "0004.dcm"
    cut.write_bytes(cut.read_bytes()[:-100])
    with pytest.raises(ReadError, match="or is damaged"):
        read_scan(tmp_path)


@pytest.mark.parametrize("missing", [0, 1])
def test_a_copy_at_other_places_is_another_scan(ct: Volume, tmp_path: Path, missing: int) -> None:
    """Images that claim to be the same ones 7 mm higher: none of them comes into the original, not even to fill a gap.

    Their folders tell the two scans apart.
    """
    save(slices_of(ct)[: 13 - missing], tmp_path / "a")
    save(raised(slices_of(ct), 7.0), tmp_path / "b")
    first, second = (each.uid for each in list_series(tmp_path))
    one, other = read_scan(tmp_path, first), read_scan(tmp_path, second)
    if missing:
        one, other = other, one
    assert np.array_equal(one.volume.array, ct.array[: 13 - missing]) and np.array_equal(other.volume.array, ct.array)
    lift = other.volume.geometry.affine_lps[:3, 3] - one.volume.geometry.affine_lps[:3, 3]
    assert lift.tolist() == [0.0, 0.0, 7.0]
    for scan in (one, other):
        assert [each.code for each in scan.findings] == ["copies-differ"]
    assert "(in b) have the SOP Instance UIDs" in one.findings[0].message
    assert codes(tmp_path) == ["several-series", "copies-differ"]


def test_one_image_at_another_place_parts_the_folders(ct: Volume, tmp_path: Path) -> None:
    """Twelve of thirteen images agree; the folder with the thirteenth elsewhere is still no copy."""
    save(slices_of(ct), tmp_path / "a")
    changed = slices_of(ct)
    raised(changed[-1:], 20.0)
    save(changed, tmp_path / "b")
    assert len(list_series(tmp_path)) == 2
    scan = read_scan(tmp_path)
    assert {each.path.parent.name for each in scan.slices} == {"a"}


def test_a_copy_of_another_pixel_spacing_is_another_scan(ct: Volume, tmp_path: Path) -> None:
    save(slices_of(ct), tmp_path / "a")
    save(slices_of(ct, PixelSpacing=["6", "6"]), tmp_path / "b")
    assert codes(tmp_path) == ["several-series", "copies-differ"]


def test_rounded_places_are_the_same_places(ct: Volume, tmp_path: Path) -> None:
    """An archive that writes a position with fewer digits has not moved the image."""
    save(raised(slices_of(ct), 0.00004), tmp_path / "a")
    save(slices_of(ct), tmp_path / "b")
    assert codes(tmp_path) == ["copied-files"]


def test_copies_of_a_file_with_many_frames(ct: Volume, tmp_path: Path) -> None:
    """Each frame is compared with its own copy."""
    save([enhanced(ct)], tmp_path / "a")
    changed = enhanced(ct)
    changed.InstitutionName = "Elsewhere"
    save([changed], tmp_path / "b")
    assert codes(tmp_path) == ["copied-files"]
    last = changed.PixelData
    changed.PixelData = last[:-2] + b"\x01\x00"
    save([changed], tmp_path / "b")
    with pytest.raises(ReadError, match="but other pixels"):
        read_scan(tmp_path)


def test_slices_with_a_series_each_are_joined_although_there_are_copies(ct: Volume, tmp_path: Path) -> None:
    """Thirteen series of one slice are one scan; a backup beside them made thirteen scans of them."""
    datasets = slices_of(ct)
    for number, each in enumerate(datasets):
        each.SeriesInstanceUID = f"1.2.{number}"
    save(datasets, tmp_path / "a")
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    assert codes(tmp_path) == ["copied-files", "joined-series"]


def test_two_patients_images_with_the_same_identifiers_are_no_copies(ct: Volume, tmp_path: Path) -> None:
    """An anonymiser gave two patients one set of UIDs, and their scans lie at the same places."""
    save(slices_of(ct, PatientID="A"), tmp_path / "a")
    save(slices_of(ct, PatientID="B"), tmp_path / "b")
    assert codes(tmp_path) == ["several-patients", "several-series"]


def test_one_identifier_for_all_images_says_nothing_of_copies(ct: Volume, tmp_path: Path) -> None:
    """The two halves of such a series in two folders are one scan."""
    datasets = slices_of(ct, SOPInstanceUID="1.2.3", InstanceNumber=None)
    save(datasets[:6], tmp_path / "a")
    save(datasets[6:], tmp_path / "b")
    assert np.array_equal(read_scan(tmp_path).volume.array, ct.array)
    assert codes(tmp_path) == []
