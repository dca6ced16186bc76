"""Of many series the chest CT is found; what lies in one UID but is not one scan is told apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from dicom_files import save, slices_of
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from LungUNetSegLib.errors import ReadError
from LungUNetSegLib.io import list_series, read_scan
from LungUNetSegLib.phantom import make_phantom
from LungUNetSegLib.volume import Geometry, Volume


def chest(slices: int = 13, step_mm: float = 20.0, low_mm: float = -120.0, seed: int = 1) -> Volume:
    geometry = Geometry.axial((slices, 24, 28), (step_mm, 12.0, 12.0), (-165.0, -141.0, low_mm))
    return make_phantom(geometry, rng=seed).ct


@pytest.fixture(scope="module")
def ct() -> Volume:
    return chest()


def with_new_uids(datasets: list[Dataset], **attributes: object) -> list[Dataset]:
    """The slices as other objects of the same series."""
    for dataset in datasets:
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        for keyword, value in attributes.items():
            setattr(dataset, keyword, value)
    return datasets


def uids(folder: Path) -> list[str]:
    return [each.uid for each in list_series(folder)]


def test_the_axial_chest_series_is_chosen_and_the_others_are_named(ct: Volume, tmp_path: Path) -> None:
    sagittal = Geometry(ct.geometry.shape, ct.geometry.affine_lps[:, [2, 0, 1, 3]])
    series = {
        "head": slices_of(chest(16), SeriesInstanceUID="1.1", SeriesDescription="Head 5.0", SeriesNumber=1),
        "chest": slices_of(ct, SeriesInstanceUID="1.2", SeriesDescription="Thorax 2.0", SeriesNumber=2),
        "reformat": slices_of(
            chest(14), SeriesInstanceUID="1.3", SeriesDescription="Thorax MPR", ImageType=["DERIVED", "PRIMARY", "MPR"]
        ),
        "sagittal": slices_of(Volume(ct.array, sagittal), SeriesInstanceUID="1.4", SeriesDescription="Thorax sag"),
        "stub": slices_of(chest(3), SeriesInstanceUID="1.5", SeriesDescription="Thorax bolus"),
        "scout": slices_of(chest(20), SeriesInstanceUID="1.6", ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"]),
    }
    for name, datasets in series.items():
        save(datasets, tmp_path / name)
    scan = read_scan(tmp_path)
    assert scan.series_uid == "1.2"
    assert np.array_equal(scan.volume.array, ct.array)
    assert [finding.code for finding in scan.findings] == ["several-series"]
    for words in ("5 CT series", "Thorax 2.0 (13 slices, 1.2) was taken", "Thorax MPR (14 slices, 1.3)"):
        assert words in scan.findings[0].message
    assert "1.6" not in uids(tmp_path), "a localizer is no candidate"


def test_the_better_of_two_like_series_has_more_slices(tmp_path: Path) -> None:
    save(slices_of(chest(13, 20.0), SeriesInstanceUID="1.1"), tmp_path / "thick")
    save(slices_of(chest(25, 10.0), SeriesInstanceUID="1.2"), tmp_path / "thin")
    assert uids(tmp_path) == ["1.2", "1.1"]


@pytest.mark.parametrize(
    ("first", "second", "chosen"),
    [("LUNG", "STANDARD", "1.2"), ("STANDARD", "LUNG", "1.1"), ("XYZ", "STANDARD", "1.1"), ("LUNG", "XYZ", "1.2")],
)
def test_of_equal_reconstructions_the_one_without_a_sharp_kernel_is_chosen(
    ct: Volume, tmp_path: Path, first: str, second: str, chosen: str
) -> None:
    """Protects density: LAA-950 of one breath is 0.1 % in a soft kernel and 13 % in a sharp one (docs/measures.md).

    Nothing is held against an unknown kernel; then the lower series number decides.
    """
    for number, kernel in ((1, first), (2, second)):
        own = {"SeriesInstanceUID": f"1.{number}", "SeriesNumber": number, "ConvolutionKernel": kernel}
        save(slices_of(ct, **own), tmp_path / str(number))
    assert read_scan(tmp_path).series_uid == chosen


def test_more_slices_outweigh_a_sharp_kernel(tmp_path: Path) -> None:
    save(slices_of(chest(13, 20.0), SeriesInstanceUID="1.1", ConvolutionKernel="STANDARD"), tmp_path / "thick")
    save(slices_of(chest(25, 10.0), SeriesInstanceUID="1.2", ConvolutionKernel="LUNG"), tmp_path / "thin")
    assert uids(tmp_path) == ["1.2", "1.1"]


def test_inspiration_outweighs_more_slices(tmp_path: Path) -> None:
    """Protects volumes: breathing out halves them, and thick slices change them by a hundredth."""
    save(slices_of(chest(25, 10.0), SeriesInstanceUID="1.1", SeriesDescription="Chest exp"), tmp_path / "thin")
    save(slices_of(chest(13, 20.0), SeriesInstanceUID="1.2", SeriesDescription="Chest insp"), tmp_path / "thick")
    assert uids(tmp_path) == ["1.2", "1.1"]


def test_a_series_is_chosen_by_its_uid(ct: Volume, tmp_path: Path) -> None:
    save(slices_of(ct, SeriesInstanceUID="1.1", SeriesDescription="Thorax"), tmp_path / "a")
    save(slices_of(chest(9), SeriesInstanceUID="1.2", SeriesDescription="Other"), tmp_path / "b")
    scan = read_scan(tmp_path, "1.2")
    assert scan.volume.array.shape[0] == 9
    assert scan.findings == ()
    with pytest.raises(ReadError, match=r"no CT series 9\.9\. There are: 1\.1 \(Thorax\); 1\.2 \(Other\)"):
        read_scan(tmp_path, "9.9")


def test_summaries_tell_size_and_spacing(ct: Volume, tmp_path: Path) -> None:
    (summary,) = list_series(save(slices_of(ct, SeriesInstanceUID="1.1"), tmp_path))
    assert (summary.uid, summary.description, summary.slices) == ("1.1", "Phantom", 13)
    assert (summary.rows, summary.columns, summary.is_axial) == (24, 28, True)
    assert summary.spacing_mm == pytest.approx((20.0, 12.0, 12.0))


@pytest.mark.parametrize(
    "difference",
    [{"AcquisitionNumber": 2}, {"ConvolutionKernel": "B70f"}, {"ImageType": ["DERIVED", "PRIMARY", "AXIAL"]}, {}],
)
def test_two_scans_of_one_place_in_one_uid_are_told_apart(difference: dict, ct: Volume, tmp_path: Path) -> None:
    """By acquisition, kernel or image type; without any difference by turns, in the order of the numbers."""
    other = chest(seed=2)
    save(slices_of(ct, SeriesInstanceUID="1.1"), tmp_path / "a")
    second = with_new_uids(slices_of(other, SeriesInstanceUID="1.1"), **difference)
    for number, dataset in enumerate(second, 100):
        dataset.InstanceNumber = number
    save(second, tmp_path / "b")
    assert uids(tmp_path) == ["1.1", "1.1#2"]
    scans = [read_scan(tmp_path, uid) for uid in uids(tmp_path)]
    assert {scan.volume.array.tobytes() for scan in scans} == {ct.array.tobytes(), other.array.tobytes()}
    assert all(scan.findings == () for scan in scans)


def test_sizes_and_orientations_in_one_uid_are_told_apart(ct: Volume, tmp_path: Path) -> None:
    save(slices_of(ct, SeriesInstanceUID="1.1"), tmp_path / "a")
    smaller = Volume(ct.array[:5, :20, :20], Geometry((5, 20, 20), ct.geometry.affine_lps))
    save(with_new_uids(slices_of(smaller, SeriesInstanceUID="1.1")), tmp_path / "b")
    scan = read_scan(tmp_path)
    assert np.array_equal(scan.volume.array, ct.array)
    assert uids(tmp_path) == ["1.1", "1.1#2"]


def test_acquisitions_that_follow_each_other_are_one_scan(ct: Volume, tmp_path: Path) -> None:
    """A scanner that counts each turn as an acquisition, or a scan in two breaths, still shows one chest."""
    datasets = slices_of(ct)
    for index, dataset in enumerate(datasets):
        dataset.AcquisitionNumber = index // 4 + 1
    twice = with_new_uids(slices_of(ct)[8:9], AcquisitionNumber=2, InstanceNumber=99)  # two blocks share a place
    scan = read_scan(save([*datasets, *twice], tmp_path))
    assert np.array_equal(scan.volume.array, ct.array)
    assert [finding.code for finding in scan.findings] == ["duplicate-slices"]


def test_overlapping_acquisitions_of_other_spacing_are_told_apart(tmp_path: Path) -> None:
    coarse, fine = chest(10, 20.0, -100.0), chest(17, 13.0, -110.0)
    save(slices_of(coarse, SeriesInstanceUID="1.1"), tmp_path / "a")
    save(with_new_uids(slices_of(fine, SeriesInstanceUID="1.1"), AcquisitionNumber=2), tmp_path / "b")
    scan = read_scan(tmp_path)
    assert np.array_equal(scan.volume.array, fine.array)
    assert uids(tmp_path) == ["1.1", "1.1#2"]


@pytest.mark.parametrize("shift_mm", [1.0, 10.0, 13.0])
@pytest.mark.parametrize("folders", [True, False])
def test_two_scans_between_each_other_that_only_their_numbers_tell(
    shift_mm: float, folders: bool, ct: Volume, tmp_path: Path
) -> None:
    """After an anonymiser that gave two dates the same identifiers and took the times, one lay in the other's gaps."""
    other = chest(low_mm=-120.0 + shift_mm, seed=2)
    one, two = (with_new_uids(slices_of(each), SeriesInstanceUID="1.2", StudyInstanceUID="1") for each in (ct, other))
    save(one, tmp_path / "a", "one{}.dcm".format)
    save(two, tmp_path / ("b" if folders else "a"), "two{}.dcm".format)
    assert uids(tmp_path) == ["1.2", "1.2#2"]
    for uid, volume in (("1.2", ct), ("1.2#2", other)):
        assert np.array_equal(read_scan(tmp_path, uid).volume.array, volume.array)


