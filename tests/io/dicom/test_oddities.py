"""Headers and files that say what cannot be: read right, said, or refused."""

from __future__ import annotations

import os
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from dicom_files import chest, save, slices_of
from pydicom.encaps import encapsulate
from pydicom.uid import DeflatedExplicitVRLittleEndian, MediaStorageDirectoryStorage
from scan_checks import codes, refused

from LungUNetSegLib.errors import ReadError
from LungUNetSegLib.io import list_series, read_scan
from LungUNetSegLib.io.dicom.pixels import decoded
from LungUNetSegLib.volume import Volume


def test_two_patients_in_one_series_uid_are_two_scans(ct: Volume, tmp_path: Path) -> None:
    """Their slices do not even lie at the same places."""
    upper = chest(2, 70.0)
    save(slices_of(ct, PatientID="A", SeriesInstanceUID="1.1"), tmp_path / "a")
    save(slices_of(upper, PatientID="B", SeriesInstanceUID="1.1"), tmp_path / "b")
    assert len(list_series(tmp_path)) == 2 and "several-patients" in codes(tmp_path)


def test_directions_that_jitter_are_one_scan(ct: Volume, tmp_path: Path) -> None:
    """27 of 80 slices were read. They turn about their middle by up to 0.2 degrees."""
    datasets, rng = slices_of(ct), np.random.default_rng(0)
    middle = np.array([27 / 2 * 12.0, 23 / 2 * 12.0])
    for index, dataset in enumerate(datasets):
        turn = np.radians(rng.uniform(-0.2, 0.2))
        across, down = np.array([np.cos(turn), np.sin(turn), 0]), np.array([-np.sin(turn), np.cos(turn), 0])
        dataset.ImageOrientationPatient = [f"{each:.6f}" for each in (*across, *down)]
        centre = ct.geometry.to_lps((index, 23 / 2, 27 / 2))
        dataset.ImagePositionPatient = [f"{each:.4f}" for each in centre - across * middle[0] - down * middle[1]]
    scan = read_scan(save(datasets, tmp_path))
    assert [finding.code for finding in scan.findings] == ["jittering-slices"]
    assert np.array_equal(scan.volume.array, ct.array)
    assert scan.volume.geometry.matches(ct.geometry, tolerance_mm=0.5)


def test_several_frames_without_places_are_named(ct: Volume, tmp_path: Path) -> None:
    """79 of 80 frames were dropped."""
    dataset = slices_of(ct)[0]
    dataset.NumberOfFrames, dataset.PixelData = 13, (ct.array.astype(int) + 1024).astype("<u2").tobytes()
    refused(save([dataset], tmp_path / "a"), "several frames", "Export the original slices")
    save(slices_of(ct, SeriesInstanceUID="1.7"), tmp_path / "a" / "b")
    assert codes(tmp_path) == ["unreadable-files"]


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("high", [11, 15])
def test_twelve_bits_stored_high_or_said_to_be(signed: bool, high: int, ct: Volume, tmp_path: Path) -> None:
    """Values at the upper bits are brought down; values that lie low although the header says otherwise are left."""
    stored = np.clip(ct.array, -1024, 1023).astype(int) + (0 if signed else 1024)
    for name, shift in (("low", 0), ("high", 4 if high == 15 else 0)):
        datasets = slices_of(ct, BitsStored=12, HighBit=high, PixelRepresentation=int(signed))
        for index, dataset in enumerate(datasets):
            dataset.RescaleIntercept = 0 if signed else -1024
            dataset.PixelData = (stored[index] << shift).astype("<i2").tobytes()
        scan = read_scan(save(datasets, tmp_path / name))
        assert np.array_equal(scan.volume.array, np.clip(ct.array, -1024, 1023))


def test_slices_too_far_apart_are_refused(tmp_path: Path) -> None:
    """Evenly 106 mm apart, four slices gave 7,714 ml for 4,332."""
    refused(save(slices_of(chest(slices=4, step_mm=106.0, low_mm=-160.0)), tmp_path), "106 mm apart")


def test_axes_that_are_at_no_right_angle_are_refused(ct: Volume, tmp_path: Path) -> None:
    slanting = [1, 0, 0, 0.5, 0.866025, 0]
    refused(save(slices_of(ct, ImageOrientationPatient=slanting), tmp_path), "not at right angles (13)")


@pytest.mark.parametrize("spacing", [1e-9, 900.0])
def test_a_pixel_spacing_that_no_scanner_has_is_refused(spacing: float, ct: Volume, tmp_path: Path) -> None:
    refused(save(slices_of(ct, PixelSpacing=[spacing, spacing]), tmp_path), "millimetres")


def test_slices_whose_scales_do_not_fit_are_said(ct: Volume, tmp_path: Path) -> None:
    """A slice scaled otherwise than its neighbours is off by 1,024 HU."""
    datasets = slices_of(ct)
    for dataset in datasets[4:7]:
        dataset.RescaleIntercept = 0
    assert "scale-in-doubt" in codes(save(datasets, tmp_path / "otherwise"))
    datasets = slices_of(ct)
    for dataset in datasets[4:7]:
        del dataset.RescaleIntercept, dataset.RescaleSlope
    assert "scale-in-doubt" in codes(save(datasets, tmp_path / "not at all"))


def test_values_beyond_any_scanner_are_said(ct: Volume, tmp_path: Path) -> None:
    assert "beyond-scanner" in codes(save(slices_of(ct, RescaleSlope=10, RescaleIntercept=-10240), tmp_path))


