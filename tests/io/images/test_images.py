"""NIfTI, NRRD and MetaImage scans come in with their HU and place, or are refused with the reason."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from LungUNetSegLib.errors import ReadError
from LungUNetSegLib.io.endings import IMAGE_OUTPUT_ENDINGS
from LungUNetSegLib.io.images.itk_files import read_values
from LungUNetSegLib.io.images.read import read_image
from LungUNetSegLib.io.images.write import write_image
from LungUNetSegLib.phantom import Phantom, make_phantom, phantom_geometry
from LungUNetSegLib.volume import Geometry, Volume
from LungUNetSegLib.volume.resample import resample, to_sitk


def write(path: Path, array: np.ndarray, geometry: Geometry | None = None) -> Path:
    geometry = geometry or Geometry.axial(array.shape, (5.0, 4.0, 4.0))
    sitk.WriteImage(to_sitk(Volume(array, geometry)), str(path))
    return path


def codes(scan) -> list[str]:
    return [finding.code for finding in scan.findings]


@pytest.mark.parametrize("ending", [".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd", ".NII.GZ"])
def test_hu_and_place_come_back_from_every_format(ending: str, small_phantom: Phantom, tmp_path: Path) -> None:
    source = tmp_path / f"scan{ending.lower()}"
    sitk.WriteImage(to_sitk(small_phantom.ct), str(source))
    scan = read_image(source.rename(tmp_path / f"scan{ending}") if ending.isupper() else source)
    assert scan.volume.array.dtype == np.int16
    assert np.array_equal(scan.volume.array, small_phantom.ct.array)
    assert scan.volume.geometry.matches(small_phantom.ct.geometry)
    assert scan.findings == ()
    assert scan.series_uid is None
    assert "24 x 64 x 72" in scan.description


@pytest.mark.parametrize("how", [{"oblique_degrees": 25.0}, {"axes": (2, 0, 1), "flips": (True, False, True)}])
def test_any_orientation_keeps_its_place(how: dict, tmp_path: Path) -> None:
    ct = make_phantom(phantom_geometry((20, 32, 40), **how), rng=1).ct
    scan = read_image(write(tmp_path / "scan.nii.gz", ct.array, ct.geometry))
    assert scan.volume.geometry.matches(ct.geometry)
    assert np.array_equal(scan.volume.array, ct.array)


def test_floats_are_rounded_and_missing_numbers_become_air(small_phantom: Phantom, tmp_path: Path) -> None:
    array = small_phantom.ct.array.astype(np.float32)
    array[0, 0, :4] = (np.nan, np.inf, -np.inf, -3024.0)
    array[1, 1, :3] = (-100.4, 40.6, 40_000.0)
    scan = read_image(write(tmp_path / "scan.nii.gz", array))
    assert scan.volume.array[0, 0, :4].tolist() == [-1024, -1024, -1024, -1024]
    assert scan.volume.array[1, 1, :3].tolist() == [-100, 41, 32767]
    assert codes(scan) == ["nan-voxels"]
    assert "3 of 110592" in scan.findings[0].message


def test_unsigned_values_without_air_are_remarked(tmp_path: Path) -> None:
    array = np.arange(8 * 32 * 32, dtype=np.uint16).reshape(8, 32, 32) % 2000
    assert codes(read_image(write(tmp_path / "scan.nrrd", array))) == ["no-air"]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda hu: hu, []),
        (lambda hu: hu + 200, ["no-air"]),
        (lambda hu: hu // 2, ["no-air"]),
        (lambda hu: np.maximum(hu, -800), ["no-air"]),
    ],
    ids=["as it is", "shifted", "halved", "cut off at -800 HU"],
)
def test_hu_on_a_wrong_scale_are_remarked(
    small_phantom: Phantom,
    tmp_path: Path,
    change: Callable[[np.ndarray], np.ndarray],
    expected: list[str],
) -> None:
    """Protects density numbers where the mask looks right: neither room air nor lung is as light as it should be."""
    assert codes(read_image(write(tmp_path / "scan.nrrd", change(small_phantom.ct.array)))) == expected


def test_a_nifti_without_orientation_warns_of_the_sides(small_phantom: Phantom, tmp_path: Path) -> None:
    path = write(tmp_path / "scan.nii", small_phantom.ct.array)
    content = bytearray(path.read_bytes())
    struct.pack_into("<hh", content, 252, 0, 0)  # qform_code, sform_code
    path.write_bytes(content)
    assert codes(read_image(path)) == ["no-orientation"]


def test_a_sheared_nifti_lands_where_its_sform_says(small_phantom: Phantom, tmp_path: Path) -> None:
    """ITK refuses such files, or bends their axes; the body must stay where it is."""
    straight = small_phantom.ct
    affine = np.array(straight.geometry.affine_lps)
    affine[1, 0] = 4.0  # each slice lies 4 mm further back: a tilted gantry
    sheared = resample(straight, Geometry(straight.array.shape, affine), "linear", -1024)
    path = write(tmp_path / "scan.nii", sheared.array, straight.geometry)
    content = bytearray(path.read_bytes())
    ras = np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine[:, [2, 1, 0, 3]]
    struct.pack_into("<hh", content, 252, 0, 1)
    struct.pack_into("<12f", content, 280, *ras[:3].ravel())
    path.write_bytes(content)
    scan = read_image(path)
    assert codes(scan) == ["sheared-grid"]
    assert scan.volume.geometry.is_orthogonal
    back = resample(scan.volume, straight.geometry, "linear", -1024).array.astype(int)
    middle = (slice(6, 18), slice(12, 52))
    assert np.abs(back - straight.array)[middle].mean() < 30  # two linear interpolations blur, but nothing moves
    assert np.abs(np.roll(back, 3, axis=1) - straight.array)[middle].mean() > 80


def image_4d(points: int) -> sitk.Image:
    one = sitk.GetImageFromArray(np.arange(8 * 32 * 32, dtype=np.int16).reshape(8, 32, 32) % 1500 - 1000)
    return sitk.JoinSeries([one] * points)


def test_one_time_point_is_read_as_3d(tmp_path: Path) -> None:
    sitk.WriteImage(image_4d(1), str(tmp_path / "scan.nii.gz"))
    assert read_image(tmp_path / "scan.nii.gz").volume.array.shape == (8, 32, 32)


def refuse(path: Path, *words: str) -> None:
    with pytest.raises(ReadError) as caught:
        read_image(path)
    message = str(caught.value)
    assert str(path) in message
    for word in words:
        assert word in message


def test_what_is_no_ct_is_refused_with_its_reason(tmp_path: Path) -> None:
    ramp = np.arange(8 * 32 * 32, dtype=np.int16).reshape(8, 32, 32) % 1500 - 1000
    cases: dict[str, tuple[sitk.Image, str]] = {
        "time.nii.gz": (image_4d(3), "3 time points"),
        "flat.mha": (sitk.GetImageFromArray(ramp[0]), "2 axes"),
        "colour.nrrd": (sitk.GetImageFromArray(np.stack([ramp] * 3, -1).astype(np.uint8), isVector=True), "3 values"),
        "complex.mha": (sitk.GetImageFromArray(ramp.astype(np.complex64)), "complex"),
        "tiny.nii": (sitk.GetImageFromArray(ramp[:, :4, :4]), "8 x 4 x 4"),
        "labels.nii.gz": (sitk.GetImageFromArray((ramp > 0).astype(np.uint8)), "between 0 and 1"),
        "nan.nii.gz": (sitk.GetImageFromArray(np.full(ramp.shape, np.nan, np.float32)), "no voxel holds a number"),
    }
    metres = sitk.GetImageFromArray(ramp)
    metres.SetSpacing((0.0007, 0.0007, 0.002))
    cases["metres.nii.gz"] = (metres, "millimetres")
    for name, (image, reason) in cases.items():
        sitk.WriteImage(image, str(tmp_path / name))
        refuse(tmp_path / name, reason)


def test_missing_damaged_and_foreign_files_are_refused(small_phantom: Phantom, tmp_path: Path) -> None:
    refuse(tmp_path / "nowhere.nii.gz", "no such file")
    (tmp_path / "text.nii.gz").write_text("this is no image")
    refuse(tmp_path / "text.nii.gz", "damaged")
    (tmp_path / "empty.nrrd").touch()
    refuse(tmp_path / "empty.nrrd", "damaged")
    (tmp_path / "report.pdf").write_bytes(b"%PDF")
    refuse(tmp_path / "report.pdf", ".nii.gz")
    for ending in (".nii", ".nii.gz", ".nrrd", ".mha"):
        path = write(tmp_path / f"cut{ending}", small_phantom.ct.array)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        refuse(path, "damaged")


@pytest.mark.parametrize("ending", IMAGE_OUTPUT_ENDINGS)
def test_values_that_are_no_numbers_are_written(ending: str, tmp_path: Path) -> None:
    """Protects maps with NaN outside of the lungs: the check for a full disk took them for a file that is not whole."""
    values = np.array([np.nan, 1.5] * 32, np.float32).reshape(4, 4, 4)
    write_image(tmp_path / f"map{ending}", Volume(values, Geometry.axial((4, 4, 4))))
    found, _ = read_values(tmp_path / f"map{ending}", "linear", 0)
    np.testing.assert_array_equal(found.array, values)
