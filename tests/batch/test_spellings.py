"""A scan is one scan, and can be read again, however the path to it was written."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from batch_results import Command, plan_of, rows_of
from dicom_files import save, slices_of
from pydicom import Dataset, FileDataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MediaStorageDirectoryStorage

from LungUNetSegLib.batch.reading import read_scan_of
from LungUNetSegLib.volume.volume import Volume


def disc(folder: Path, volume: Volume) -> Path:
    """A disc of one series; its DICOMDIR."""
    save(slices_of(volume, SeriesDescription="Chest"), folder / "IMG", "I{}".format)
    directory = FileDataset("", {}, file_meta=FileMetaDataset(), preamble=bytes(128))
    directory.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    directory.file_meta.MediaStorageSOPClassUID = MediaStorageDirectoryStorage
    directory.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    directory.DirectoryRecordSequence = []
    for number in range(len(volume.array)):
        record = Dataset()
        record.ReferencedFileID = ["IMG", f"I{number}"]
        directory.DirectoryRecordSequence.append(record)
    directory.save_as(folder / "DICOMDIR", enforce_file_format=True)
    return folder / "DICOMDIR"


def test_a_source_may_be_written_relative_or_absolute(
    batch: Command, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Protects from a table with two rows of one scan, and from results that nobody can review from another folder."""
    monkeypatch.chdir(source.parent)
    for written in (source.name, source, Path(source.name) / ".." / source.name):
        assert batch(written, "--raw")[0] == 0
        rows = rows_of(tmp_path / "out")
        assert sorted(row["path"] for row in rows) == [str(source / "patient" / "ct"), str(source / "scan.nii.gz")]
    monkeypatch.chdir("/")
    for row in rows:
        assert read_scan_of(tmp_path / "out", row["name"]).volume.array.shape[0] == 13


def test_rows_of_a_list_may_name_a_scan_in_two_ways(
    thin: Volume, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Protects from files that are copies of themselves, and are read twice."""
    directory = disc(tmp_path / "disc 1", thin)
    with (tmp_path / "list.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["path"], ["disc 1"], [directory.parent], ["disc 1/DICOMDIR"]])
    monkeypatch.chdir(tmp_path)
    plan = plan_of(Path("list.csv"))
    (taken,) = plan.taken
    assert taken.scan.place == str(tmp_path / "disc 1" / "IMG") and not taken.scan.copies
    whys = [each.why for each in plan.skipped]
    assert whys.count("another row of the list names the same scan") == 2
    assert not [why for why in whys if why.startswith("a copy of")]


def test_a_disc_behind_a_link_has_the_place_that_was_given(thin: Volume, tmp_path: Path) -> None:
    disc(tmp_path / "disc", thin)
    (tmp_path / "link").symlink_to(tmp_path / "disc")
    places = [plan_of(tmp_path / each / "DICOMDIR").taken[0].scan.place for each in ("disc", "link")]
    assert places == [str(tmp_path / each / "IMG") for each in ("disc", "link")]
