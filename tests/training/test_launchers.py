"""The launchers for `Slicer --python-script`: found from anywhere, and with the command's exit code."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "LungUNetSegLib" / "scripts"

EXECUTE = """
import sys
file, *arguments = sys.argv[1:]
sys.path.insert(0, file.rpartition("/")[0])
sys.argv = [file, *arguments]
exec(compile(open(file, encoding="utf-8").read(), file, "exec"), {"__name__": "__main__", "__file__": file})
print("Slicer goes on: the launcher has not ended it")
"""
"""What Slicer does with a script: executes its text, with the script's folder first on the path."""


def launch(name: str, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", EXECUTE, str(SCRIPTS / name), *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("command", ["train", "segment", "evaluate"])
def test_wrong_usage_ends_slicer_with_2(command: str, tmp_path: Path) -> None:
    result = launch(f"{command}.py", "--no-such-option", cwd=tmp_path)
    assert (result.returncode, result.stdout) == (2, "")
    assert "required" in result.stderr


def test_failure_ends_slicer_with_1_and_a_sentence(tmp_path: Path) -> None:
    result = launch("train.py", "--data", "nowhere", "--out", "out", cwd=tmp_path)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith("lungunetseg: There is no folder nowhere")
