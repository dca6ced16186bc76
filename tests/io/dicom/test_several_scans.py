"""Series that archives and scanners make of one scan, or of several."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from dicom_files import STEP_MM, chest, save, slices_of
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid
from scan_checks import codes, refused

from LungUNetSegLib.io import list_series, read_scan
from LungUNetSegLib.volume import Volume


def in_one_series(*scans: list[Dataset]) -> list[Dataset]:
    """The slices of all scans with one series UID and SOP UIDs of their own."""
    for scan in scans:
        for dataset in scan:
            dataset.SeriesInstanceUID, dataset.StudyInstanceUID = "1.1", "1.0"
            dataset.FrameOfReferenceUID = "1.2"
            dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    return [dataset for scan in scans for dataset in scan]


def assert_both(folder: Path, *volumes: Volume) -> None:
    """Each scan is there whole, the one that is taken is said, and no slice is mixed into another."""
    uids = [each.uid for each in list_series(folder)]
    assert len(uids) == len(volumes)
    assert {read_scan(folder, uid).volume.array.tobytes() for uid in uids} == {v.array.tobytes() for v in volumes}
    assert codes(folder) == ["several-series"]


@pytest.mark.parametrize("how", ["acquisition", "time", "numbers", "kernel", "stack"])
def test_two_acquisitions_half_a_slice_apart_are_two_scans(how: str, ct: Volume, tmp_path: Path) -> None:
    """They were merged into one scan of twice the slices, of two breaths in turn."""
    other = chest(2, -60.0 + STEP_MM / 2)
    first, second = slices_of(ct), slices_of(other)
    for number, dataset in enumerate([*first, *second]):
        is_second = number >= len(first)
        dataset.InstanceNumber = number + 1 if how == "numbers" else 1
        if how == "time":
            dataset.AcquisitionTime = f"{101500 + number:06}.5"
        elif how == "acquisition":
            dataset.AcquisitionNumber = 1 + is_second
        elif how == "kernel":
            dataset.ConvolutionKernel = "B70f" if is_second else "B30f"
        elif how == "stack":
            dataset.add_new("StackID", "SH", str(int(is_second)))
    assert_both(save(in_one_series(first, second), tmp_path), ct, other)


def test_stacks_between_each_other_that_are_one_scan_stay_one(ct: Volume, tmp_path: Path) -> None:
    """Odd and even slices of two turns: each alone would leave gaps as wide as its slices."""
    datasets = slices_of(ct)
    for index, dataset in enumerate(datasets):
        dataset.AcquisitionNumber, dataset.AcquisitionTime = 1 + index % 2, f"10150{index % 2}"
        dataset.InstanceNumber = index // 2 + 1 + 100 * (index % 2)
    save(datasets, tmp_path)
    assert np.array_equal(read_scan(tmp_path).volume.array, ct.array) and codes(tmp_path) == []


def test_overlapping_slices_of_one_scan_stay_one(ct: Volume, tmp_path: Path) -> None:
    """Thick slices at half their thickness, numbered along the table, in blocks of acquisitions."""
    datasets = slices_of(ct, SliceThickness="20")
    for index, dataset in enumerate(datasets):
        dataset.AcquisitionNumber, dataset.AcquisitionTime = index // 4, f"1015{index:02}"
    save(datasets, tmp_path)
    assert np.array_equal(read_scan(tmp_path).volume.array, ct.array) and codes(tmp_path) == []


def _private(dataset: Dataset, number: int) -> None:
    dataset.private_block(0x0029, "SOMEONE 1.0", create=True).add_new(0x01, "LO", f"phase {number}")


PHASES: dict[str, Callable[[Dataset, int], object]] = {
    "cardiac": lambda dataset, number: setattr(dataset, "NominalPercentageOfCardiacPhase", 40.0 + 10 * number),
    "trigger": lambda dataset, number: setattr(dataset, "TriggerTime", str(100 * number)),
    "delay": lambda dataset, number: dataset.add_new("NominalCardiacTriggerDelayTime", "FD", 50.0 * number),
    "respiratory": lambda dataset, number: dataset.add_new("NominalPercentageOfRespiratoryPhase", "FL", 10.0 * number),
    "position": lambda dataset, number: dataset.add_new("TemporalPositionIndex", "UL", number + 1),
    "identifier": lambda dataset, number: setattr(dataset, "TemporalPositionIdentifier", number + 1),
    "stack": lambda dataset, number: dataset.add_new("StackID", "SH", f"stack{number}"),
    "time": lambda dataset, number: setattr(dataset, "AcquisitionTime", f"10150{number}"),
    "content": lambda dataset, number: setattr(dataset, "ContentTime", f"10150{number}.25"),
    "comment": lambda dataset, number: setattr(dataset, "ImageComments", f"{number}0 %"),
    "energy": lambda dataset, number: setattr(dataset, "KVP", str(80 + 60 * number)),
    "description": lambda dataset, number: setattr(dataset, "SeriesDescription", f"Thorax {number}"),
    "protocol": lambda dataset, number: setattr(dataset, "ProtocolName", f"{number}"),
    "private": _private,
}


@pytest.mark.parametrize("phase", PHASES)
def test_phases_are_told_apart_by_every_tag_that_tells(phase: str, ct: Volume, tmp_path: Path) -> None:
    """They were mixed by file name: HU off by 25 where the heart beats."""
    other = chest(2)
    scans = [slices_of(ct, InstanceNumber=1), slices_of(other, InstanceNumber=1)]
    for number, scan in enumerate(scans):
        for dataset in scan:
            PHASES[phase](dataset, number)
    mixed = in_one_series(*scans)
    order = np.random.default_rng(0).permutation(len(mixed))
    assert_both(save((mixed[index] for index in order), tmp_path), ct, other)


def test_phases_whose_times_all_differ_are_told_apart_in_their_order(ct: Volume, tmp_path: Path) -> None:
    other = chest(2)
    scans = [slices_of(ct, InstanceNumber=None), slices_of(other, InstanceNumber=None)]
    for second, dataset in enumerate([*scans[0], *scans[1]]):
        dataset.AcquisitionTime = f"1015{second:02}"
    assert_both(save(in_one_series(*scans)[::-1], tmp_path), ct, other)


def test_what_nothing_tells_apart_is_refused(ct: Volume, tmp_path: Path) -> None:
    """Protects from two breaths mixed by chance."""
    scans = [slices_of(ct, InstanceNumber=1), slices_of(chest(2), InstanceNumber=1)]
    refused(save(in_one_series(*scans), tmp_path), "2 images at each position", "Export each scan")


# One scan in several UIDs; several patients


def test_slices_with_a_series_uid_each_are_one_scan(ct: Volume, tmp_path: Path) -> None:
    """1 of 80 was segmented, and 7 kB of UIDs were printed."""
    datasets = slices_of(ct)
    for dataset in datasets:
        dataset.SeriesInstanceUID = generate_uid()
    scan = read_scan(save(datasets, tmp_path))
    assert np.array_equal(scan.volume.array, ct.array)
    assert [finding.code for finding in scan.findings] == ["joined-series"]


def test_many_series_are_counted_and_not_all_listed(tmp_path: Path) -> None:
    for number in range(12):
        save(slices_of(chest(slices=4), SeriesInstanceUID=f"1.{number}"), tmp_path / str(number))
    (finding,) = read_scan(tmp_path).findings
    assert finding.code == "several-series" and "and 6 more" in finding.message and len(finding.message) < 500


def test_a_folder_of_several_patients_is_said(ct: Volume, tmp_path: Path) -> None:
    save(slices_of(ct, PatientID="A", SeriesInstanceUID="1.1"), tmp_path / "a")
    save(slices_of(chest(2), PatientID="B", SeriesInstanceUID="1.2"), tmp_path / "b")
    scan = read_scan(tmp_path)
    assert [finding.code for finding in scan.findings] == ["several-patients", "several-series"]
    assert "2 patients" in scan.findings[0].message and "separately" in scan.findings[0].message
