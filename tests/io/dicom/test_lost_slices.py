"""Slices that did not arrive are missed by nobody at the end of a scan, so what may be one of them is named."""

from __future__ import annotations

import gzip
import os
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from dicom_files import enhanced, save, slices_of
from pydicom.sequence import Sequence

from LungUNetSegLib.batch.candidates import candidates_in
from LungUNetSegLib.batch.find import find_files
from LungUNetSegLib.batch.index import HeaderIndex
from LungUNetSegLib.io import read_scan
from LungUNetSegLib.phantom import make_phantom
from LungUNetSegLib.volume import Geometry, Volume

WEB_PAGE = b"<html>502 Bad Gateway</html>" * 20
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1404\n"


@pytest.fixture(scope="module")
def ct() -> Volume:
    return make_phantom(Geometry.axial((13, 24, 28), (10.0, 12.0, 12.0), (-165.0, -141.0, -60.0)), rng=1).ct


def said(source: Path) -> dict[str, str]:
    return {finding.code: finding.message for finding in read_scan(source).findings}


@pytest.mark.parametrize("name", ["{:04}.dcm", "IM{:04}", "1.2.840.{}", "{:03}.ima"])
@pytest.mark.parametrize("content", [WEB_PAGE, POINTER, bytes(2000)], ids=["web page", "pointer", "zeros"])
def test_something_else_at_the_place_of_the_last_slice(name: str, content: bytes, ct: Volume, tmp_path: Path) -> None:
    """Downloads leave such files; the file's name shows that it was to be a slice."""
    save(slices_of(ct), tmp_path, name.format)
    (tmp_path / name.format(12)).write_bytes(content)
    assert name.format(12) in said(tmp_path)["unreadable-files"]


def test_other_files_beside_the_slices_are_no_slices(ct: Volume, tmp_path: Path) -> None:
    """What lies beside many series is not remarked upon."""
    save(slices_of(ct), tmp_path, "IM{:04}".format)
    for name in ("README", "LICENSE.txt", "series1.json", "._IM0003", "._0001.dcm", "IM", "checksums.md5"):
        (tmp_path / name).write_bytes(WEB_PAGE)
    assert said(tmp_path) == {}


def packed(path: Path) -> None:
    path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
    path.unlink()


def zipped(path: Path) -> None:
    with zipfile.ZipFile(path.with_name("rest.zip"), "w") as archive:
        archive.write(path, path.name)
    path.unlink()


def broken_link(path: Path) -> None:
    """As git-annex and DataLad leave for what was not fetched."""
    path.unlink()
    path.symlink_to(Path("..") / ".git" / "annex" / "objects" / "x")


@pytest.mark.parametrize("lose", [packed, zipped, broken_link])
def test_the_last_slice_packed_or_not_fetched(lose: Callable[[Path], None], ct: Volume, tmp_path: Path) -> None:
    lose(save(slices_of(ct), tmp_path / "ct") / "0012.dcm")
    assert "incomplete" in said(tmp_path)["unreadable-files"]


def test_a_folder_that_may_not_be_opened(ct: Volume, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Part of a scan may lie in a folder of somebody else; the search would pass it in silence."""
    datasets = slices_of(ct)
    save(datasets[:9], tmp_path / "a")
    save(datasets[9:], tmp_path / "b")
    scandir = os.scandir

    def denied(path: str | Path) -> object:
        if Path(path) == tmp_path / "b":
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", denied)
    assert ": b." in said(tmp_path)["unreadable-files"]


def test_a_batch_says_it_too(ct: Volume, tmp_path: Path) -> None:
    """The files that a batch reads of a scan are listed one by one, and what may be its slice is among them."""
    save(slices_of(ct), tmp_path / "ct")
    (tmp_path / "ct" / "0012.dcm").write_bytes(POINTER)
    (tmp_path / "ct" / "README").write_bytes(POINTER)
    with closing(HeaderIndex(None)) as index:
        files = find_files(tmp_path / "ct").files
        index.update(files)
        (candidate,), _ = candidates_in(files, index)
    scan = read_scan([each.path for each in candidate.files])
    assert [finding.code for finding in scan.findings] == ["unreadable-files"]
    assert len(candidate.files) == 13


def test_a_part_of_a_concatenation(ct: Volume, tmp_path: Path) -> None:
    """A scanner splits large multi-frame files, and each part says how many there are (PS3.3 C.7.6.16.2.2.4)."""
    whole = enhanced(ct)
    count, size = len(ct.array), len(whole.PixelData) // len(ct.array)
    parts = []
    for number, frames in enumerate((slice(0, 7), slice(7, count))):
        part = enhanced(ct)
        part.PerFrameFunctionalGroupsSequence = Sequence(list(whole.PerFrameFunctionalGroupsSequence)[frames])
        part.PixelData = whole.PixelData[frames.start * size : frames.stop * size]
        part.NumberOfFrames = frames.stop - frames.start
        part.ConcatenationUID, part.InConcatenationNumber, part.InConcatenationTotalNumber = "1.5", number + 1, 2
        part.SOPInstanceUID = part.file_meta.MediaStorageSOPInstanceUID = f"1.5.{number}"
        parts.append(part)
    save(parts, tmp_path)
    assert said(tmp_path) == {}
    (tmp_path / "0000.dcm").unlink()
    assert "1 of 2 parts" in said(tmp_path)["missing-slices"]
