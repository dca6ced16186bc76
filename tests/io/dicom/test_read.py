"""DICOM slices become the scan that was made: HU, order, place, in every encoding; and what is odd is said."""

from __future__ import annotations

import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import numpy as np
import pytest
from dicom_files import encoded, enhanced, save, slices_of, with_frame
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    HTJ2KLossless,
    ImplicitVRLittleEndian,
    JPEGExtended12Bit,
    JPEGLSLossless,
)

from LungUNetSegLib.errors import ReadError
from LungUNetSegLib.io import dicom_to_numpy, read_scan, write_dicom_series
from LungUNetSegLib.io.dicom import pixels
from LungUNetSegLib.io.dicom import read as dicom
from LungUNetSegLib.phantom import make_phantom, phantom_geometry
from LungUNetSegLib.volume import Volume


def codes(scan) -> list[str]:
    return [finding.code for finding in scan.findings]


def assert_same(scan, volume: Volume) -> None:
    assert scan.volume.array.dtype == np.int16
    assert np.array_equal(scan.volume.array, volume.array)
    assert scan.volume.geometry.matches(volume.geometry)


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


@pytest.mark.parametrize("by_itk", [False, True])
def test_high_throughput_jpeg_2000_gives_the_same_hu(
    by_itk: bool, thin: Volume, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Protects what archives in the cloud send now; SimpleITK's GDCM decodes it where nothing of pydicom's does."""
    imagecodecs = pytest.importorskip("imagecodecs")
    datasets = slices_of(thin)
    for dataset in datasets:
        values = np.frombuffer(dataset.PixelData, "<u2").reshape(thin.array.shape[1:])
        with_frame(dataset, imagecodecs.htj2k_encode(values, reversible=True), HTJ2KLossless)
    if by_itk:
        monkeypatch.setattr(pixels, "_decoder", lambda syntax: None)
    assert_same(read_scan(save(datasets, tmp_path)), thin)


@pytest.mark.parametrize("level", [100, 90])
def test_jpeg_extended_of_twelve_bits_is_read(level: int, thin: Volume, tmp_path: Path) -> None:
    """Protects old archives from being called damaged. What it loses is lost: libjpeg-turbo decodes the same values."""
    imagecodecs = pytest.importorskip("imagecodecs")
    datasets, decoded = slices_of(thin), []
    for index, dataset in enumerate(datasets):
        values = (np.clip(thin.array[index], -1024, 3071).astype(np.int32) + 1024).astype(np.uint16)
        frame = imagecodecs.jpeg8_encode(values, level=level, bitspersample=12)
        decoded.append(imagecodecs.jpeg8_decode(frame).astype(np.int32) - 1024)
        with_frame(dataset, frame, JPEGExtended12Bit)
        dataset.BitsStored, dataset.HighBit = 12, 11
    array = read_scan(save(datasets, tmp_path)).volume.array
    assert np.abs(array - np.array(decoded)).max() <= 1


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


@pytest.mark.parametrize(("installed", "taken"), [(("gdcm", "pyjpegls"), "pyjpegls"), (("gdcm", "pillow"), "")])
def test_the_fastest_decoder_that_is_installed_is_taken(
    installed: tuple[str, ...], taken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a faster one the choice is pydicom's."""
    asked = []

    class Decoder:
        available_plugins = installed

        def as_array(self, *_: object, decoding_plugin: str, **__: object) -> tuple[np.ndarray, dict]:
            asked.append(decoding_plugin)
            return np.zeros((2, 2), np.int16), {}

    monkeypatch.setattr(pixels, "_decoder", lambda _: Decoder())
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = JPEGLSLossless
    dataset.Rows, dataset.Columns, dataset.BitsAllocated, dataset.PixelData = 2, 2, 16, encapsulate([bytes(8)])
    assert len(list(pixels.decoded(dataset, [0, 1]))) == 2 and asked == [taken, taken]


def test_jpeg_ls_is_read_without_the_faster_decoder(
    thin: Volume, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("LungUNetSegLib.io.dicom.pixels.FASTER_PLUGINS", ())
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


@pytest.mark.parametrize("syntax", ["", "rle", "jpeg-ls", "jpeg-2000", "jpeg-lossless"])
def test_without_pydicoms_decoders_simpleitks_gdcm_reads(
    syntax: str, thin: Volume, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Slicer 5.10 and 5.12 ship no decoder but SimpleITK's, and 5.10 pydicom 2, which has no `pydicom.pixels`."""
    save([encoded(dataset, syntax) if syntax else dataset for dataset in slices_of(thin)[:4]], tmp_path)
    monkeypatch.setitem(sys.modules, "pydicom.pixels", None)
    assert np.array_equal(read_scan(tmp_path).volume.array, thin.array[:4])


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
