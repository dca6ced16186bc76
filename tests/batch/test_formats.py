"""A batch segments a scan once that lies in several formats, such as DICOM beside a NIfTI file made of it."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk
from batch_results import Command, plan_of, rows_of
from dicom_files import enhanced, save, slices_of

from LungUNetSegLib.batch import conversions
from LungUNetSegLib.batch.candidates import sampled_numbers
from LungUNetSegLib.batch.identity import jobs_of
from LungUNetSegLib.batch.jobs import BatchSettings
from LungUNetSegLib.batch.plan import Plan
from LungUNetSegLib.batch.rules import parse_rule
from LungUNetSegLib.io import write_image
from LungUNetSegLib.volume.geometry import Geometry
from LungUNetSegLib.volume.resample import to_sitk
from LungUNetSegLib.volume.volume import Volume


@pytest.fixture
def top(thin: Volume, tmp_path: Path) -> Path:
    """A source with one DICOM series, `ct`."""
    save(slices_of(thin, SeriesDescription="Chest"), tmp_path / "source" / "ct")
    return tmp_path / "source"


def taken(plan: Plan) -> list[str]:
    return [Path(each.scan.place).name for each in plan.taken]


def reasons(plan: Plan) -> dict[str, str]:
    return {Path(each.place).name: each.why for each in plan.skipped}


def changed(volume: Volume, number: int) -> Volume:
    """The volume with another value in the middle of one slice."""
    array = volume.array.copy()
    array[number, 24, 28] += 1
    return Volume(array, volume.geometry)


def written_by_itk(volume: Volume, path: Path, orientation: str = "LPS") -> None:
    sitk.WriteImage(sitk.DICOMOrient(to_sitk(volume), orientation), str(path))


def written_with_a_scale(volume: Volume, path: Path) -> None:
    """As dcm2niix writes a CT: the stored values, and an intercept of -1024 in the header."""
    affine = np.diag([-6.0, -6.0, 10.0, 1.0])
    affine[:3, 3] = 165.0, 141.0, -60.0
    content = bytearray(nibabel.Nifti1Image((volume.array + 1024).T.astype(np.int16), affine).to_bytes())
    content[112:120] = np.array([1.0, -1024.0], "<f4").tobytes()  # scl_slope and scl_inter, which nibabel leaves out
    path.write_bytes(content)


@pytest.mark.parametrize("name", ["scan.nii.gz", "scan.nii", "scan.nrrd", "scan.mha", "scan.mhd"])
@pytest.mark.parametrize("series", ["best", "all"])
def test_a_file_made_of_a_series_is_said_and_not_segmented(top: Path, thin: Volume, name: str, series: str) -> None:
    """It was segmented again, without the header's facts, and counted as another scan."""
    written_by_itk(thin, top / name)
    plan = plan_of(top, series=series)
    assert taken(plan) == ["ct"]
    assert reasons(plan) == {name: f"a copy in another format of {top / 'ct'} (Chest)"}


@pytest.mark.parametrize("orientation", ["RAS", "LPI", "PIR"])
def test_a_file_with_other_axes_is_one_too(top: Path, thin: Volume, orientation: str) -> None:
    written_by_itk(thin, top / "scan.nii.gz", orientation)
    assert taken(plan_of(top)) == ["ct"]


def test_a_series_whose_rows_run_the_other_way_has_copies_too(thin: Volume, tmp_path: Path) -> None:
    """A patient who lies on the belly: its slices are stacked from head to feet."""
    flipped = Volume(thin.array[::-1, ::-1], thin.geometry.reordered((0, 1, 2), (True, True, False)))
    save(slices_of(flipped), tmp_path / "ct")
    write_image(tmp_path / "scan.nii.gz", thin)
    assert taken(plan_of(tmp_path)) == ["ct"]


def test_scaled_values_are_compared_as_hu(top: Path, thin: Volume) -> None:
    written_with_a_scale(thin, top / "scan.nii")
    assert taken(plan_of(top)) == ["ct"]


def test_frames_of_one_file_are_compared_too(thin: Volume, tmp_path: Path) -> None:
    save([enhanced(thin)], tmp_path / "ct")
    write_image(tmp_path / "scan.nii.gz", thin)
    assert taken(plan_of(tmp_path)) == ["ct"]


