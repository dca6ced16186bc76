"""The command line beside other programs: pipes that close, disks that are full, terminals with few letters."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import SimpleITK as sitk

from LungUNetSegLib.phantom import make_phantom, phantom_geometry
from LungUNetSegLib.resample import to_sitk


@pytest.fixture(scope="module")
def scan_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A scan whose name is not ASCII."""
    path = tmp_path_factory.mktemp("scan") / "肺 1.nrrd"
    sitk.WriteImage(to_sitk(make_phantom(phantom_geometry((24, 64, 72)), rng=1).ct), str(path))
    return path


def _info(scan_file: Path, stdout: int, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "LungUNetSegLib", "info", scan_file],
        env={**os.environ, **environment}, stdout=stdout, stderr=subprocess.PIPE, encoding="utf-8", check=False,
    )  # fmt: skip


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_that_leaves_is_no_error_to_talk_about(scan_file: Path, unbuffered: str) -> None:
    """Protects `lungunetseg info scan | head -1` from a cry for help; Python shows the error late, when it buffers."""
    reading, writing = os.pipe()
    os.close(reading)
    done = _info(scan_file, writing, PYTHONUNBUFFERED=unbuffered)
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device here is always full")
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_full_disk_is_not_called_a_bug(scan_file: Path, unbuffered: str) -> None:
    with Path("/dev/full").open("w") as full:
        done = _info(scan_file, full.fileno(), PYTHONUNBUFFERED=unbuffered)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1 and "No space left" in done.stderr and "report" not in done.stderr


def test_letters_that_a_terminal_lacks_are_spelled_out(scan_file: Path) -> None:
    """Protects Windows, whose pipes are not UTF-8: the scan was done, so its name may not fail the run."""
    done = _info(scan_file, subprocess.PIPE, PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert done.returncode == 0, done.stderr
    assert r"\u80ba 1.nrrd: 24 x 64 x 72 voxels" in done.stdout
