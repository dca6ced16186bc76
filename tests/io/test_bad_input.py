"""Everything that is no scan gets one clear sentence: which file, what is wrong, what to do."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from dicom_files import encoded, item, save, slices_of
from pydicom.uid import (
    DigitalXRayImageStorageForPresentation,
    MRImageStorage,
    SecondaryCaptureImageStorage,
)
from scan_checks import refused

from LungUNetSegLib.errors import LungUNetSegError, ReadError, WriteError
from LungUNetSegLib.io import check_writable, list_series, read_scan, write_dicom_series
from LungUNetSegLib.phantom import Phantom, make_phantom
from LungUNetSegLib.volume import Geometry, Volume


@pytest.fixture(scope="module")
def ct() -> Volume:
    return make_phantom(Geometry.axial((4, 24, 28), (20.0, 12.0, 12.0), (-165.0, -141.0, 0.0)), rng=1).ct


def test_nothing_there(tmp_path: Path) -> None:
    refused(tmp_path / "missing", str(tmp_path / "missing"), "no such file or folder")
    refused(tmp_path, str(tmp_path), "the folder is empty")
    refused([], "No file was given")
    with pytest.raises(ReadError, match="the folder is empty"):
        list_series(tmp_path)


def test_folders_and_files_without_a_ct_say_what_they_hold(ct: Volume, tmp_path: Path) -> None:
    kinds = {
        "mr": ({"SOPClassUID": MRImageStorage, "Modality": "MR"}, "Found: MR images (4)."),
        "xray": ({"SOPClassUID": DigitalXRayImageStorageForPresentation, "Modality": "DX"}, "Found: X-ray images (4)."),
        "capture": ({"SOPClassUID": SecondaryCaptureImageStorage}, "Found: secondary captures (4)."),
        "scout": ({"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}, "Found: localizers (4)."),
        "placeless": ({"ImagePositionPatient": None}, "Found: CT images whose place or size is not given (4)."),
        "unscaled": ({"PixelSpacing": None}, "Found: CT images whose place or size is not given (4)."),
    }
    for name, (attributes, words) in kinds.items():
        save(slices_of(ct, **attributes), tmp_path / name)
        refused(tmp_path / name, "no CT to segment", words)
    refused(tmp_path / "xray" / "0000.dcm", "Found: X-ray images (1).")


def test_files_that_are_not_dicom(tmp_path: Path) -> None:
    text = tmp_path / "note.dcm"
    text.write_text("Dear colleague, the CT is on the other disc.")
    refused(text, str(text), "files that are not DICOM (1)")
    (tmp_path / "empty.dcm").touch()
    (tmp_path / "scan.nii.gz").touch()
    refused(tmp_path, "files that are not DICOM (1)", "empty files (1)", "image files of other formats (1)")
    (tmp_path / "noise").write_bytes(b"\x08\x00" + bytes(range(256)) * 8)  # begins like an old DICOM file
    refused(tmp_path / "noise", "no CT to segment")


@pytest.mark.parametrize("syntax", ["", "jpeg-ls", "jpeg-2000", "rle"])
@pytest.mark.parametrize("share", [0.2, 0.6, 0.99])
def test_truncated_files_are_named(syntax: str, share: float, ct: Volume, tmp_path: Path) -> None:
    """A copy that broke off must not become black pixels."""
    save([encoded(dataset, syntax) if syntax else dataset for dataset in slices_of(ct)], tmp_path)
    file = tmp_path / "0002.dcm"
    file.write_bytes(file.read_bytes()[: int(share * file.stat().st_size)])
    if share < 0.5:
        refused(file, str(file))
    else:
        refused(tmp_path, str(file), "cut short")


def test_pixels_that_cannot_be_decoded(ct: Volume, tmp_path: Path) -> None:
    unknown = save(slices_of(ct), tmp_path / "syntax") / "0001.dcm"
    unknown.write_bytes(unknown.read_bytes().replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.9.1\0"))
    refused(tmp_path / "syntax", "0001.dcm", "cannot be decoded")
    garbage = encoded(slices_of(ct)[2], "jpeg-ls")
    garbage.PixelData = garbage.PixelData[:40] + bytes(len(garbage.PixelData) - 48) + garbage.PixelData[-8:]
    refused(save([garbage], tmp_path / "garbage"), "0000.dcm", "cannot be decoded")


def test_values_that_are_no_ct(ct: Volume, tmp_path: Path) -> None:
    refused(save(slices_of(ct, RescaleSlope=0), tmp_path / "flat"), "no CT in Hounsfield units")
    with pytest.raises(ReadError, match="an image file has no series"):
        read_scan(tmp_path / "scan.nii.gz", "1.2.3")


def test_a_look_up_table_for_a_scale_is_refused(ct: Volume, tmp_path: Path) -> None:
    """Protects from stored numbers that are taken for HU: a Modality LUT (PS3.3 C.11.1) says what each stands for."""
    datasets = slices_of(ct, RescaleSlope=None, RescaleIntercept=None, RescaleType=None)
    for dataset in datasets:
        table = item(LUTDescriptor=[4096, 0, 16], ModalityLUTType="HU", LUTData=bytes(8192))
        dataset.ModalityLUTSequence = [table]
    refused(save(datasets, tmp_path), "look-up table (4)", "with a slope and an intercept")


def test_ct_without_sop_class_is_read(ct: Volume, tmp_path: Path) -> None:
    """Some exports lose it; modality, place and pixels are enough."""
    scan = read_scan(save(slices_of(ct, SOPClassUID=None), tmp_path))
    assert scan.volume.array.shape == ct.array.shape


def test_a_place_that_cannot_be_written(ct: Volume, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(WriteError, match="cannot be written"):
        write_dicom_series(ct, tmp_path / "file" / "folder")


def test_all_errors_are_the_librarys_own(head_phantom: Phantom, tmp_path: Path) -> None:
    """A head is no bad input: it is read, and only the segmentation will find no lung in it."""
    assert issubclass(ReadError, LungUNetSegError)
    write_dicom_series(head_phantom.ct, tmp_path)
    assert read_scan(tmp_path).findings == ()


def test_what_cannot_be_opened_is_not_called_missing_empty_or_damaged(open_folder: Path) -> None:
    for folder in (open_folder / "closed", open_folder / "scan.nii.gz"):
        folder.mkdir() if folder.suffix == "" else folder.touch()
        folder.chmod(0)
        refused(folder, str(folder), "Permission denied")


def test_a_name_that_is_no_text_is_refused(tmp_path: Path) -> None:
    """Protects the whole process, which ITK ends when it gets such a name; old disks have them."""
    path = tmp_path / os.fsdecode(b"caf\xe9.nii.gz")
    try:
        path.touch()
    except OSError:
        pytest.skip("this file system takes no such names")
    refused(path, "rename it")
    with pytest.raises(WriteError, match="rename it"):
        check_writable(path)


@pytest.mark.parametrize("left", [0, 170, 200, 400, 600])
def test_a_damaged_last_slice_is_said(left: int, ct: Volume, tmp_path: Path) -> None:
    """Protects from a lung that ends early in silence: no gap tells of a slice that is gone at the end."""
    save(slices_of(ct), tmp_path)
    last = tmp_path / "0003.dcm"
    last.write_bytes(last.read_bytes()[:left])
    scan = read_scan(tmp_path)
    assert [finding.code for finding in scan.findings] == ["unreadable-files"]
    assert "1 file" in scan.findings[0].message and "copy" in scan.findings[0].message
