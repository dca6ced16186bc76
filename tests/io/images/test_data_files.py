"""Voxels in files of their own: beside or below their header, and elsewhere only where that is allowed."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from image_headers import DIRECTIONS, LPS, detached, nrrd, refused

from LungUNetSegLib.cli import main
from LungUNetSegLib.errors import ReadError
from LungUNetSegLib.io import read_labels, read_scan
from LungUNetSegLib.io.images.files import data_files_anywhere
from LungUNetSegLib.phantom import Phantom


@pytest.mark.parametrize("ending", [".mhd", ".nhdr", ".nrrd", ".mha"])
@pytest.mark.parametrize("place", ["../secret.raw", "{outside}/secret.raw", "link.raw", "below/../../secret.raw"])
def test_data_outside_the_headers_folder_are_refused(
    ending: str, place: str, small_phantom: Phantom, tmp_path: Path
) -> None:
    """Protects this computer's files from the headers of strangers."""
    folder, array = tmp_path / "scan", small_phantom.ct.array
    (folder / "below").mkdir(parents=True)
    (tmp_path / "secret.raw").write_bytes(array.tobytes())
    (folder / "link.raw").symlink_to(tmp_path / "secret.raw")
    refused(detached(folder / f"scan{ending}", array, place.format(outside=tmp_path)), "outside the header's folder")


@pytest.mark.parametrize("ending", [".mhd", ".nhdr"])
@pytest.mark.parametrize("place", ["../voxels.raw", "{outside}/voxels.raw", "link.raw"])
def test_data_outside_are_read_where_that_is_allowed(
    ending: str, place: str, small_phantom: Phantom, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Some archives keep headers apart from voxels. Nothing but ordinary files is opened all the same."""
    folder, array = tmp_path / "scan", small_phantom.ct.array
    folder.mkdir()
    (tmp_path / "voxels.raw").write_bytes(array.tobytes())
    (folder / "link.raw").symlink_to(tmp_path / "voxels.raw")
    path = detached(folder / f"scan{ending}", array, place.format(outside=tmp_path))
    with data_files_anywhere():
        assert np.array_equal(read_scan(path).volume.array, array)
    assert main(["info", str(path)]) == 1 and "--allow-outside" in capsys.readouterr().err
    assert main(["info", str(path), "--allow-outside"]) == 0
    with data_files_anywhere(), pytest.raises(ReadError, match="device"):
        read_scan(detached(folder / f"device{ending}", array, "/dev/zero"))
    refused(path, "outside the header's folder")


@pytest.mark.parametrize("ending", [".mhd", ".nhdr"])
def test_data_beside_and_below_the_header_are_read(ending: str, small_phantom: Phantom, tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    for place in ("scan.raw", "below/scan.raw"):
        (tmp_path / place).write_bytes(small_phantom.ct.array.astype("<i2").tobytes())
        path = detached(tmp_path / f"scan{ending}", small_phantom.ct.array, place)
        assert np.array_equal(read_scan(path).volume.array, small_phantom.ct.array)


def test_lists_of_data_files_are_looked_at_too(small_phantom: Phantom, tmp_path: Path) -> None:
    array = small_phantom.ct.array
    names = [f"{number}.raw" for number in range(len(array))]
    for name, plane in zip(names, array, strict=True):
        (tmp_path / name).write_bytes(plane.tobytes())
    path = detached(tmp_path / "scan.mhd", array, "LIST\n" + "\n".join(names))
    assert np.array_equal(read_scan(path).volume.array, array)
    refused(detached(path, array, "LIST\n" + "\n".join([*names[1:], "/etc/hostname"])), "outside")
    assert np.array_equal(read_scan(detached(path, array, "%d.raw 0 23 1")).volume.array, array)
    refused(detached(path, array, "../%03d.raw 0 23 1"), "outside")
    refused(detached(path, array, "%d.raw 0 23 0"), "no pattern")
    refused(detached(path, array, "%n%n%s 0 23 1"), "no pattern")
    text = nrrd(
        tmp_path / "list.nhdr", array, LPS, DIRECTIONS, "data file: LIST\n" + "\n".join([*names[1:], "/etc/fstab"])
    )
    text.write_bytes(text.read_bytes().split(b"\n\n")[0] + b"\n")
    refused(text, "outside")
    (tmp_path / "7.raw").unlink()
    (tmp_path / "7.raw").symlink_to("/etc/hostname")
    refused(detached(path, array, "%d.raw 0 23 1"), "outside")
    (tmp_path / "7.raw").unlink()
    os.mkfifo(tmp_path / "7.raw")
    with pytest.raises(ReadError, match="pipe"):
        read_scan(detached(path, array, "%d.raw 0 23 1"))


@pytest.mark.skipif(os.name != "posix", reason="pipes of another kind")
def test_pipes_and_devices_are_refused_and_not_waited_for(small_phantom: Phantom, tmp_path: Path) -> None:
    """Protects from waiting for ever."""
    for name in ("scan.nii.gz", "scan.nrrd", "scan.mha", "scan.raw", "slice"):
        os.mkfifo(tmp_path / name)
    for name in ("scan.nii.gz", "scan.nrrd", "scan.mha", "slice"):
        refused(tmp_path / name, "pipe")
    for ending in (".mhd", ".nhdr"):
        with pytest.raises(ReadError, match="pipe"):
            read_scan(detached(tmp_path / f"other{ending}", small_phantom.ct.array, "scan.raw"))
    refused(Path("/dev/zero"), "device")
    with pytest.raises(ReadError, match="pipe"):
        read_scan([tmp_path / "slice"])
    with pytest.raises(ReadError, match="pipe"):
        read_labels(tmp_path / "scan.nii.gz")
