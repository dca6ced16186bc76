"""DICOM slices become the scan that was made: HU, order, place; and what is odd is said."""

from __future__ import annotations

import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import numpy as np
import pytest
from dicom_files import encoded, enhanced, save, slices_of
from pydicom.dataset import Dataset
from scan_checks import assert_same

from LungUNetSegLib.errors import ReadError
from LungUNetSegLib.io import dicom_to_numpy, read_scan, write_dicom_series
from LungUNetSegLib.io.dicom import read as dicom
from LungUNetSegLib.phantom import make_phantom, phantom_geometry
from LungUNetSegLib.volume import Volume


def codes(scan) -> list[str]:
    return [finding.code for finding in scan.findings]


@pytest.mark.parametrize("how", [{}, {"oblique_degrees": 15.0}, {"axes": (2, 0, 1)}, {"flips": (False, True, True)}])
def test_a_written_series_comes_back_whole(how: dict, tmp_path: Path) -> None:
    """Orientation, spacing and HU survive for axial, oblique, sagittal and mirrored slices."""
    ct = make_phantom(phantom_geometry((20, 32, 40), **how), rng=1).ct
    write_dicom_series(ct, tmp_path / "ct")
    scan = read_scan(tmp_path / "ct")
    canonical, wanted = scan.volume.canonical(), ct.canonical()
    assert np.array_equal(canonical.array, wanted.array)
    assert canonical.geometry.matches(wanted.geometry)
    assert scan.findings == ()
    assert scan.description.startswith("Phantom: ")


def test_slices_are_ordered_by_place_not_by_name_or_number(thin: Volume, tmp_path: Path) -> None:
    names = np.random.default_rng(0).permutation(len(thin.array))
    datasets = slices_of(thin)
    for dataset, number in zip(datasets, names[::-1], strict=True):
        dataset.InstanceNumber = int(number)
    save(datasets, tmp_path, lambda index: f"{'abc'[index % 3]}/deep/er/IM{names[index]}")
    (tmp_path / "abc.txt").write_text("a note among the slices")
    assert_same(read_scan(tmp_path), thin)


def test_a_list_of_files_reads_only_these(thin: Volume, tmp_path: Path) -> None:
    save(slices_of(thin), tmp_path)
    files = sorted(tmp_path.iterdir())[2:8]
    scan = read_scan([str(file) for file in files[::-1]])
    assert np.array_equal(scan.volume.array, thin.array[2:8])


def test_series_are_read_right_in_many_threads_at_once(tmp_path: Path) -> None:
    """Protects servers, and batches that read ahead: readings share no warning filter, decoder or buffer."""
    volumes = [make_phantom(phantom_geometry((14, 24, 28)), rng=seed).ct for seed in range(4)]
    for number, (volume, syntax) in enumerate(zip(volumes, ("", "rle", "jpeg-ls", "jpeg-2000"), strict=True)):
        datasets = [encoded(each, syntax) if syntax else each for each in slices_of(volume)]
        save(datasets, tmp_path / f"{number}")
    filters = list(warnings.filters)
    with ThreadPoolExecutor(8) as pool:
        scans = list(pool.map(lambda number: read_scan(tmp_path / f"{number % 4}"), range(32)))
    for number, scan in enumerate(scans):
        assert_same(scan, volumes[number % 4])
    assert list(warnings.filters) == filters, "the process's own warnings are as they were"


