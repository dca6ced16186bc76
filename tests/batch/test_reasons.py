"""A plan's reasons are true: what is a reconstruction, what another scan, which archive was not searched."""

from __future__ import annotations

import tarfile
import zipfile
from pathlib import Path

import pytest
from batch_results import plan_of
from dicom_files import save, slices_of

from LungUNetSegLib.volume.volume import Volume


def series(volume: Volume, folder: Path, number: int, title: str, **attributes: object) -> None:
    """A series of one study and one frame of reference."""
    own = {"SeriesInstanceUID": f"1.2.{number}", "StudyInstanceUID": "1.2", "FrameOfReferenceUID": "1.3"}
    datasets = slices_of(volume, **own, SeriesNumber=number, SeriesDescription=title, **attributes)
    for index, dataset in enumerate(datasets):
        dataset.SOPInstanceUID = f"1.2.{number}.{index}"
    save(datasets, folder / str(number))


@pytest.mark.parametrize(
    ("first", "second", "why"),
    [
        ({"AcquisitionTime": "100000"}, {"AcquisitionTime": "100040.5"}, "acquisition time"),
        ({"ContrastBolusAgent": "A"}, {"ContrastBolusAgent": "B"}, "contrast agent"),
        ({"NominalPercentageOfRespiratoryPhase": 0}, {"NominalPercentageOfRespiratoryPhase": 50}, "respiratory phase"),
    ],
)
def test_another_scan_is_not_called_a_reconstruction(
    thin: Volume, tmp_path: Path, first: dict[str, object], second: dict[str, object], why: str
) -> None:
    """Protects a trial from leaving out a phase as if it were the same breath once more."""
    series(thin, tmp_path, 1, "Thorax", **first)
    series(thin, tmp_path, 2, "Thorax 2", **second)
    (left,) = plan_of(tmp_path).skipped
    assert left.why == f"another scan of the region of Thorax (13 slices of 10 mm), by its {why}"


def test_a_reconstruction_of_the_same_second_is_one(thin: Volume, tmp_path: Path) -> None:
    """Its times differ a little where it begins at another slice; a time that is none says nothing."""
    series(thin, tmp_path, 1, "Thorax", AcquisitionTime="095959.9")
    series(thin, tmp_path, 2, "Thorax lung", AcquisitionTime="100001.1", ConvolutionKernel=["I70f", "3"])
    series(thin, tmp_path, 3, "Thorax 3", AcquisitionTime="")
    assert [left.why for left in plan_of(tmp_path).skipped] == [
        "another reconstruction of Thorax (13 slices of 10 mm)",
        "another reconstruction (kernel I70f/3) of Thorax (13 slices of 10 mm)",
    ]


def test_expiration_is_left_out(thin: Volume, tmp_path: Path) -> None:
    """Protects volumes and density: the lower series number decided, and half of a patient's air was gone."""
    series(thin, tmp_path, 1, "Thorax EXP")
    series(thin, tmp_path, 2, "Thorax INSP")
    plan = plan_of(tmp_path)
    assert [each.scan.title for each in plan.taken] == ["Thorax INSP"]
    assert plan.skipped[0].why == "another scan of the region of Thorax INSP (13 slices of 10 mm), by its breathing"


def test_an_archive_that_is_not_searched_is_named(thin: Volume, tmp_path: Path) -> None:
    """Protects from patients that are missing among "files that are not DICOM"."""
    save(slices_of(thin)[:1], tmp_path / "ct")
    with tarfile.open(tmp_path / "other.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "ct")
    with zipfile.ZipFile(tmp_path / "inner.zip", "w") as inner:
        inner.write(tmp_path / "ct" / "0000.dcm", "0000.dcm")
    with zipfile.ZipFile(tmp_path / "outer.zip", "w") as outer:
        outer.write(tmp_path / "inner.zip", "inner.zip")
    (tmp_path / "inner.zip").unlink()
    reasons = {Path(each.place).name: each.why for each in plan_of(tmp_path).skipped}
    assert reasons["outer.zip"] == "zip archives, which are not searched: unpack them (1)"
    assert reasons[tmp_path.name] == "compressed files, which are not searched: unpack them (1)"
