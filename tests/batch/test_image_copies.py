"""A batch takes an image file once and says which others are copies of it, whatever their names; and only these."""

from __future__ import annotations

import gzip
import shutil
import zipfile
from pathlib import Path

import pytest
import SimpleITK as sitk
from batch_results import Command, check_no_second_result, plan_of

from LungUNetSegLib.batch import image_copies
from LungUNetSegLib.batch.candidates import Candidate
from LungUNetSegLib.batch.identity import jobs_of
from LungUNetSegLib.batch.jobs import BatchSettings
from LungUNetSegLib.batch.plan import Plan, Skipped
from LungUNetSegLib.batch.rules import parse_rule
from LungUNetSegLib.io import write_image
from LungUNetSegLib.volume.volume import Volume


@pytest.fixture
def top(thin: Volume, tmp_path: Path) -> Path:
    """A source with one image file, `m.nii.gz`."""
    (tmp_path / "source").mkdir()
    write_image(tmp_path / "source" / "m.nii.gz", thin)
    return tmp_path / "source"


def taken(plan: Plan) -> list[str]:
    return [Path(each.scan.place).name for each in plan.taken]


def with_last_voxel(volume: Volume, value: int) -> Volume:
    array = volume.array.copy()
    array[-1, -1, -1] = value
    return Volume(array, volume.geometry)


@pytest.mark.parametrize("series", ["best", "all"])
def test_a_copy_under_another_name_is_said_and_not_segmented(top: Path, series: str) -> None:
    """It was segmented again, and counted as another scan. A link to a file is a copy too."""
    (top / "deep").mkdir()
    shutil.copy(top / "m.nii.gz", top / "deep" / "z.nii.gz")
    (top / "n.nii.gz").symlink_to(top / "m.nii.gz")
    plan = plan_of(top, series=series)
    original = str(top / "deep" / "z.nii.gz")
    copies = [top / "m.nii.gz", top / "n.nii.gz"]
    assert taken(plan) == ["z.nii.gz"]
    assert plan.skipped == tuple(Skipped(str(each), each.name, f"a copy of {original}") for each in copies)


def test_an_unpacked_file_beside_its_archive_is_a_copy(top: Path) -> None:
    (top / "m.nii").write_bytes(gzip.decompress((top / "m.nii.gz").read_bytes()))
    plan = plan_of(top)
    assert taken(plan) == ["m.nii"]
    assert [each.why for each in plan.skipped] == [f"a copy of {top / 'm.nii'}"]


def test_a_copy_in_a_zip_archive_is_one_too(top: Path) -> None:
    with zipfile.ZipFile(top / "old.zip", "w") as archive:
        archive.write(top / "m.nii.gz", "case/other.nii.gz")
    plan = plan_of(top)
    assert taken(plan) == ["m.nii.gz"]
    assert [each.place for each in plan.skipped] == [f"{top / 'old.zip'}!/case/other.nii.gz"]


@pytest.mark.parametrize("start_bytes", [400, 1 << 20])
def test_scans_that_differ_in_one_voxel_are_two(
    thin: Volume, top: Path, start_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Protects from leaving a scan out, also where the beginning of the file does not show the difference."""
    monkeypatch.setattr(image_copies, "START_BYTES", start_bytes)
    write_image(top / "n.nii.gz", with_last_voxel(thin, 77))
    plan = plan_of(top)
    assert taken(plan) == ["m.nii.gz", "n.nii.gz"] and not plan.skipped


def test_damaged_files_are_no_copies_of_each_other(top: Path) -> None:
    """Each is a failed scan of its own."""
    content = (top / "m.nii.gz").read_bytes()
    for name in ("a.nii.gz", "b.nii.gz"):
        (top / name).write_bytes(content[:-20])
    assert taken(plan_of(top)) == ["a.nii.gz", "b.nii.gz", "m.nii.gz"]


def test_a_rule_that_leaves_out_the_original_takes_its_copy(top: Path) -> None:
    shutil.copy(top / "m.nii.gz", top / "z.nii.gz")
    plan = plan_of(top, exclude=(parse_rule(r"path=m\.nii"),))
    assert taken(plan) == ["z.nii.gz"]


def test_each_row_of_a_list_is_taken_also_if_it_names_a_copy(top: Path, tmp_path: Path) -> None:
    """Protects who asks for a scan by name, and a CT of the panel's scene beside its clone: both get lungs."""
    shutil.copy(top / "m.nii.gz", top / "z.nii.gz")
    (tmp_path / "list.csv").write_text("path,id\nsource/m.nii.gz,first\nsource/z.nii.gz,second\n")
    plan = plan_of(tmp_path / "list.csv")
    assert [each.name for each in plan.taken] == ["first", "second"] and not plan.skipped


def test_a_second_plan_reads_no_content(top: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Protects the seconds of planning again; a file that changed is looked at again."""
    shutil.copy(top / "m.nii.gz", top / "z.nii.gz")
    first = plan_of(top, tmp_path / "index")
    opened: list[str] = []
    read = image_copies._content_hash

    def noted(scan: Candidate, most: int | None) -> str:
        opened.append(scan.title)
        return read(scan, most)

    monkeypatch.setattr(image_copies, "_content_hash", noted)
    assert plan_of(top, tmp_path / "index") == first and not opened
    (top / "z.nii.gz").write_bytes((top / "m.nii.gz").read_bytes())
    plan_of(top, tmp_path / "index")
    assert set(opened) == {"z.nii.gz"}


def test_copies_are_not_sent_to_a_cluster(top: Path) -> None:
    """They were compared already."""
    shutil.copy(top / "m.nii.gz", top / "z.nii.gz")
    (job,) = jobs_of(plan_of(top), BatchSettings(output=top))
    assert [each.path.name for each in job.copies] == ["z.nii.gz"]
    assert [each.path.name for each in job.opened] == ["m.nii.gz"]


def test_a_copy_that_comes_later_gives_no_second_result(batch: Command, top: Path) -> None:
    """Protects the table from a scan's second row: the copy comes before the original, and gives the scan its place."""
    check_no_second_result(batch, top, lambda: shutil.copy(top / "m.nii.gz", top / "a copy.nii.gz"))


def test_equal_headers_with_other_voxels_are_two_scans(thin: Volume, tmp_path: Path) -> None:
    """Protects from leaving a patient out: a header alone says nothing of the voxels that it names, slice by slice."""
    names = [f"slice{number}.raw" for number in range(len(thin.array))]
    for patient, volume in (("a", thin), ("b", with_last_voxel(thin, 77))):
        header = tmp_path / patient / "scan.mhd"
        header.parent.mkdir()
        sitk.WriteImage(sitk.GetImageFromArray(volume.array), str(header))
        header.write_text(header.read_text().replace("scan.raw", "\n".join(["LIST", *names])))
        header.with_suffix(".raw").unlink()
        for name, plane in zip(names, volume.array, strict=True):
            (header.parent / name).write_bytes(plane.tobytes())
    plan = plan_of(tmp_path)
    assert [str(Path(each.scan.place).relative_to(tmp_path)) for each in plan.taken] == ["a/scan.mhd", "b/scan.mhd"]
    assert not plan.skipped
    assert len(plan.taken[0].scan.files) == 1 + len(names)
