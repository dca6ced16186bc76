"""A batch notices what has changed since it was done: files that can be opened now, results that are gone."""

from __future__ import annotations

from pathlib import Path

import pytest
import SimpleITK as sitk
from batch_results import Command, plan_of, rows_of
from dicom_files import save, slices_of

from LungUNetSegLib.batch import header_texts
from LungUNetSegLib.batch.header_texts import NOT_OPENED, Found, read_found
from LungUNetSegLib.volume.volume import Volume


def test_a_slice_that_can_be_opened_now_makes_another_scan(
    batch: Command, thin: Volume, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rights change neither size nor date: a scan of which slices were locked stayed done without them for ever."""
    save(slices_of(thin), tmp_path / "source")

    def locked(path: Path) -> Found:
        return NOT_OPENED if path.name == "0012.dcm" else read_found(path)

    with monkeypatch.context() as patch:
        patch.setattr(header_texts, "read_found", locked)
        assert "12 x" in batch(tmp_path / "source")[1]
    (report,) = (tmp_path / "out" / "scans").glob("*/scan.json")
    before = report.stat().st_mtime_ns
    assert "13 x" in batch(tmp_path / "source")[1]
    again = report.stat().st_mtime_ns
    assert again != before
    batch(tmp_path / "source")
    assert report.stat().st_mtime_ns == again


def test_voxels_that_are_found_now_make_a_scan(thin: Volume, tmp_path: Path) -> None:
    """The index kept the error of a header for ever, as the header itself had not changed; so with mended rights."""
    source, index = tmp_path / "source", tmp_path / "index.sqlite"
    source.mkdir()
    sitk.WriteImage(sitk.GetImageFromArray(thin.array), str(source / "scan.mhd"))
    (source / "scan.raw").rename(tmp_path / "scan.raw")
    assert "no such file" in plan_of(source, index).skipped[0].why
    (tmp_path / "scan.raw").rename(source / "scan.raw")
    plan = plan_of(source, index)
    assert [each.scan.title for each in plan.taken] == ["scan.mhd"] and not plan.skipped


def test_a_scan_that_is_whole_again_has_not_failed(batch: Command, source: Path, tmp_path: Path) -> None:
    """The table went on calling it failed while the command said "2 of 2 scans done, 0 failed"."""
    batch(source)
    scan = source / "scan.nii.gz"
    whole = scan.read_bytes()
    scan.write_bytes(whole[:-2000])
    code, stdout, _ = batch(source)
    assert code == 1 and "1 failed, 1 again as its files had changed" in stdout
    assert "again as" not in batch(source)[1], "it was not tried"
    scan.write_bytes(whole)
    code, stdout, _ = batch(source)
    assert code == 0 and "2 of 2 scans done, 0 failed\n" in stdout
    assert [row["status"] for row in rows_of(tmp_path / "out")] == ["done", "done"]


def test_lungs_that_are_gone_are_made_again(batch: Command, source: Path, tmp_path: Path) -> None:
    """Protects from "2 of 2 scans done" over a table that leads to a missing file."""
    batch(source)
    gone, kept = sorted((tmp_path / "out" / "scans").glob("*/lungs.nii.gz"))
    gone.unlink()
    before = kept.stat().st_mtime_ns
    code, stdout, _ = batch(source)
    assert code == 0 and "2 of 2 scans done" in stdout
    assert gone.exists() and kept.stat().st_mtime_ns == before


def test_a_dry_run_leaves_the_plan_of_the_results(batch: Command, source: Path, tmp_path: Path) -> None:
    """The page of the results names their plan; a look at other rules replaced it."""
    batch(source)
    plan = tmp_path / "out" / "work" / "plan.json"
    before = plan.read_text()
    assert "1 scans to segment" in batch(source, "--include", "slices>=5", "--exclude", "path=nii", "--dry-run")[1]
    assert plan.read_text() == before


def test_a_loop_of_links_is_no_internal_error(batch: Command, tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    code, _, stderr = batch(tmp_path / "loop")
    assert code == 1 and "is a link that leads nowhere" in stderr and "internal error" not in stderr
