"""Nothing leaves the computer: the engines' packages collect by default, and are told not to before they are loaded."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import SimpleITK as sitk
from children import CHECKOUT, MODULE_FOLDER

from LungUNetSegLib.machine import import_package
from LungUNetSegLib.phantom import Phantom
from LungUNetSegLib.volume.resample import to_sitk

OUTWARD = re.compile(r"\b(connect|sendto|sendmsg)\(.*AF_INET")
"""How strace shows a call that reaches for another machine."""


@pytest.fixture
def scan(small_phantom: Phantom, tmp_path: Path) -> Path:
    """A phantom as NRRD."""
    path = tmp_path / "scan.nrrd"
    sitk.WriteImage(to_sitk(small_phantom.ct), str(path))
    return path


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not here")
@pytest.mark.parametrize("way", ["onnxruntime", "openvino", "torch", "export", "panel"])
def test_no_engine_leaves_a_file_or_reaches_for_the_network(
    scan: Path, tiny_model: Path, tiny_checkpoint: Path, tmp_path: Path, way: str
) -> None:
    """Protects the tutorial's promise: ONNX Runtime 1.32 and OpenVINO 2026.4 both wrote an identifier into HOME."""
    if way == "openvino":
        pytest.importorskip("openvino")
    folder = tmp_path / "LungUNetSeg-panel"
    folder.mkdir()
    shutil.copyfile(scan, folder / "scan.nrrd")
    options = ["--model", str(tiny_model)]
    commands = {
        "export": ["LungUNetSegLib", "export", str(tiny_checkpoint), "-o", str(tmp_path / "model")],
        "panel": ["LungUNetSegSlicer.run.segmentation_child", str(folder), *options],
    }
    segment = ["LungUNetSegLib", "segment", str(scan), "-o", str(tmp_path / "labels.nrrd"), *options, "--engine", way]
    trace = tmp_path / "trace"
    # With --seccomp-bpf other system calls do not wait for strace.
    strace = ["strace", "-f", "--seccomp-bpf", "-qq", "-e", "trace=connect,sendto,sendmsg", "-o", str(trace)]
    # The panel's child ends when its stdin closes.
    with subprocess.Popen(
        [*strace, sys.executable, "-m", *commands.get(way, segment)],
        env=_empty_home(tmp_path), cwd=tmp_path,
        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    ) as child:  # fmt: skip
        assert child.stderr is not None
        assert child.wait() == 0, child.stderr.read().decode()
    assert [line for line in trace.read_text().splitlines() if OUTWARD.search(line)] == []
    assert [str(path) for name in ("home", "tmp") for path in (tmp_path / name).rglob("*")] == []


def _empty_home(folder: Path) -> dict[str, str]:
    """The environment of a user who has no file yet, and has switched off nothing."""
    keep = {name: value for name, value in os.environ.items() if not name.startswith(("ORT_", "XDG_", "CI", "TF_"))}
    for name in ("home", "tmp"):
        (folder / name).mkdir()
    paths = os.pathsep.join(map(str, (CHECKOUT, MODULE_FOLDER)))
    return keep | {"HOME": str(folder / "home"), "TMPDIR": str(folder / "tmp"), "PYTHONPATH": paths}


def test_the_switches_are_set_before_the_package_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Holds where there is no strace: whoever loads an engine has both switches set, whatever the user's shell said."""
    monkeypatch.setenv("ORT_DISABLE_TELEMETRY", "0")
    monkeypatch.delitem(sys.modules, "openvino_telemetry", raising=False)
    import_package("onnxruntime", "ONNX Runtime")
    assert os.environ["ORT_DISABLE_TELEMETRY"] == "1"
    with pytest.raises(ImportError):
        import openvino_telemetry  # noqa: F401