@pytest.mark.parametrize("packed", [["ct"], ["scan.nii.gz"], ["ct", "scan.nii.gz"]])
def test_archives_hold_copies_too(top: Path, thin: Volume, packed: Sequence[str]) -> None:
    write_image(top / "scan.nii.gz", thin)
    with zipfile.ZipFile(top / "old.zip", "w") as archive:
        for name in packed:
            for path in sorted([*(top / name).glob("*")] or [top / name]):
                archive.write(path, path.relative_to(top))
                path.unlink()
    assert taken(plan_of(top)) == ["ct"]


def cropped(volume: Volume) -> Volume:
    return Volume(volume.array[:-1], Geometry((12, *volume.array.shape[1:]), volume.geometry.affine_lps))


def placed(volume: Volume, *, at_mm: float = -60.0, step_mm: float = 10.0) -> Volume:
    """The volume with its lowest slice and its slices' distance at other places."""
    affine = volume.geometry.affine_lps.copy()
    affine[2, 0], affine[2, 3] = step_mm, at_mm
    return Volume(volume.array, Geometry(volume.array.shape, affine))


def moved(volume: Volume) -> Volume:
    return placed(volume, at_mm=-59.5)


def stretched(volume: Volume) -> Volume:
    return placed(volume, step_mm=10.05)


@pytest.mark.parametrize(("at_mm", "step_mm"), [(-60.0, 10.009), (-60.108, 10.009), (-60.05, 10.0)])
def test_slices_may_lie_a_rounding_farther_apart(top: Path, thin: Volume, at_mm: float, step_mm: float) -> None:
    """dcm2niix measured 0.67 mm where slices 0.66677 mm apart have positions with two digits: 0.5 mm over 150 slices.

    The first slice or, of a file that was turned, the last one lies where it was.
    """
    write_image(top / "scan.nii.gz", placed(thin, at_mm=at_mm, step_mm=step_mm))
    assert taken(plan_of(top)) == ["ct"]


@pytest.mark.parametrize(
    "make", [cropped, moved, stretched, *(lambda volume, at=at: changed(volume, at) for at in (0, 6, 12))]
)
def test_another_scan_is_segmented_too(top: Path, thin: Volume, make: Callable[[Volume], Volume]) -> None:
    """Protects from leaving out a crop, another place, or other values such as a phase's, on the same grid."""
    write_image(top / "scan.nii.gz", make(thin))
    plan = plan_of(top)
    assert taken(plan) == ["ct", "scan.nii.gz"] and not plan.skipped


def test_of_two_kernels_in_two_formats_each_series_counts_once(thin: Volume, tmp_path: Path) -> None:
    """A file of the sharp series, which is not the best of its study, is no further scan either."""
    sharp = Volume(thin.array + np.int16(3), thin.geometry)
    for number, (name, volume, kernel) in enumerate((("soft", thin, "B30f"), ("sharp", sharp, "B70f"))):
        own = {"SeriesInstanceUID": f"1.2.{number}", "StudyInstanceUID": "1.2", "FrameOfReferenceUID": "1.3"}
        datasets = slices_of(volume, SeriesDescription=name, ConvolutionKernel=kernel, **own)
        for index, dataset in enumerate(datasets):
            dataset.SOPInstanceUID = f"1.2.{number}.{index}"
        save(datasets, tmp_path / name)
        write_image(tmp_path / f"{name}.nii.gz", volume)
    every, best = plan_of(tmp_path, series="all"), plan_of(tmp_path)
    assert taken(every) == ["sharp", "soft"] and taken(best) == ["soft"]
    copies = {f"{name}.nii.gz": f"a copy in another format of {tmp_path / name} ({name})" for name in ("sharp", "soft")}
    assert reasons(every) == copies
    assert reasons(best) == copies | {"sharp": "another reconstruction (kernel B70f) of soft (13 slices of 10 mm)"}


def test_of_image_files_the_first_is_taken(thin: Volume, tmp_path: Path) -> None:
    """NIfTI beside NRRD; a packed copy of the first is a copy as before."""
    for name in ("a.nii", "a.nii.gz", "a.nrrd"):
        write_image(tmp_path / name, thin)
    plan = plan_of(tmp_path)
    assert taken(plan) == ["a.nii"]
    first = tmp_path / "a.nii"
    assert reasons(plan) == {"a.nii.gz": f"a copy of {first}", "a.nrrd": f"a copy in another format of {first}"}


