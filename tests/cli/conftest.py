"""Fixtures of the command line: a scan in a file, and a command run in this process."""

from __future__ import annotations

from pathlib import Path

import pytest
import SimpleITK as sitk

from LungUNetSegLib.cli import main
from LungUNetSegLib.phantom import Phantom
from LungUNetSegLib.volume.resample import to_sitk


@pytest.fixture
def scan_file(small_phantom: Phantom, tmp_path: Path) -> Path:
    """A phantom as NIfTI."""
    path = tmp_path / "Schäden 1.nii.gz"
    sitk.WriteImage(to_sitk(small_phantom.ct), str(path))
    return path


@pytest.fixture
def run(tiny_model: Path, capsys: pytest.CaptureFixture[str]):
    """Run a command in this process; gives (exit code, stdout, stderr)."""

    def run_command(*arguments: object) -> tuple[int, str, str]:
        words = [str(each) for each in arguments]
        if words and words[0] == "segment" and "--model" not in words:
            words += ["--model", str(tiny_model)]
        code = main(words)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run_command