def test_a_number_that_is_none_costs_no_slice(ct: Volume, tmp_path: Path) -> None:
    datasets = slices_of(ct)
    save(datasets, tmp_path)
    for path in tmp_path.iterdir():
        content = path.read_bytes()
        at = content.index(b"\x20\x00\x13\x00IS")
        length = int.from_bytes(content[at + 6 : at + 8], "little")
        path.write_bytes(content[: at + 6] + b"\x06\x00first " + content[at + 8 + length :])
    assert np.array_equal(read_scan(tmp_path).volume.array, ct.array) and codes(tmp_path) == []


def test_sizes_that_lie_are_not_called_a_want_of_memory(ct: Volume, tmp_path: Path) -> None:
    save(slices_of(ct, Rows=65535, Columns=65535), tmp_path)
    refused(tmp_path, "0000.dcm" if len(ct.array) * 2**33 < os.sysconf("SC_PHYS_PAGES") * 4096 else "header claims")


# Files


def test_files_that_cannot_be_opened_are_named_before_the_gap_they_leave(ct: Volume, tmp_path: Path) -> None:
    save(slices_of(ct), tmp_path)
    for number in (5, 6, 7):
        (tmp_path / f"{number:04}.dcm").write_bytes(b"")
    message = refused(tmp_path, "gap of 40.0 mm", "0005.dcm, 0006.dcm, 0007.dcm")
    assert "3 files could not be read" in message


def test_the_directory_of_a_disc_is_no_damaged_file(ct: Volume, tmp_path: Path) -> None:
    save(slices_of(ct), tmp_path)
    directory = slices_of(ct)[0]
    for keyword in ("SOPClassUID", "Modality", "PixelData"):
        delattr(directory, keyword)
    directory.file_meta.MediaStorageSOPClassUID = MediaStorageDirectoryStorage
    directory.save_as(tmp_path / "DICOMDIR", enforce_file_format=False)
    assert codes(tmp_path) == []
    refused(tmp_path / "DICOMDIR", "directories of a disc", "Give the folder")


def test_folders_of_links_are_followed_once(ct: Volume, tmp_path: Path) -> None:
    save(slices_of(ct), tmp_path / "real")
    folder = tmp_path / "links"
    folder.mkdir()
    (folder / "scan").symlink_to(tmp_path / "real")
    (folder / "again").symlink_to(tmp_path / "real")
    (folder / "round").symlink_to(folder)
    assert np.array_equal(read_scan(folder).volume.array, ct.array) and codes(folder) == []
    nowhere = tmp_path / "nowhere"
    nowhere.mkdir()
    (nowhere / "slice").symlink_to(tmp_path / "gone")
    refused(nowhere, "links that lead nowhere")
    refused(nowhere / "slice", "broken link")


def test_archives_and_pairs_are_named_as_what_they_are(tmp_path: Path) -> None:
    (tmp_path / "scan.zip").write_bytes(b"PK\x03\x04" + bytes(500))
    refused(tmp_path / "scan.zip", "zip archives", "Unpack")
    (tmp_path / "scan.hdr").write_bytes(bytes(348))
    refused(tmp_path / "scan.hdr", ".hdr/.img", ".nii")


def test_a_deflated_file_is_unpacked_only_as_far_as_its_header_says(ct: Volume, tmp_path: Path) -> None:
    """Protects the memory from a small file that unpacks without end."""
    datasets = slices_of(ct)
    for dataset in datasets:
        dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    save(datasets, tmp_path)
    assert np.array_equal(read_scan(tmp_path).volume.array, ct.array)
    path = tmp_path / "0003.dcm"
    content = path.read_bytes()
    start = 144 + int.from_bytes(content[140:144], "little")
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -15)
    plain = zlib.decompress(content[start:], -15)
    parts = [squeeze.compress(plain), *(squeeze.compress(bytes(1 << 20)) for _ in range(100)), squeeze.flush()]
    path.write_bytes(content[:start] + b"".join(parts))
    refused(tmp_path, "0003.dcm", "copy or export it again")


def test_pydicoms_own_lines_do_not_reach_the_terminal(ct: Volume, tmp_path: Path) -> None:
    for dataset in (datasets := slices_of(ct)):
        dataset.add_new("PatientBirthDate", "DA", "")
        dataset["PatientBirthDate"]._value = "first"
        dataset.add_new("SpecificCharacterSet", "CS", "NONSENSE")
    save(datasets, tmp_path)
    script = f"from LungUNetSegLib.io import read_scan; read_scan({str(tmp_path)!r})"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stderr == ""


def test_a_private_transfer_syntax_is_refused_and_named(ct: Volume, tmp_path: Path) -> None:
    """Protects from pixels in a maker's own order, here GE's with bytes swapped, which would be read as noise."""
    for dataset in (datasets := slices_of(ct)):
        dataset.file_meta.TransferSyntaxUID = "1.2.840.113619.5.2"
        dataset.save_as(tmp_path / f"{dataset.InstanceNumber}.dcm", implicit_vr=True, little_endian=True)
    assert len(datasets) > 2
    with pytest.raises(ReadError, match=r"1\.2\.840\.113619\.5\.2"):
        read_scan(tmp_path)


def test_a_compression_that_nothing_here_decodes_is_not_called_damage(ct: Volume, tmp_path: Path) -> None:
    dataset = slices_of(ct)[0]
    dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.4.100"  # MPEG-2
    dataset.PixelData = encapsulate([dataset.PixelData])
    with pytest.raises(ReadError, match=r"MPEG2 .*decoders installed here"):
        list(decoded(dataset, [0]))
