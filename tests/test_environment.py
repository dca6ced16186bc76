"""`lungunetseg info --environment`: what a bug report starts with, also of an installation that is broken."""

from __future__ import annotations

import getpass
import os
import platform
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from types import ModuleType

import pytest

from LungUNetSegLib import __version__, environment
from LungUNetSegLib.cli import main
from LungUNetSegLib.environment import describe_environment
from LungUNetSegLib.models.model import load_model


def test_the_command_prints_a_line_for_each_thing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", "--environment"]) == 0
    lines = dict(line.split(": ", 1) for line in capsys.readouterr().out.splitlines())
    assert lines["LungUNetSeg"] == __version__ and lines["numpy"] == version("numpy")
    assert lines["Python"].startswith(platform.python_version())
    assert "CPUExecutionProvider" in lines["ONNX Runtime runs on"]
    assert lines["Model lungs"] == f"SHA-256 {load_model('lungs').sha256}"
    assert f"of {os.cpu_count()} cores" in lines["Processor"]


def test_nothing_tells_who_reports() -> None:
    """Protects who pastes the lines into a public issue: no folder, no user, no host name."""
    text = "\n".join(describe_environment().values())
    assert str(Path.home()) not in text and sys.prefix not in text
    if getpass.getuser() != "root":
        assert getpass.getuser() not in text
    assert platform.node() not in text


def test_what_is_missing_or_broken_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Protects the report of an installation that does not work, which is the one that matters."""

    class Broken(ModuleType):
        def get_available_providers(self) -> list[str]:
            raise OSError("libcuda.so.1: cannot open\n shared object file")

    monkeypatch.setitem(sys.modules, "onnxruntime", Broken("onnxruntime"))
    monkeypatch.setitem(sys.modules, "openvino", None)
    monkeypatch.setattr(environment, "PACKAGES", ("no-such-package",))
    lines = describe_environment()
    assert lines["ONNX Runtime runs on"] == "unknown (OSError: libcuda.so.1: cannot open shared object file)"
    assert lines["OpenVINO runs on"].startswith("unknown (ModuleNotFoundError")
    assert lines["no-such-package"] == "not installed"


@pytest.mark.parametrize(
    ("content", "name", "features"),
    [
        (
            "model name\t: Fast 9000\nflags\t\t: fpu avx2 amx_int8 avx512_vnni\n",
            "Fast 9000",
            "avx2 avx512_vnni amx_int8",
        ),
        ("Features\t: fp asimd i8mm\n", None, "asimd i8mm"),
    ],
)
def test_the_processor_is_read_from_linux(
    content: str, name: str | None, features: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "cpuinfo"
    file.write_text(content)
    monkeypatch.setattr(environment, "CPU_INFO", file)
    lines = describe_environment()
    assert lines["Processor features"] == features
    assert name is None or lines["Processor"].startswith(name)


def test_without_linux_s_list_numpy_s_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On Windows and macOS; on this machine both know the same processor."""
    monkeypatch.setattr(environment, "CPU_INFO", tmp_path / "absent")
    assert describe_environment()["Processor features"] not in ("", "unknown")


@pytest.mark.parametrize("arguments", [["info"], ["info", "scan.nii", "--environment"]])
def test_a_scan_or_the_environment_is_asked_for(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert "--environment" in capsys.readouterr().err


def test_the_panel_s_report_loads_no_engine() -> None:
    """Protects the panel after a failed run: the report must not keep it waiting, nor hold an engine in its memory."""
    script = (
        "import sys; from LungUNetSegLib.environment import describe_environment as describe; "
        "lines = describe(load_engines=False); assert 'numpy' in lines and 'GPU' not in lines; "
        "sys.exit(bool({'onnxruntime', 'openvino', 'torch'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-W", "error", "-c", script], check=False).returncode == 0