def test_two_files_of_one_format_are_compared_by_their_content_only(thin: Volume, tmp_path: Path) -> None:
    """Protects a scan that somebody changed between the slices that are compared."""
    write_image(tmp_path / "a.nii.gz", thin)
    write_image(tmp_path / "b.nii.gz", changed(thin, 2))
    assert taken(plan_of(tmp_path)) == ["a.nii.gz", "b.nii.gz"]


def test_each_row_of_a_list_is_taken_and_a_folder_s_scan_once(top: Path, thin: Volume, tmp_path: Path) -> None:
    write_image(top / "scan.nii.gz", thin)
    (tmp_path / "list.csv").write_text("path,id\nsource/ct,first\nsource/scan.nii.gz,second\n")
    plan = plan_of(tmp_path / "list.csv")
    assert [each.name for each in plan.taken] == ["first", "second"] and not plan.skipped
    (tmp_path / "list.csv").write_text("path,id\nsource,only\n")
    plan = plan_of(tmp_path / "list.csv")
    assert [(each.name, Path(each.scan.place).name) for each in plan.taken] == [("only", "ct")]
    assert list(reasons(plan)) == ["scan.nii.gz"]


def test_a_rule_that_leaves_out_the_series_takes_its_file(top: Path, thin: Volume) -> None:
    write_image(top / "scan.nii.gz", thin)
    assert taken(plan_of(top, exclude=(parse_rule("path=ct$"),))) == ["scan.nii.gz"]


@pytest.mark.parametrize("broken", ["ct/0006.dcm", "scan.nii.gz"])
def test_a_scan_that_cannot_be_read_breaks_no_plan(top: Path, thin: Volume, broken: str) -> None:
    """It is a failed scan of its own."""
    write_image(top / "scan.nii.gz", thin)
    whole = (top / broken).read_bytes()
    (top / broken).write_bytes(whole[: len(whole) - 200])
    assert taken(plan_of(top)) == ["ct", "scan.nii.gz"]


def test_a_second_plan_reads_no_voxel(top: Path, thin: Volume, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Protects the seconds of planning again."""
    write_image(top / "scan.nii.gz", thin)
    first = plan_of(top, tmp_path / "index")
    monkeypatch.setattr(conversions, "_slices_hash", lambda scan: pytest.fail(scan.title))
    assert plan_of(top, tmp_path / "index") == first and len(first.taken) == 1


def test_scans_of_one_format_are_not_read(top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Protects the plan of an archive: no pixel of it is looked at."""
    monkeypatch.setattr(conversions, "_slices_hash", lambda scan: pytest.fail(scan.title))
    assert taken(plan_of(top)) == ["ct"]


@pytest.mark.parametrize(
    ("count", "numbers"),
    [(1, [0]), (2, [0, 1]), (13, [0, 1, 3, 4, 6, 8, 9, 11, 12]), (261, [0, 32, 65, 97, 130, 163, 195, 228, 260])],
)
def test_slices_that_are_compared_are_the_same_from_either_end(count: int, numbers: list[int]) -> None:
    """Protects copies that were turned from head to feet."""
    assert sampled_numbers(count) == numbers == [count - 1 - each for each in reversed(numbers)]


def test_a_file_is_not_opened_with_its_series(top: Path, thin: Volume) -> None:
    """It is no DICOM: neither the reader nor a cluster's worker gets it."""
    written_by_itk(thin, top / "scan.mhd")
    (job,) = jobs_of(plan_of(top), BatchSettings(output=top))
    assert [each.path.name for each in job.copies] == ["scan.mhd"] and job.opened == job.files


def test_a_series_that_comes_later_takes_the_place_of_its_file(batch: Command, thin: Volume, tmp_path: Path) -> None:
    """Protects the table from a scan's second row; lungs are computed again, now with the header's facts."""
    (tmp_path / "source").mkdir()
    write_image(tmp_path / "source" / "scan.nii.gz", thin)
    batch(tmp_path / "source")
    save(slices_of(thin, SeriesDescription="Chest"), tmp_path / "source" / "ct")
    code, stdout, _ = batch(tmp_path / "source")
    assert code == 0 and "1 of 1 scans done" in stdout
    (row,) = rows_of(tmp_path / "out")
    assert row["path"] == str(tmp_path / "source" / "ct")
