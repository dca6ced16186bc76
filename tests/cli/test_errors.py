"""The command line when something is wrong: its exit codes, and its one line on stderr."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from LungUNetSegLib.cli import main
from LungUNetSegLib.errors import ReadError
from LungUNetSegLib.io import write_labels
from LungUNetSegLib.phantom import Phantom


def _one_line(text: str) -> bool:
    return text.startswith("lungunetseg") and text.count("\n") == 1 and text.endswith("\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "required: COMMAND"),
        (("segmnt",), "invalid choice"),
        (("segment", "scan.nii"), "required: -o"),
        (("segment", "scan.nii", "-o", "l.mha", "--engine", "tensorflow"), "invalid choice: 'tensorflow'"),
        (("segment", "scan.nii", "-o", "l.mha", "--threads", "0"), "number of threads"),
        (("segment", "scan.nii", "-o", "l.mha", "--threads", "two"), "number of threads"),
        (("segment", "scan.nii", "-o", "l.mha", "--colour"), "unrecognized arguments: --colour"),
        (("segment", "scan.nii", "-o", "l.mha", "--json", "table.csv"), "table.csv: the name must end in .json"),
        (("segment", "scan.nii", "-o", "l.mha", "--csv", "table.json"), "table.json: the name must end in .csv"),
        (("segment", "scan.nii", "-o", "out", "--format", "png"), "invalid choice: 'png'"),
        (("evaluate", "a.nii", "b.nii", "--json", "scores.csv"), "scores.csv: the name must end in .json"),
    ],
)
def test_wrong_usage_is_2_and_one_line(run, arguments: tuple[str, ...], said: str) -> None:
    """Protects scripts, and readers: the line names the fault and where help is."""
    code, stdout, stderr = run(*arguments)
    assert (code, stdout) == (2, "")
    assert _one_line(stderr) and said in stderr
    known = [each for each in arguments[:1] if each != "segmnt"]
    assert f"see {' '.join(('lungunetseg', *known))} --help" in stderr


def test_errors_are_1_and_one_line(run, scan_file: Path, tmp_path: Path) -> None:
    """Protects users from tracebacks: what is wrong, with which file, what to do."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.dcm").write_text("no DICOM")
    out = tmp_path / "l.mha"
    for arguments, said in (
        (("segment", tmp_path / "none.nii", "-o", out), "none.nii"),
        (("segment", tmp_path / "empty", "-o", out), "empty"),
        (("segment", tmp_path / "text.dcm", "-o", out), "text.dcm"),
        (("segment", scan_file, "-o", tmp_path / "nowhere" / "l.mha"), "nowhere"),
        (("segment", scan_file, "-o", out, "--json", tmp_path / "nowhere" / "r.json"), "nowhere"),
        (("segment", scan_file, "-o", out, "--model", "nothing"), "nothing"),
        (("segment", scan_file, "-o", out, "--engine", "onnxruntime", "--device", "cuda"), "choose the engine torch"),
        (("segment", scan_file, "-o", out, "--series", "1.2.3"), "series"),
        (("info", tmp_path / "none.nii"), "none.nii"),
        (("export", tmp_path / "text.dcm", "-o", tmp_path / "model"), "text.dcm"),
    ):
        code, stdout, stderr = run(*arguments)
        assert (code, stdout) == (1, ""), arguments
        assert _one_line(stderr) and said in stderr, stderr
    assert not out.exists()


@pytest.mark.parametrize("engine", ["auto", "onnxruntime", "openvino", "torch"])
def test_changed_weights_are_refused_whatever_the_engine(
    run, scan_file: Path, tiny_model: Path, tmp_path: Path, engine: str
) -> None:
    """Protects scores: who runs other weights than those that were scored is told so, and gets no mask."""
    model = shutil.copytree(tiny_model, tmp_path / "changed")
    content = bytearray((model / "weights.safetensors").read_bytes())
    content[-1] ^= 1
    (model / "weights.safetensors").write_bytes(content)
    out = tmp_path / "l.mha"
    code, _, stderr = run("segment", scan_file, "-o", out, "--model", model, "--engine", engine)
    assert code == 1 and _one_line(stderr) and "SHA-256" in stderr and not out.exists()


def test_the_output_is_looked_at_before_the_scan(run, tmp_path: Path) -> None:
    """Protects minutes of reading a scan whose result could not be written."""
    code, _, stderr = run("segment", tmp_path / "none.nii", "-o", tmp_path / "nowhere" / "l.mha")
    assert code == 1 and "nowhere" in stderr and "none.nii" not in stderr


