"""DICOM slices become the scan that was made: HU, order, place, in every encoding; and what is odd is said."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from dicom_files import encoded, save, slices_of
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    EnhancedCTImageStorage,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    generate_uid,
)

from LungUNetSegLib.errors import ReadError
from LungUNetSegLib.io import dicom_to_numpy, read_scan, write_dicom_series
from LungUNetSegLib.phantom import make_phantom, phantom_geometry
from LungUNetSegLib.resample import resample
from LungUNetSegLib.volume import Geometry, Volume


def codes(scan) -> list[str]:
    return [finding.code for finding in scan.findings]


def assert_same(scan, volume: Volume) -> None:
    assert scan.volume.array.dtype == np.int16
    assert np.array_equal(scan.volume.array, volume.array)
    assert scan.volume.geometry.matches(volume.geometry)


@pytest.fixture(scope="module")
def thin() -> Volume:
    """13 slices of 10 mm around the heart; few enough to write often."""
    geometry = Geometry.axial((13, 48, 56), (10.0, 6.0, 6.0), (-165.0, -141.0, -60.0))
    return make_phantom(geometry, rng=1).ct


# What is read right


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


@pytest.mark.parametrize("syntax", ["rle", "jpeg-ls", "jpeg-2000", "jpeg-lossless"])
def test_lossless_compression_gives_the_same_hu(syntax: str, thin: Volume, tmp_path: Path) -> None:
    save([encoded(dataset, syntax) for dataset in slices_of(thin)], tmp_path)
    assert_same(read_scan(tmp_path), thin)


def test_jpeg_ls_is_read_without_the_faster_decoder(
    thin: Volume, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("LungUNetSegLib.io.dicom.FASTER_PLUGINS", ())
    save([encoded(dataset, "jpeg-ls") for dataset in slices_of(thin)], tmp_path)
    assert_same(read_scan(tmp_path), thin)


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian])
def test_uncompressed_encodings(syntax: str, thin: Volume, tmp_path: Path) -> None:
    datasets = slices_of(thin)
    for dataset in datasets:
        dataset.file_meta.TransferSyntaxUID = syntax
        if syntax == ExplicitVRBigEndian:
            dataset.PixelData = np.frombuffer(dataset.PixelData, "<u2").astype(">u2").tobytes()
    save(datasets, tmp_path)
    assert_same(read_scan(tmp_path), thin)


def test_files_without_preamble_are_read(thin: Volume, tmp_path: Path) -> None:
    """Old archives hold bare data sets in implicit VR little endian."""
    for number, dataset in enumerate(slices_of(thin)):
        del dataset.file_meta
        dataset.save_as(tmp_path / f"{number}", implicit_vr=True, little_endian=True)
    assert_same(read_scan(tmp_path), thin)


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


def enhanced(volume: Volume) -> Dataset:
    """The volume as one Enhanced CT file, frames in reverse order; rescale and orientation are shared."""
    slices = slices_of(volume)
    dataset = slices[0]
    for keyword in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "RescaleSlope"):
        delattr(dataset, keyword)
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = EnhancedCTImageStorage
    dataset.NumberOfFrames = len(slices)
    shared = Dataset()
    shared.PlaneOrientationSequence = Sequence([item(ImageOrientationPatient=slices[1].ImageOrientationPatient)])
    shared.PixelMeasuresSequence = Sequence([item(PixelSpacing=slices[1].PixelSpacing, SliceThickness="10")])
    frames = []
    for index, each in reversed(list(enumerate(slices))):
        frame = Dataset()
        position = each.ImagePositionPatient if index else volume.geometry.to_lps((0, 0, 0)).tolist()
        frame.PlanePositionSequence = Sequence([item(ImagePositionPatient=position)])
        rescale = item(RescaleIntercept=-1024 - index, RescaleSlope=1, RescaleType="HU")
        frame.PixelValueTransformationSequence = Sequence([rescale])
        frame.CTImageFrameTypeSequence = Sequence([item(FrameType=["ORIGINAL", "PRIMARY", "VOLUME", "NONE"])])
        frames.append(frame)
    dataset.SharedFunctionalGroupsSequence = Sequence([shared])
    dataset.PerFrameFunctionalGroupsSequence = Sequence(frames)
    stored = [(volume.array[index].astype(np.int32) + 1024 + index) for index in reversed(range(len(slices)))]
    dataset.PixelData = np.array(stored).astype("<u2").tobytes()
    return dataset


def item(**attributes: object) -> Dataset:
    dataset = Dataset()
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    return dataset


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


# What is bridged and said


def test_missing_slices_are_filled_and_said(thin: Volume, tmp_path: Path) -> None:
    datasets = slices_of(thin)
    del datasets[6]
    scan = read_scan(save(datasets, tmp_path))
    assert codes(scan) == ["missing-slices"]
    assert "1 slices are missing" in scan.findings[0].message
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
    assert codes(scan) == ["duplicate-slices"]
    assert scan.findings[0].message.startswith("2 slices")
    assert_same(scan, thin)


def test_every_file_twice_is_one_scan(thin: Volume, tmp_path: Path) -> None:
    save(slices_of(thin), tmp_path / "a")
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    scan = read_scan(tmp_path)
    assert codes(scan) == ["duplicate-slices"]
    assert_same(scan, thin)


def test_uneven_slices_are_interpolated_and_said(tmp_path: Path) -> None:
    """Upper part every 4 mm, lower part every 6 mm: the even grid shows the same body."""
    fine = make_phantom(Geometry.axial((80, 40, 48), (2.0, 7.0, 7.0), (-165.0, -136.0, -70.0)), rng=1, noise_hu=0).ct
    datasets = slices_of(fine)
    scan = read_scan(save(datasets[:30:3] + datasets[30::2], tmp_path))
    assert codes(scan) == ["uneven-slices"]
    assert scan.volume.geometry.spacing_mm[0] == pytest.approx(4.0, abs=0.2)
    back = resample(scan.volume, fine.geometry).array.astype(int)
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


# Real scans


@pytest.mark.shared_data
@pytest.mark.parametrize("case", ["LIDC-IDRI-0001", "CPTAC-C3N-00247", "Lung_Dx-A0001-B"])
def test_real_scans_lie_where_their_reviewed_masks_lie(case: str, shared_data: Path) -> None:
    import SimpleITK as sitk

    from LungUNetSegLib.resample import from_sitk

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
