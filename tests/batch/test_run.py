"""A batch's scans are done, failed with a reason, or not begun, whatever happens to one of them."""

from __future__ import annotations

import errno
import json
import os
import shutil
import sys
from pathlib import Path

import nibabel
import numpy as np
import pytest
from batch_results import Command, folders_of_results, rows_of

from LungUNetSegLib.batch import reading
from LungUNetSegLib.batch.jobs import BatchSettings
from LungUNetSegLib.batch.store import Store
from LungUNetSegLib.io import read_labels, write_image, write_labels
from LungUNetSegLib.io.masks.results import is_own_result
from LungUNetSegLib.volume.volume import Volume


def test_a_batch_leaves_all_that_it_promises(batch: Command, source: Path, tmp_path: Path, thin: Volume) -> None:
    """Labels in two formats on the scan's grid, report, pictures, tables, page; a second run does nothing again."""
    code, stdout, _ = batch(source, "--format", "nii.gz", "--format", "seg.nrrd")
    out = tmp_path / "out"
    assert code == 0 and "2 scans to segment, 0 skipped" in stdout and "2 of 2 scans done, 0 failed" in stdout
    assert folders_of_results(out) == ["patient_ct", "scan"]
    for folder in (out / "scans").iterdir():
        names = {path.name for path in folder.iterdir()} - {"doubtful.png"}
        assert names == {"lungs.nii.gz", "lungs.seg.nrrd", "scan.json", "preview.png"}
        assert read_labels(folder / "lungs.nii.gz").geometry.shape == thin.array.shape
        assert is_own_result(folder / "lungs.nii.gz")
        assert (folder / "preview.png").read_bytes().startswith(b"\x89PNG")
    rows = rows_of(out)
    assert [row["status"] for row in rows] == ["done", "done"]
    assert float(rows[0]["total_ml"]) == pytest.approx(float(rows[0]["right_ml"]) + float(rows[0]["left_ml"]), rel=1e-5)
    assert rows[0]["path"] == str(source / "patient" / "ct") and rows[0]["slice_mm"] == "10"
    before = {path: path.stat().st_mtime_ns for path in (out / "scans").rglob("*")}
    assert batch(source, "--format", "nii.gz", "--format", "seg.nrrd")[0] == 0
    assert {path: path.stat().st_mtime_ns for path in (out / "scans").rglob("*")} == before


def test_labels_of_a_nifti_scan_have_both_forms_of_its_place(batch: Command, thin: Volume, tmp_path: Path) -> None:
    """Protects viewers that follow the qform, as `segment` does: labels lay beside the scan in them."""
    scan = tmp_path / "source" / "scan.nii.gz"
    scan.parent.mkdir()
    write_image(scan, thin)
    image = nibabel.load(scan)
    moved = image.affine.copy()
    moved[:3, 3] += (20.0, 0.0, -5.0)
    image.set_sform(moved, 4)
    nibabel.save(image, scan)
    assert batch(scan.parent)[0] == 0
    (written,) = (tmp_path / "out" / "scans").glob("*/lungs.nii.gz")
    headers = [nibabel.load(path).header for path in (scan, written)]
    for own, result in zip(
        *([*each.get_qform(coded=True), *each.get_sform(coded=True)] for each in headers), strict=True
    ):
        np.testing.assert_allclose(own, result, atol=1e-4)


