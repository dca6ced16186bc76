"""What the commands do not import: torch costs seconds, and is not installed everywhere."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from dicom_files import save, slices_of

from LungUNetSegLib.volume import Volume


def _imported_by(*arguments: object) -> set[str]:
    """Run a command in a real child process; return the packages that it has imported when it is done."""
    script = "import sys; from LungUNetSegLib.cli import main; code = main(); print(*sys.modules); sys.exit(code)"
    command = [sys.executable, "-c", script, *map(str, arguments)]
    child = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert child.returncode == 0, child.stderr
    return {name.partition(".")[0] for name in child.stdout.splitlines()[-1].split()}


@pytest.mark.parametrize("engine", ["onnxruntime", "openvino"])
def test_segmenting_imports_torch_only_for_torch(
    engine: str, thin: Volume, scan_file: Path, tiny_model: Path, tmp_path: Path
) -> None:
    """Protects the seconds that importing torch takes, and machines without it; in a real child process."""
    pytest.importorskip(engine)
    source = scan_file if engine == "openvino" else save(slices_of(thin), tmp_path / "dicom")
    files = [source, "-o", tmp_path / "l.seg.nrrd", "--json", tmp_path / "r.json"]
    imported = _imported_by("segment", *files, "--model", tiny_model, "--engine", engine)
    assert engine in imported and "torch" not in imported


def test_info_and_help_import_no_torch(scan_file: Path) -> None:
    """Protects likewise; who asks for help does not even wait for numpy."""
    assert not {"torch", "numpy"} & _imported_by("--help")
    assert "torch" not in _imported_by("info", scan_file)
