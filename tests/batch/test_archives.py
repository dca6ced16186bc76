"""Scans in zip archives are read as if they lay beside them, and what is damaged there costs itself only."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
import SimpleITK as sitk
from batch_results import Command, plan_of, rows_of
from dicom_files import save, slices_of

from LungUNetSegLib.batch.find import find_files
from LungUNetSegLib.volume.volume import Volume


def zipped(folder: Path, archive: Path) -> None:
    archive.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(archive, "w") as content:
        for path in sorted(each for each in folder.rglob("*") if each.is_file()):
            content.write(path, path.relative_to(folder))


@pytest.mark.parametrize("ending", ["mhd", "nhdr"])
def test_a_header_and_its_voxels_in_an_archive_are_a_scan(
    batch: Command, thin: Volume, tmp_path: Path, ending: str
) -> None:
    """The header was unpacked alone: such a scan failed, and its voxels were called a file that is not DICOM."""
    image = sitk.GetImageFromArray(thin.array)
    image.SetSpacing(thin.geometry.spacing_mm[::-1])
    (tmp_path / "in" / "a").mkdir(parents=True)
    sitk.WriteImage(image, str(tmp_path / "in" / "a" / f"scan.{ending}"))
    zipped(tmp_path / "in", tmp_path / "source" / "a.zip")
    code, stdout, stderr = batch(tmp_path / "source")
    assert code == 0, stderr
    assert "1 scans to segment, 0 skipped" in stdout


def test_an_error_names_the_archive_and_not_where_it_was_unpacked(batch: Command, thin: Volume, tmp_path: Path) -> None:
    """A folder below /tmp was named, which is gone when somebody reads that."""
    folder = save(slices_of(thin), tmp_path / "in" / "ct")
    (folder / "0003.dcm").write_bytes((folder / "0003.dcm").read_bytes()[:2000])
    zipped(tmp_path / "in", tmp_path / "source" / "a.zip")
    assert batch(tmp_path / "source")[0] == 1
    (row,) = rows_of(tmp_path / "out")
    assert row["error"].startswith(f"{tmp_path}/source/a.zip!/ct/0003.dcm: its image cannot be decoded")


def test_a_damaged_member_costs_its_own_scan_only(batch: Command, thin: Volume, tmp_path: Path) -> None:
    """One flipped bit in an archive of a hundred patients cost them all."""
    for name in "ab":
        slices = slices_of(thin, PatientID=name, SeriesInstanceUID=f"1.2.{ord(name)}", StudyInstanceUID=name)
        save(slices, tmp_path / "in" / name)
    archive = tmp_path / "source" / "a.zip"
    zipped(tmp_path / "in", archive)
    with zipfile.ZipFile(archive) as content:
        start = content.getinfo("a/0012.dcm").header_offset
    damaged = bytearray(archive.read_bytes())
    damaged[start + 2000] ^= 1
    archive.write_bytes(damaged)
    plan = plan_of(archive.parent)
    assert [(each.place, each.why) for each in plan.skipped] == [
        (f"{archive}!/a", "files of zip archives that are damaged (1)")
    ]
    assert batch(archive.parent)[0] == 1  # and the scan that has lost its last slice fails
    rows = {Path(row["path"]).name: row for row in rows_of(tmp_path / "out")}
    assert rows["a"]["error"].startswith(f"{archive}: the zip archive is broken") and rows["b"]["status"] == "done"


def test_an_archive_that_may_not_be_opened_is_not_called_broken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who reads "copy or export it again" asks for a second export, which nobody may open either."""
    (tmp_path / "a.zip").write_bytes(b"x")

    def refuse(*words: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(zipfile, "ZipFile", refuse)
    assert find_files(tmp_path).skipped == [
        (str(tmp_path / "a.zip"), "the zip archive cannot be opened: Permission denied")
    ]


def test_an_empty_archive_is_named(tmp_path: Path) -> None:
    """Protects who exported nothing: a plan did not name such an archive, and alone it was called a folder."""
    zipfile.ZipFile(tmp_path / "a.zip", "w").close()
    for source in (tmp_path, tmp_path / "a.zip"):
        assert find_files(source).skipped == [(str(tmp_path / "a.zip"), "the zip archive is empty")]


def test_a_method_that_python_does_not_know_is_no_damage(tmp_path: Path) -> None:
    """Windows compresses great files by Deflate64: "copy or export it again" made the same archive once more."""
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("0001", "one")
    content = bytearray((tmp_path / "a.zip").read_bytes())
    content[8], content[content.index(b"PK\1\2") + 10] = 9, 9
    (tmp_path / "a.zip").write_bytes(content)
    ((_, why),) = find_files(tmp_path).skipped
    assert "a method that this program does not know (number 9); unpack it" in why


def test_hidden_folders_are_hidden_in_an_archive_too(tmp_path: Path) -> None:
    """Protects from a plan that changes when an archive is unpacked: a trash folder's scans were taken of it."""
    names = ("ct/0001", ".Trash/ct/0001", "./ct/0002", "__MACOSX/ct/0001", "ct/.DS_Store", "ct\\0003")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name in names:
            archive.writestr(name, name)
    assert [each.member for each in find_files(tmp_path).files] == ["./ct/0002", "ct/0001", "ct\\0003"]
