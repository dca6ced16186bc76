"""What becomes of uploads: they take no more than they may, go when they are needed no more."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from LungUNetSegLib.errors import ReadError

MEGABYTE = 1_000_000


def zipped(path: Path, size: int) -> Path:
    """Write a zip archive that unpacks to so many zeros."""
    path.parent.mkdir(exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("scan.nii", bytes(size))
    return path


def test_archives_that_are_allowed_one_by_one_are_refused_together(tmp_path: Path) -> None:
    """Protects the disk: the limit is that of a session's uploads, whatever they are packed in."""
    from LungUNetSegSlicer.web.viewer.uploaded import Uploads

    uploads = Uploads(tmp_path, 5 * MEGABYTE)
    zipped(tmp_path / "0000" / "a.zip", 3 * MEGABYTE)
    uploads.unpack(tmp_path / "0000")
    assert (tmp_path / "0000" / "a.zip.unpacked").is_dir()
    zipped(tmp_path / "0001" / "b.zip", 3 * MEGABYTE)
    with pytest.raises(ReadError, match=r"more than the 0.005 GB .* together with the scans that are open or listed"):
        uploads.unpack(tmp_path / "0001")
    zipped(tmp_path / "0002" / "c.zip", 6 * MEGABYTE)
    with pytest.raises(ReadError, match=r"the zip archive holds more than the 0.005 GB .*\. Upload only the chest CT"):
        uploads.unpack(tmp_path / "0002")


def test_what_is_listed_goes_only_where_there_is_no_room_with_it(tmp_path: Path) -> None:
    """Protects the scans that are open; three uploads of 1 MB with a limit of 3.5 MB."""
    from LungUNetSegSlicer.web.viewer.uploaded import Uploads

    uploads, files = Uploads(tmp_path, 3_500_000), []
    for number in range(3):
        files.append(tmp_path / f"{number:04}" / "scan.nii")
        files[-1].parent.mkdir()
        files[-1].write_bytes(bytes(MEGABYTE))
        uploads.unpack(files[-1].parent)
    used, listed, forgotten = files
    assert uploads.make_room(MEGABYTE, [used], [listed])
    assert [each.exists() for each in (used, listed, forgotten)] == [True, True, False]
    assert forgotten.parent.exists(), "its number is not given again"
    assert not uploads.make_room(2 * MEGABYTE, [used], [listed])
    assert [each.exists() for each in (used, listed)] == [True, False]