def test_an_output_of_no_known_format_is_wrong_usage(run, scan_file: Path, tmp_path: Path) -> None:
    """Exit 2: the command line itself is wrong, whatever the scan holds."""
    code, _, stderr = run("segment", scan_file, "-o", tmp_path / "lungs.txt")
    assert code == 2 and _one_line(stderr) and "lungs.txt" in stderr and ".seg.nrrd" in stderr


def test_a_failed_run_leaves_the_old_output(run, scan_file: Path, small_phantom: Phantom, tmp_path: Path) -> None:
    """Protects yesterday's result from today's failure."""
    out = tmp_path / "l.nrrd"
    write_labels(out, small_phantom.labels)
    before = out.read_bytes()
    assert run("segment", scan_file, "-o", out, "--model", "nothing")[0] == 1
    assert out.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([scan_file.name, "l.nrrd"])


def test_debug_shows_the_traceback(tiny_model: Path, tmp_path: Path) -> None:
    """Protects who has to find a fault."""
    with pytest.raises(ReadError):
        main(
            [
                "segment",
                str(tmp_path / "none.nii"),
                "-o",
                str(tmp_path / "l.mha"),
                "--model",
                str(tiny_model),
                "--debug",
            ]
        )


def test_a_bug_and_too_little_memory_are_said_too(run, scan_file: Path, tmp_path: Path, monkeypatch) -> None:
    """Protects from a bare traceback where nobody thought of the error."""
    for error, said in (
        (ZeroDivisionError("by zero"), "please report"),
        (MemoryError(), "not enough memory"),
        (ImportError("libtorch_cpu.so: failed to map segment from shared object"), "not enough memory"),
        (SystemError("error return without exception set"), "not enough memory"),
        (RuntimeError("could not create a primitive"), "not enough memory"),
    ):

        def fail(*_: object, error: Exception = error) -> None:
            raise error

        monkeypatch.setattr("LungUNetSegLib.cli.segment.load_model", fail)
        code, _, stderr = run("segment", scan_file, "-o", tmp_path / "l.mha")
        assert code == 1 and _one_line(stderr) and said in stderr


def test_ctrl_c_is_130(run, scan_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Protects shells, which expect it."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("LungUNetSegLib.cli.segment.read_scan", interrupt)
    assert run("segment", scan_file, "-o", tmp_path / "l.mha")[0] == 130


def test_a_thread_that_reads_on_does_not_abort_a_command_that_ends() -> None:
    """A batch reads ahead in a thread. PyTorch and SimpleITK, where it may be, abort a process that ends around it."""
    script = """
import threading, torch
from LungUNetSegLib import cli
def read_on():
    while True:
        torch.ones(300, 300).sum()
def interrupt(argv):
    raise KeyboardInterrupt
cli.app._run = interrupt
threading.Thread(target=read_on, daemon=True).start()
cli.run_as_process()
"""
    child = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (child.returncode, child.stderr) == (130, "lungunetseg: interrupted\n")


def test_a_command_that_lacks_torch_says_how_to_get_it() -> None:
    """Protects who installed the plain package and wants to train. A child, as modules imported anew stay for all."""
    script = (
        "import sys; sys.modules['torch'] = None; from LungUNetSegLib.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", script, "train", "--help"]
    child = subprocess.run(command, capture_output=True, text=True, check=False)
    assert child.returncode == 1 and _one_line(child.stderr) and "pip install '.[train]'" in child.stderr


def test_what_c_libraries_print_is_kept_off_the_one_line(tmp_path: Path) -> None:
    """MetaIO complains on stderr by itself when a disk is full, GDCM when an image is broken."""
    script = """
import os, sys
from LungUNetSegLib.cli import app, segment
from LungUNetSegLib.errors import ModelError
def fail(*_):
    os.write(2, b"MetaImage: something failed\\n")
    raise ModelError("No room.")
segment.load_model = fail
sys.exit(app.main(["segment", "ct.nii", "-o", sys.argv[1]]))
"""
    for options, noise in (([], False), (["--debug"], True)):
        code = script.replace("sys.argv[1]]", f"sys.argv[1], *{options!r}]")
        result = subprocess.run(
            [sys.executable, "-c", code, str(tmp_path / "l.mha")], capture_output=True, text=True, check=False
        )
        assert result.returncode == 1
        assert ("MetaImage" in result.stderr) is noise
        assert noise or result.stderr == "lungunetseg: No room.\n"


def test_two_scans_never_go_to_one_file(run, scan_file: Path, tmp_path: Path) -> None:
    """Protects the first of two results of one name."""
    twin = tmp_path / f"{scan_file.name.removesuffix('.nii.gz')}.nrrd"
    code, _, stderr = run("segment", scan_file, twin, "-o", tmp_path / "out")
    assert code == 1 and _one_line(stderr) and "Two inputs" in stderr