def test_two_scans_of_thin_slices_between_each_other(ct: Volume, tmp_path: Path) -> None:
    """High-resolution CT has gaps of 10 mm and more; each folder numbers its own slices from 1."""
    for name, volume in (("a", ct), ("b", chest(low_mm=-110.0, seed=2))):
        thin = slices_of(volume, SliceThickness="1")
        save(with_new_uids(thin, SeriesInstanceUID="1.2", StudyInstanceUID="1"), tmp_path / name)
    assert uids(tmp_path) == ["1.2", "1.2#2"]


def test_one_scan_in_many_folders(ct: Volume, tmp_path: Path) -> None:
    """Archives spread the images of a series over folders; also where one is missing, they are one scan."""
    datasets = slices_of(ct)
    for missing in (None, 5):
        place = tmp_path / f"without {missing}"
        for index, dataset in enumerate(datasets):
            if index != missing:
                save([dataset], place / f"{index * 7 % 5}", lambda _, index=index: f"{index}.dcm")
        assert len(list_series(place)) == 1


def test_a_scan_of_two_turns_that_are_numbered_alike(ct: Volume, tmp_path: Path) -> None:
    """Parts that follow each other are one scan, whatever their numbers."""
    datasets = slices_of(ct)[:12]
    for index, dataset in enumerate(datasets):
        dataset.InstanceNumber = 1 + index % 6
    assert len(list_series(save(datasets, tmp_path))) == 1
