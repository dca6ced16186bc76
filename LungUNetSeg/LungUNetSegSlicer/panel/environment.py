"""What a report of a fault begins with: versions, the machine, the packages that a run needs. Nothing of a patient."""

from __future__ import annotations

import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version

import LungUNetSegLib
from LungUNetSegLib.machine import limited_cores
from LungUNetSegSlicer.compare.comparison import slicer_version

PACKAGES = (
    "numpy", "scipy", "SimpleITK", "pydicom", "vtk", "onnxruntime", "openvino", "torch", "slicer-core",
)  # fmt: skip
"""Whose versions decide whether a run works."""

_NOT_INSTALLED = "absent"


def environment_report() -> str:
    """Return lines of "name: value"; nothing is imported for it."""
    cores = limited_cores() or os.cpu_count()
    lines = {
        "LungUNetSeg": LungUNetSegLib.__version__,
        "Slicer": slicer_version(),
        "Python": f"{platform.python_version()} ({sys.executable})",
        "System": f"{platform.platform()}, {platform.machine()}, {cores} cores",
        **{name: _version(name) for name in PACKAGES},
    }
    return "\n".join(f"{name}: {value}" for name, value in lines.items())


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return _NOT_INSTALLED
