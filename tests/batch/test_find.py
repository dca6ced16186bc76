"""Files are found wherever they lie, and nothing in the source harms who looks at it."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from dicom_files import item, save, slices_of
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MediaStorageDirectoryStorage

from LungUNetSegLib.batch.find import find_files, is_safe_member, unpack
from LungUNetSegLib.errors import ReadError
from LungUNetSegLib.volume.volume import Volume


def test_links_in_a_loop_end(tmp_path: Path) -> None:
    """Protects from walking for ever, and from taking a file twice."""
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "file").write_text("x")
    (tmp_path / "a" / "up").symlink_to(tmp_path)
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
    found = find_files(tmp_path)
    assert [each.path.name for each in found.files] == ["file"]
    assert found.skipped == [(str(tmp_path / "gone"), "a link that leads nowhere")]


@pytest.mark.parametrize("name", ["a link", "z link"])
def test_a_folder_with_a_link_to_it_keeps_its_own_name(tmp_path: Path, name: str) -> None:
    """Protects from a second result of a scan: its name came from the one that the disk listed first."""
    (tmp_path / "folder" / "below").mkdir(parents=True)
    (tmp_path / "folder" / "below" / "file").write_text("x")
    (tmp_path / name).symlink_to("folder")
    assert [each.path for each in find_files(tmp_path).files] == [tmp_path / "folder" / "below" / "file"]


def test_a_folder_that_may_not_be_read_is_named(open_folder: Path) -> None:
    """Protects from a patient who is missing without a word."""
    (open_folder / "closed").mkdir()
    (open_folder / "file").write_text("x")
    (open_folder / "closed").chmod(0)
    found = find_files(open_folder)
    (open_folder / "closed").chmod(0o755)
    assert [each.path.name for each in found.files] == ["file"]
    assert found.skipped == [(str(open_folder / "closed"), "the folder cannot be opened: Permission denied")]


@pytest.mark.parametrize("name", ["../evil", "/etc/passwd", "a/../../evil", "..\\evil", "C:/evil", "a\\..\\..\\b"])
def test_an_archive_that_leads_out_of_its_folder_is_refused(tmp_path: Path, name: str) -> None:
    """Protects the disk: what comes from a stranger is written below the folder it is unpacked to, or not at all."""
    assert not is_safe_member(name)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(zipfile.ZipInfo(name), "x")
    found = find_files(tmp_path)
    assert found.files == [] and "would be written outside" in found.skipped[0][1]


def test_safe_names_are_taken() -> None:
    assert all(map(is_safe_member, ("a/b.dcm", "a..b/c", "IM0001", "a/.../b")))


def test_a_broken_archive_costs_itself_only(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"PK\x03\x04 no archive")
    (tmp_path / "file").write_text("x")
    found = find_files(tmp_path)
    assert [each.path.name for each in found.files] == ["file"] and "is broken" in found.skipped[0][1]


def test_members_of_one_name_come_apart(tmp_path: Path) -> None:
    """Protects slices that two folders of an archive give one name."""
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("s1/0001", "one")
        archive.writestr("s2/0001", "two")
    (tmp_path / "z").write_text("loose")
    paths = unpack(find_files(tmp_path).files, tmp_path / "out")
    assert [path.read_text() for path in paths] == ["one", "two", "loose"]


def test_a_member_larger_than_it_claims_is_refused(tmp_path: Path) -> None:
    """Protects the disk from an archive that lies about its size."""
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb", bytes(100_000))
    content = (tmp_path / "a.zip").read_bytes().replace((100_000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(ReadError, match=r"more than it claims|is broken"):
        unpack(find_files(tmp_path).files, tmp_path / "out")


def test_a_disc_s_directory_names_its_files(thin: Volume, tmp_path: Path) -> None:
    """DICOMDIR (PS3.3 F.3): the files it names, but for one that is missing and one that lies outside of the disc."""
    save(slices_of(thin)[:2], tmp_path / "disc" / "IMG", "I{}".format)
    (tmp_path / "outside").write_text("x")
    names = (["IMG", "I0"], ["IMG", "I1"], ["IMG", "GONE"], ["..", "outside"])
    directory = item(SOPClassUID=MediaStorageDirectoryStorage, SOPInstanceUID="1.2.3")
    directory.DirectoryRecordSequence = [item(ReferencedFileID=name) for name in names]
    directory.file_meta = FileMetaDataset()
    directory.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    directory.file_meta.MediaStorageSOPClassUID = MediaStorageDirectoryStorage
    directory.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    directory.save_as(tmp_path / "disc" / "DICOMDIR", enforce_file_format=True)
    found = find_files(tmp_path / "disc" / "DICOMDIR")
    assert [each.path.name for each in found.files] == ["I0", "I1"]
    # Protects from a patient who is missing without a word.
    what = "2 of the files that it names are not on the disc: IMG/GONE, ../outside"
    assert found.skipped == [(str(tmp_path / "disc" / "DICOMDIR"), what)]
    (tmp_path / "disc" / "IMG" / "I0").rename(tmp_path / "disc" / "IMG" / "i0")
    (tmp_path / "disc" / "IMG" / "I1").rename(tmp_path / "disc" / "IMG" / "i1")
    (tmp_path / "disc" / "IMG").rename(tmp_path / "disc" / "img")  # some systems show a disc's names in small letters
    assert [each.path.name for each in find_files(tmp_path / "disc" / "DICOMDIR").files] == ["i0", "i1"]


def test_nothing_is_said_to_be_nothing(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match="there is no such file or folder"):
        find_files(tmp_path / "gone")