def test_parquet_holds_what_csv_holds(batch: Command, source: Path, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    batch(source)
    table = parquet.read_table(tmp_path / "out" / "results.parquet").to_pylist()
    for row, text in zip(table, rows_of(tmp_path / "out"), strict=True):
        assert row["name"] == text["name"] and row["total_ml"] == pytest.approx(float(text["total_ml"]), rel=1e-4)
        assert row["patient_id"] is None and text["patient_id"] == ""


@pytest.mark.parametrize("error", [MemoryError(), ValueError("odd"), OSError(5, "Input/output error")])
def test_an_error_of_any_kind_is_that_scan_s(
    batch: Command, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """Protects the night; a failed scan is tried again only when that is asked for."""
    read = reading.read_scan

    def fail(path: object, *arguments: object) -> object:
        if isinstance(path, list):
            raise error
        return read(path, *arguments)

    monkeypatch.setattr(reading, "read_scan", fail)
    code, stdout, stderr = batch(source)
    assert code == 1 and "1 of 2 scans done, 1 failed" in stdout and "patient_ct" in stderr
    failed, done = rows_of(tmp_path / "out")
    assert (failed["status"], done["status"]) == ("failed", "done") and failed["error"]
    monkeypatch.undo()
    code, stdout, stderr = batch(source)
    assert code == 1 and "1 of 2 scans failed" in stderr
    assert "index.html says why scans failed, and --retry-failed tries them again" in stdout
    assert batch(source, "--retry-failed")[0] == 0
    assert [row["status"] for row in rows_of(tmp_path / "out")] == ["done", "done"]


def test_a_changed_input_is_done_again_and_a_touched_one_is_not(
    batch: Command, source: Path, tmp_path: Path, thin: Volume
) -> None:
    """Protects from a table of yesterday's scans, and from doing a copied archive twice."""
    batch(source)
    report = next((tmp_path / "out" / "scans").glob("scan-*")) / "scan.json"
    first = report.stat().st_mtime_ns
    os.utime(source / "scan.nii.gz", (1, 1))
    batch(source)
    assert report.stat().st_mtime_ns == first
    write_image(source / "scan.nii.gz", Volume(thin.array[::-1].copy(), thin.geometry))
    batch(source)
    assert report.stat().st_mtime_ns > first


def test_scans_of_earlier_sources_stay_in_the_table_and_are_counted(
    batch: Command, source: Path, tmp_path: Path
) -> None:
    """Protects who reads "1 of 1 scans done" beside a table of two, of which one may be of older settings."""
    assert "of earlier runs" not in batch(source, "--raw")[1]
    (source / "scan.nii.gz").unlink()
    code, stdout, _ = batch(source, "--raw", "--labels", "binary", "--redo")
    assert code == 0 and "1 of 1 scans done, 0 failed; the table also has 1 of earlier runs" in stdout
    assert len(rows_of(tmp_path / "out")) == 2


def test_other_settings_need_another_folder_or_redo(batch: Command, source: Path, tmp_path: Path) -> None:
    """Protects from a table made half with one model and half with another."""
    batch(source)
    code, _, stderr = batch(source, "--labels", "binary")
    assert code == 1 and "results were made with other settings (labels)" in stderr and "--redo" in stderr
    assert batch(source, "--labels", "binary", "--redo")[0] == 0
    assert rows_of(tmp_path / "out")[0]["right_ml"] == ""
    labels = next((tmp_path / "out" / "scans").glob("scan-*")) / "lungs.nii.gz"
    assert read_labels(labels).array.max() == 1


def test_redo_goes_on_where_it_was_stopped(source: Path, tmp_path: Path, model_settings: BatchSettings) -> None:
    """`--redo` of a batch that was stopped in the middle of a redo does only the rest."""
    store = Store(tmp_path / "out")
    store.make()
    assert store.begin(model_settings, redo=False) == 0
    store.end()
    assert store.begin(model_settings, redo=True) == 1
    assert store.begin(model_settings, redo=True) == 1
    store.end()
    assert store.begin(model_settings, redo=False) == 1
    assert store.begin(model_settings, redo=True) == 2


def test_a_second_batch_is_told_of_the_first(batch: Command, source: Path, tmp_path: Path) -> None:
    """Protects from two processes that do the same work; the lock of one that was killed holds nobody up."""
    store = Store(tmp_path / "out")
    store.make()
    with store.locked():
        code, _, stderr = batch(source)
    assert code == 1 and f"another batch writes here (process {os.getpid()} on " in stderr
    assert batch(source)[0] == 0


@pytest.mark.skipif(sys.platform == "win32", reason="fcntl is Unix's")
def test_a_file_system_without_locks_is_named(
    batch: Command, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Protects who looks for a second batch that is not there: Lustre offers locks only if it is mounted so."""

    def flock(file: object, operation: int) -> None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    monkeypatch.setattr("fcntl.flock", flock)
    code, _, stderr = batch(source)
    assert code == 1 and "another batch" not in stderr
    lock = tmp_path / "out" / "work" / "lock"
    assert f"{lock}: its file system does not lock files (Function not implemented)" in stderr


def test_results_do_not_come_among_the_scans(batch: Command, source: Path, tmp_path: Path) -> None:
    """OUT in SOURCE and SOURCE in OUT."""
    code, _, stderr = batch(tmp_path)
    assert code == 1 and "its results would be taken for scans" in stderr
    shutil.move(source, tmp_path / "out" / "source")
    code, _, stderr = batch(tmp_path / "out" / "source")
    assert code == 1 and "where results are written" in stderr


def test_a_source_without_a_chest_ct_is_no_silent_success(batch: Command, tmp_path: Path) -> None:
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "notes.txt").write_text("x")
    code, stdout, stderr = batch(tmp_path / "s")
    assert code == 1 and "files that are not DICOM (1)" in stdout
    assert "no chest CT was found. Left out: files that are not DICOM." in stderr  # also in the panel, without stdout


def test_a_dry_run_writes_nothing(batch: Command, source: Path, tmp_path: Path) -> None:
    code, stdout, _ = batch(source, "--dry-run")
    assert code == 0 and "2 scans to segment" in stdout and not (tmp_path / "out").exists()


def test_pseudonyms_hide_who_it_is(batch: Command, source: Path, tmp_path: Path) -> None:
    """Protects patients: outside of `work`, no path, title, identifier or date is in a file or JSON line."""
    (source / "patient").rename(source / "Meyer")
    (source / "Meyer" / "ct" / "0004.dcm").unlink()
    (source / "Meyer" / "ct" / "broken.dcm").write_bytes(bytes(128) + b"DICM broken")
    (source / "bad.nii.gz").write_bytes((source / "scan.nii.gz").read_bytes()[:-2000])
    lines = batch(source, "--identify", "pseudonym", "--progress", "json")[1].splitlines()
    told = [line.encode() for line in lines if '"error": "' in line]
    assert len(told) == 1
    shutil.rmtree(tmp_path / "out" / "work")
    texts = [path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.suffix in (".csv", ".html", ".json")]
    assert len(texts) == 4
    texts += told
    assert len(folders_of_results(tmp_path / "out")) == 2
    for secret in (str(tmp_path), "Meyer", "Phantom", "1.2.826", "20000101", "scan.nii", "broken.dcm", "bad.nii"):
        assert not any(secret.encode() in text for text in texts), secret


def test_dicom_identity_is_in_the_table(batch: Command, source: Path, tmp_path: Path) -> None:
    batch(source, "--identify", "dicom")
    assert {row["patient_id"] for row in rows_of(tmp_path / "out")} == {"Phantom", ""}
    assert folders_of_results(tmp_path / "out") == ["Phantom_20000101_1", "scan"]  # within the source, as by path


def test_progress_is_told_as_json(batch: Command, source: Path) -> None:
    _, stdout, _ = batch(source, "--progress", "json")
    lines = [json.loads(line) for line in stdout.splitlines()]
    assert lines[-1]["done"] == lines[-1]["total"] == 2 and lines[-1]["failed"] == 0 and "left_s" in lines[-1]
    assert {line["stage"] for line in lines} == {"plan", "batch"} and any("scan_stage" in line for line in lines)


def test_report_makes_table_and_page_anew(batch: Command, source: Path, tmp_path: Path, run_command: Command) -> None:
    batch(source)
    out = tmp_path / "out"
    before = (out / "results.csv").read_bytes()
    for name in ("results.csv", "index.html"):
        (out / name).unlink()
    code, stdout, _ = run_command("report", out, "--summary")
    assert code == 0 and (out / "results.csv").read_bytes() == before and (out / "index.html").exists()
    assert "not given" in stdout and "scans" in stdout
    code, _, stderr = run_command("report", source)
    assert code == 1 and "is not a folder of a batch's results" in stderr


@pytest.fixture
def run_command(capsys: pytest.CaptureFixture[str]) -> Command:
    from LungUNetSegLib.cli import main

    def run(*words: object) -> tuple[int, str, str]:
        code = main([str(word) for word in words])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


def test_labels_that_somebody_corrected_are_kept(batch: Command, source: Path, tmp_path: Path, thin: Volume) -> None:
    """Protects a radiologist's hours from `--redo`: that scan fails with a sentence, the others are done."""
    batch(source)
    labels = next((tmp_path / "out" / "scans").glob("scan-*")) / "lungs.nii.gz"
    write_labels(labels, Volume(np.ones(thin.array.shape, np.uint8), thin.geometry))
    before = labels.read_bytes()
    code, _, stderr = batch(source, "--redo")
    assert code == 1 and "somebody has changed these labels" in stderr and labels.read_bytes() == before
