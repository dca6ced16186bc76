"""The file lists of the CMakeLists.txt: what they say, what lies on disk, and how to bring them together.

Slicer packages what the lists name and nothing else. ``python tests/extension/file_lists.py`` writes them anew.
"""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("LungUNetSeg", "LungUNetSegLib")
LISTS = ("MODULE_PYTHON_SCRIPTS", "MODULE_PYTHON_RESOURCES")
NOT_PACKAGED = ("CMakeLists.txt", "__pycache__")


def listed(package: str, name: str) -> list[str]:
    """Return the files that a package's CMakeLists.txt names in one list."""
    match = _pattern(name).search((ROOT / package / "CMakeLists.txt").read_text(encoding="utf-8"))
    assert match, f"{package}/CMakeLists.txt has no list {name}"
    return match[2].split()


def on_disk(package: str, name: str) -> list[str]:
    """Return the files of a package that belong into one list, sorted."""
    folder = ROOT / package
    files = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    packaged = (path for path in files if not set(path.parts) & set(NOT_PACKAGED) and not path.name.startswith("."))
    is_script = name == "MODULE_PYTHON_SCRIPTS"
    return sorted(path.as_posix() for path in packaged if (path.suffix == ".py") == is_script)


def write() -> None:
    """Make every list what lies on disk."""
    for package in PACKAGES:
        file = ROOT / package / "CMakeLists.txt"
        text = file.read_text(encoding="utf-8")
        for name in LISTS:
            lines = "".join(f"\n  {each}" for each in on_disk(package, name))
            text = _pattern(name).sub(rf"\g<1>{lines}\n  )", text)
        file.write_text(text, encoding="utf-8")


def _pattern(name: str) -> re.Pattern[str]:
    return re.compile(rf"(set\({name})\b([^)]*)\)")


if __name__ == "__main__":
    write()
