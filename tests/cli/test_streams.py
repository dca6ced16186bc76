"""The command line beside other programs: pipes that close, disks that are full, terminals with few letters."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import unicodedata
from pathlib import Path

import pydicom
import pytest
import SimpleITK as sitk

from LungUNetSegLib.io import read_labels, write_dicom_series
from LungUNetSegLib.phantom import make_phantom, phantom_geometry
from LungUNetSegLib.volume import Volume
from LungUNetSegLib.volume.resample import to_sitk


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


NAUGHTY = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202etxt\rEVIL"


def test_texts_of_a_scan_do_not_command_the_terminal(thin: Volume, tmp_path: Path, run) -> None:
    """Protects from escape sequences in a header, which anyone may have written: title, colours, a wiped screen."""
    write_dicom_series(thin, tmp_path / "series")
    for path in (tmp_path / "series").iterdir():
        dataset = pydicom.dcmread(path)
        dataset.SeriesDescription = "Chest \x1b[2J\x1b]0;owned\x07"
        dataset.save_as(path)
    code, stdout, stderr = run("info", tmp_path / "series")
    assert code == 0 and r"Chest \x1b[2J" in stdout
    assert not _controls(stdout + stderr)
    for arguments in (("info", tmp_path / f"{NAUGHTY}.nii"), ("segment", tmp_path / NAUGHTY, "-o", tmp_path / "l.mha")):
        code, stdout, stderr = run(*arguments)
        assert code == 1 and r"\x1b" in stderr and r"\u202e" in stderr and not _controls(stdout + stderr)


def _controls(text: str) -> set[str]:
    return {each for each in text if each != "\n" and unicodedata.category(each) in ("Cc", "Cf")}


@pytest.mark.skipif(sys.platform == "win32", reason="no shell here closes streams")
@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", ">&- 2>&- <&-", "2>/dev/full"])
def test_a_closed_stream_stops_nothing_and_gets_into_no_file(
    scan_file: Path, tiny_model: Path, tmp_path: Path, closed: str
) -> None:
    """Protects results made by services: a file that opens as number 2 would get what C libraries print."""
    command = [sys.executable, "-m", "LungUNetSegLib", "segment", scan_file, tmp_path / "none.nii", "-o", tmp_path]
    line = shlex.join(map(str, [*command, "--model", tiny_model, "--json", tmp_path / "report.json"]))
    done = subprocess.run(f"{line} {closed}", shell=True, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    first, second = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert read_labels(first["output"]).array.shape == (24, 64, 72) and "none.nii" in second["error"]
