"""Python children that see the installed packages and what they are given, but not this project."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
MODULE_FOLDER = CHECKOUT / "LungUNetSeg"
TESTS = CHECKOUT / "tests"


def clean_python(code: str, *folders: Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run code with `folders` first on sys.path, in a folder that holds nothing of the project."""
    # Without `site` no .pth file is read, and so no editable installation of the project is seen.
    path = [*map(str, folders), sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]
    command = [sys.executable, "-E", "-s", "-S", "-c", f"import sys; sys.path[:0] = {path!r}\n{code}"]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