def test_eight_files_are_read_at_the_same_time(thin: Volume, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Protects slow networks: seven files are on their way while one is decoded."""
    all_of_them, read = Barrier(8), dicom.read_dataset

    def wait_for_another(path: Path) -> Dataset | None:
        all_of_them.wait(timeout=20)
        return read(path)

    monkeypatch.setattr(dicom, "read_dataset", wait_for_another)
    save(slices_of(thin)[:8], tmp_path)
    assert np.array_equal(read_scan(tmp_path).volume.array, thin.array[:8])


def test_a_slice_that_is_gone_when_its_pixels_are_read_is_named(
    thin: Volume, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Protects who catches the library's errors: a folder on a network may change or become unreadable meanwhile."""
    lay_out = dicom.lay_out

    def lose_a_slice(*arguments: object) -> object:
        (tmp_path / "0001.dcm").unlink()
        return lay_out(*arguments)

    monkeypatch.setattr(dicom, "lay_out", lose_a_slice)
    save(slices_of(thin), tmp_path)
    with pytest.raises(ReadError, match=r"0001.dcm: cannot be opened"):
        read_scan(tmp_path)


def test_signed_padding_declared_in_unsigned_pixels_becomes_air(thin: Volume, tmp_path: Path) -> None:
    """63536 is -2000 to the scanner that wrote it, and would be metal all around the patient to us."""
    datasets = slices_of(thin)
    for dataset in datasets:
        stored = dataset.pixel_array.copy().astype(np.uint16)
        stored[0, :5] = 63536
        stored[1, :5] = 40_000
        dataset.PixelData, dataset.PixelRepresentation, dataset.RescaleIntercept = stored.tobytes(), 0, -1024
        dataset.add_new("PixelPaddingValue", "US", 63536)
    array = read_scan(save(datasets, tmp_path)).volume.array
    assert (array[:, 0, :5] == -1024).all()
    assert (array[:, 1, :5] > 3071).all()  # metal stays metal


def test_each_slice_has_its_own_rescale_and_padding_becomes_air(thin: Volume, tmp_path: Path) -> None:
    datasets = slices_of(thin)
    for index, dataset in enumerate(datasets):
        stored = thin.array[index].astype(np.int32)
        if index % 2:
            stored, dataset.RescaleIntercept = stored + 2000, -2000
        else:
            stored, dataset.RescaleIntercept, dataset.RescaleSlope = 2 * stored + 3000, -1500, 0.5
        stored[0, :5] = 0 if index % 2 else 40_000  # -2000 HU is padding, 18500 HU is metal
        dataset.PixelData = stored.astype("<u2").tobytes()
    scan = read_scan(save(datasets, tmp_path))
    assert scan.volume.array[:, 0, :5].tolist() == [[-1024 if index % 2 else 18500] * 5 for index in range(13)]
    assert np.array_equal(scan.volume.array[:, 1:], thin.array[:, 1:])


def test_signed_twelve_bit_values_with_overlay_bits(thin: Volume, tmp_path: Path) -> None:
    """12 bits of 16 are stored; what old scanners left in the other four is no part of the value."""
    datasets = slices_of(thin, BitsStored=12, HighBit=11, PixelRepresentation=1, RescaleIntercept=0)
    for index, dataset in enumerate(datasets):
        bits = thin.array[index].astype(np.int32) & 0x0FFF
        bits[0, 0] |= 0x4000
        dataset.PixelData = bits.astype("<u2").tobytes()
    assert_same(read_scan(save(datasets, tmp_path)), thin)


def test_decimal_strings_in_odd_forms(thin: Volume, tmp_path: Path) -> None:
    dataset = slices_of(thin)[3]
    dataset.SliceThickness = "008.000000E+00"
    scan = read_scan(save([dataset], tmp_path))
    assert scan.volume.geometry.spacing_mm == pytest.approx((8.0, 6.0, 6.0))


@pytest.mark.parametrize("syntax", ["", "rle", "jpeg-ls"])
def test_enhanced_multi_frame_ct(syntax: str, thin: Volume, tmp_path: Path) -> None:
    dataset = enhanced(thin)
    scan = read_scan(save([encoded(dataset, syntax) if syntax else dataset], tmp_path))
    assert_same(scan, thin)
    assert codes(scan) == []


def test_the_papers_function_gives_slices_last_by_rising_z(thin: Volume, tmp_path: Path) -> None:
    array = dicom_to_numpy(save(slices_of(thin), tmp_path / "up"))
    assert array.shape == (48, 56, 13)
    assert np.array_equal(array[:, :, 4], thin.array[4])
    mirrored = thin.geometry.reordered((0, 1, 2), (False, True, False))  # rows run to the front: the normal points down
    down = dicom_to_numpy(save(slices_of(Volume(thin.array[:, ::-1], mirrored)), tmp_path / "down"))
    assert np.array_equal(down[::-1], array)
    # As `np.stack` gives it; torch takes no array that runs backwards.
    assert array.flags.c_contiguous and down.flags.c_contiguous


# Real scans


@pytest.mark.shared_data
@pytest.mark.parametrize("case", ["LIDC-IDRI-0001", "CPTAC-C3N-00247", "Lung_Dx-A0001-B"])
def test_real_scans_lie_where_their_reviewed_masks_lie(case: str, shared_data: Path) -> None:
    import SimpleITK as sitk

    from LungUNetSegLib.volume.resample import from_sitk

    folder = shared_data / "volumes" / case
    scan = read_scan(folder / "ct")
    mask = from_sitk(sitk.ReadImage(str(folder / "lungs.nii.gz")))
    assert scan.volume.geometry.matches(mask.geometry, tolerance_mm=0.1)
    assert codes(scan) == []
    for label in (1, 2):
        assert -950 < np.median(scan.volume.array[mask.array == label]) < -600
    assert scan.volume.array.min() == -1024


@pytest.mark.shared_data
def test_real_single_slices_of_every_position_are_read(shared_data: Path) -> None:
    """Prone, lateral, feet first; JPEG-LS; thickness written as 008.000000E+00."""
    folders = sorted((shared_data / "slices").glob("*/ct"))
    assert folders
    for folder in folders[::6]:
        scan = read_scan(folder)
        assert scan.volume.array.shape[0] == 1
        assert codes(scan) == ["single-slice"]
