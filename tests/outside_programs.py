"""Programs of other people that judge what we write; without them their tests skip aloud."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest


def program(name: str, package: str) -> str:
    """Path of a program, or a skip that names the Debian package that has it."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed (Debian: {package})")
    return found


def dciodvfy_errors(path: Path) -> list[str]:
    """What David Clunie's validator of DICOM objects calls an error."""
    command = [program("dciodvfy", "dicom3tools"), "-new", str(path)]
    said = subprocess.run(command, capture_output=True, text=True, check=False, errors="replace")
    return [line for line in (said.stdout + said.stderr).splitlines() if line.strip().startswith("Error")]
