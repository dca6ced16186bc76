"""The extension configured and installed as Slicer does it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from children import CHECKOUT

STANDIN = Path(__file__).parent / "standin"
SCRIPTED_MODULES = Path("lib/Slicer-5.10/qt-scripted-modules")
NO_COMPILER = [f"-DCMAKE_{language}_COMPILER{suffix}" for language in ("C", "CXX") for suffix in ("=true", "_FORCED=1")]


@pytest.fixture(scope="session")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The extension configured against stand-ins of Slicer's CMake files."""
    if shutil.which("cmake") is None:
        pytest.skip("cmake is not installed")
    folder = tmp_path_factory.mktemp("build")
    _cmake("-S", CHECKOUT, "-B", folder, f"-DSlicer_DIR={STANDIN}", "-DBUILD_TESTING=ON", *NO_COMPILER)
    return folder


@pytest.fixture(scope="session")
def installed(build: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of scripted modules after installation."""
    prefix = tmp_path_factory.mktemp("installed")
    _cmake("--install", build, "--prefix", prefix)
    return prefix / SCRIPTED_MODULES


def _cmake(*arguments: str | Path) -> None:
    result = subprocess.run(["cmake", *map(str, arguments)], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
