"""The command line: its exit codes, its one line on stderr, its files, and what it does not import."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from dicom_files import save, slices_of

import LungUNetSegLib
from LungUNetSegLib.cli import main
from LungUNetSegLib.errors import ReadError
from LungUNetSegLib.io import read_labels, write_labels
from LungUNetSegLib.phantom import Phantom
from LungUNetSegLib.resample import to_sitk
from LungUNetSegLib.volume import Volume

REPORT_KEYS = {
    "lungunetseg", "input", "series_uid", "output", "model", "engine", "device", "volumes_ml", "mean_hu", "findings",
    "quality", "seconds", "methods",
}  # fmt: skip


@pytest.fixture
def scan_file(small_phantom: Phantom, tmp_path: Path) -> Path:
    """A phantom as NIfTI."""
    path = tmp_path / "Schäden 1.nii.gz"
    sitk.WriteImage(to_sitk(small_phantom.ct), str(path))
    return path


@pytest.fixture
def run(tiny_model: Path, capsys: pytest.CaptureFixture[str]):
    """Run a command in this process; gives (exit code, stdout, stderr)."""

    def run_command(*arguments: object) -> tuple[int, str, str]:
        words = [str(each) for each in arguments]
        if words and words[0] == "segment" and "--model" not in words:
            words += ["--model", str(tiny_model)]
        code = main(words)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run_command


def _one_line(text: str) -> bool:
    return text.startswith("lungunetseg") and text.count("\n") == 1 and text.endswith("\n")


def test_segment_writes_labels_on_the_scan_s_grid_and_a_report(
    run, scan_file: Path, small_phantom: Phantom, tmp_path: Path
) -> None:
    """Protects the command's promise, with a path that is not ASCII."""
    out, report_file = tmp_path / "lüngs.nii.gz", tmp_path / "report.json"
    code, stdout, stderr = run("segment", scan_file, "-o", out, "--json", report_file, "--raw")
    assert (code, stderr) == (0, "")
    labels = read_labels(out)
    assert labels.geometry.matches(small_phantom.ct.geometry)
    report = json.loads(report_file.read_text(encoding="utf-8"))
    assert set(report) == REPORT_KEYS
    assert report["lungunetseg"] == LungUNetSegLib.__version__
    assert (report["input"], report["output"], report["series_uid"]) == (str(scan_file), str(out), None)
    assert report["model"]["name"] == "tiny" and len(report["model"]["sha256"]) == 64
    assert report["device"] == "cpu" and "ONNX Runtime" in report["engine"]
    right_ml = np.count_nonzero(labels.array == 1) * labels.geometry.voxel_volume_ml
    assert report["volumes_ml"]["right"] == pytest.approx(right_ml)
    assert report["volumes_ml"]["total"] == pytest.approx(report["volumes_ml"]["left"] + right_ml)
    assert {"read", "segment", "write"} <= set(report["seconds"])
    assert all(set(finding) == {"code", "message"} for finding in report["findings"])
    assert LungUNetSegLib.__version__ in report["methods"] and "tiny" in report["methods"]
    assert f"right lung {right_ml:.0f} ml" in stdout


def test_raw_is_what_the_network_says(run, scan_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Protects `--raw`: specks stay, which are removed without it."""
    from LungUNetSegLib.inference.engines.onnx_runtime import OnnxRuntimeEngine

    def probabilities(self: object, slices: np.ndarray) -> np.ndarray:
        sides = np.zeros((len(slices), 2, *slices.shape[2:]), np.float32)
        sides[:, 0, 15:35, 10:25] = sides[:, 1, 15:35, 40:55] = sides[0, 0, 2, 2] = 1
        return sides

    monkeypatch.setattr(OnnxRuntimeEngine, "probabilities", probabilities)
    removed = {}
    for options in ((), ("--raw",)):
        report = tmp_path / "r.json"
        code, *_ = run(
            "segment", scan_file, "-o", tmp_path / "l.nrrd", "--engine", "onnxruntime", "--json", report, *options
        )
        assert code == 0
        removed[options] = json.loads(report.read_text())["quality"]["removed_parts"]
    assert removed[("--raw",)] == 0 < removed[()]


def test_segment_both_lungs_as_a_slicer_segmentation(run, scan_file: Path, tmp_path: Path) -> None:
    """Protects `--labels binary` and `.seg.nrrd`: one segment, no volumes by side."""
    out, report_file = tmp_path / "lungs.seg.nrrd", tmp_path / "report.json"
    code, stdout, _ = run("segment", scan_file, "-o", out, "--labels", "binary", "--json", report_file, "--raw")
    assert code == 0 and "right" not in stdout
    header = sitk.ReadImage(str(out))
    assert header.GetMetaData("Segment0_Name") == "Lungs" and not header.HasMetaDataKey("Segment1_Name")
    volumes_ml = json.loads(report_file.read_text())["volumes_ml"]
    assert volumes_ml["right"] is volumes_ml["left"] is None and volumes_ml["total"] > 0


def test_threads_are_limited_while_a_scan_is_read_too(
    run, scan_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Protects `--threads`: a tilted gantry's scan is resampled before it is segmented."""
    used = []

    def read(*_: object) -> None:
        used.append(sitk.ProcessObject.GetGlobalDefaultNumberOfThreads())
        raise ReadError("enough")

    monkeypatch.setattr("LungUNetSegLib.cli.segment.read_scan", read)
    run("segment", scan_file, "-o", tmp_path / "l.nrrd", "--threads", 3)
    assert used == [3]


def test_progress_as_json_is_one_object_a_line_and_nothing_else(run, scan_file: Path, tmp_path: Path) -> None:
    """Protects the panel, which reads it."""
    code, stdout, stderr = run("segment", scan_file, "-o", tmp_path / "l.mha", "--progress", "json")
    steps = [json.loads(line) for line in stdout.splitlines()]
    assert code == 0 and stderr == ""
    assert all(set(step) == {"stage", "done", "total"} and 0 <= step["done"] <= step["total"] for step in steps)
    assert list(dict.fromkeys(step["stage"] for step in steps)) == ["read", "segment", "restore", "write"]
    assert steps[-1] == {"stage": "write", "done": 1, "total": 1}


def test_other_commands_leave_stdout_to_progress_too(run, small_phantom: Phantom, tmp_path: Path) -> None:
    """Their words go to stderr then, so that a program can read one and show the other."""
    for folder in ("p", "r"):
        (tmp_path / folder).mkdir()
        write_labels(tmp_path / folder / "a.nrrd", small_phantom.labels)
    code, stdout, stderr = run("evaluate", tmp_path / "p", tmp_path / "r", "--progress", "json")
    steps = [json.loads(line) for line in stdout.splitlines()]
    assert code == 0 and [step["done"] for step in steps] == [0, 1]
    assert "HD95, mm" in stderr
    assert "HD95, mm" in run("evaluate", tmp_path / "p", tmp_path / "r")[1]


def test_the_bar_is_gone_when_a_table_is_printed(
    small_phantom: Phantom, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a terminal both come out in one place."""
    for folder in ("p", "r"):
        (tmp_path / folder).mkdir()
        write_labels(tmp_path / folder / "a.nrrd", small_phantom.labels)
    terminal = io.StringIO()
    monkeypatch.setattr("sys.stdout", terminal)
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    assert main(["evaluate", str(tmp_path / "p"), str(tmp_path / "r")]) == 0
    first, *_ = terminal.getvalue().split("\n")
    *bars, wiped, heading = first.split("\r")
    assert any("1/1" in each for each in bars) and not wiped.strip() and heading.endswith("Lungs")


def test_a_bar_on_a_terminal_and_none_in_a_pipe(
    run, scan_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Protects log files; the bar wipes itself before the result is printed."""
    assert run("segment", scan_file, "-o", tmp_path / "l.mha")[2] == ""
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    drawn = run("segment", scan_file, "-o", tmp_path / "l.mha")[2]
    assert "segment  [==" in drawn and "24/24" in drawn
    assert drawn.endswith("\r") and not drawn.split("\r")[-2].strip()
    assert run("segment", scan_file, "-o", tmp_path / "l.mha", "--progress", "none")[2] == ""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "required: COMMAND"),
        (("segmnt",), "invalid choice"),
        (("segment", "scan.nii"), "required: -o"),
        (("segment", "scan.nii", "-o", "l.mha", "--engine", "tensorflow"), "invalid choice: 'tensorflow'"),
        (("segment", "scan.nii", "-o", "l.mha", "--threads", "0"), "number of threads"),
        (("segment", "scan.nii", "-o", "l.mha", "--colour"), "unrecognized arguments: --colour"),
    ],
)
def test_wrong_usage_is_2_and_one_line(run, arguments: tuple[str, ...], said: str) -> None:
    """Protects scripts, and readers: the line names the fault and where help is."""
    code, stdout, stderr = run(*arguments)
    assert (code, stdout) == (2, "")
    assert _one_line(stderr) and said in stderr and "--help" in stderr


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
        (("segment", scan_file, "-o", out, "--engine", "onnxruntime", "--device", "cuda"), "--engine torch"),
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


def test_a_scan_without_lung_is_done_and_said(
    run, head_phantom: Phantom, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Protects the head CT: exit code 0, an empty label map, a sentence."""
    from LungUNetSegLib.inference.engines.onnx_runtime import OnnxRuntimeEngine

    monkeypatch.setattr(
        OnnxRuntimeEngine, "probabilities",
        lambda self, slices: np.zeros((len(slices), 2, *slices.shape[2:]), np.float32),
    )  # fmt: skip
    head, out = tmp_path / "head.nrrd", tmp_path / "l.nrrd"
    sitk.WriteImage(to_sitk(head_phantom.ct), str(head))
    code, stdout, _ = run("segment", head, "-o", out, "--engine", "onnxruntime")
    assert code == 0 and "No lung was found" in stdout
    assert not sitk.GetArrayFromImage(sitk.ReadImage(str(out))).any()


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
    for error, said in ((ZeroDivisionError("by zero"), "please report"), (MemoryError(), "not enough memory")):

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


def test_info_describes_a_scan(run, scan_file: Path, small_phantom: Phantom, tmp_path: Path) -> None:
    """Protects who wants to know before waiting: size, spacing, values, remarks."""
    code, stdout, stderr = run("info", scan_file)
    assert (code, stderr) == (0, "")
    assert "24 x 64 x 72 voxels" in stdout and " HU" in stdout
    shifted = Volume(small_phantom.ct.array + np.int16(1024), small_phantom.ct.geometry)
    sitk.WriteImage(to_sitk(shifted), str(tmp_path / "shifted.nrrd"))
    assert "note: " in run("info", tmp_path / "shifted.nrrd")[1]


def test_export_makes_a_model_that_segments(run, tiny_checkpoint: Path, scan_file: Path, tmp_path: Path) -> None:
    """Protects the way from one's own training to the panel."""
    about = tmp_path / "about.json"
    about.write_text(json.dumps({"description": "Mine.", "scores": {"dsc": 0.9}}))
    code, stdout, stderr = run("export", tiny_checkpoint, "-o", tmp_path / "mine", "--about", about)
    assert (code, stderr) == (0, "") and "'mine'" in stdout
    manifest = json.loads((tmp_path / "mine" / "manifest.json").read_text())
    assert (manifest["name"], manifest["description"], manifest["scores"]) == ("mine", "Mine.", {"dsc": 0.9})
    assert run("segment", scan_file, "-o", tmp_path / "l.mha", "--model", tmp_path / "mine")[0] == 0
    about.write_text('{"colour": "blue"}')
    code, _, stderr = run("export", tiny_checkpoint, "-o", tmp_path / "mine", "--about", about)
    assert code == 1 and "colour" in stderr


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


def test_train_and_evaluate_are_commands(run) -> None:
    """Protects the other rooms' commands from being cut off."""
    for command, word in (("train", "--preset"), ("evaluate", "reference")):
        code, stdout, _ = run(command, "--help")
        assert code == 0 and word in stdout and "--progress" in stdout


def test_a_command_that_lacks_torch_says_how_to_get_it(run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Protects who installed the plain package and wants to train."""
    for name in [each for each in sys.modules if each.startswith("LungUNetSegLib.training")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "torch", None)
    code, _, stderr = run("train", "--help")
    assert code == 1 and _one_line(stderr) and "pip install lungunetseg[train]" in stderr


def test_many_scans_go_to_a_folder_and_one_that_fails_stops_none(run, scan_file: Path, tmp_path: Path) -> None:
    """Protects a night's batch: names from the inputs, exit code 1, what failed said at its place."""
    cases = []
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
        cases.append(tmp_path / name / "ct.nii.gz")
    for case in (cases[0], cases[2]):
        case.write_bytes(scan_file.read_bytes())
    out, report_file = tmp_path / "new" / "out", tmp_path / "r.json"
    code, stdout, stderr = run("segment", *cases, "-o", out, "--json", report_file)
    assert code == 1
    assert sorted(path.name for path in out.iterdir()) == ["a_ct.nii.gz", "c_ct.nii.gz"]
    assert stdout.count("total") == 2 and str(cases[0]) in stdout
    assert str(cases[1]) in stderr.splitlines()[0] and stderr.splitlines()[-1] == "lungunetseg: 1 of 3 scans failed"
    reports = json.loads(report_file.read_text())
    assert [set(each) == REPORT_KEYS for each in reports] == [True, False, True]
    assert set(reports[1]) == {"input", "error"}
    assert run("segment", cases[0], cases[2], "-o", out)[0] == 0


def test_two_scans_never_go_to_one_file(run, scan_file: Path, tmp_path: Path) -> None:
    """Protects the first of two results of one name."""
    twin = tmp_path / f"{scan_file.name.removesuffix('.nii.gz')}.nrrd"
    code, _, stderr = run("segment", scan_file, twin, "-o", tmp_path / "out")
    assert code == 1 and _one_line(stderr) and "Two inputs" in stderr


def test_what_c_libraries_print_is_kept_off_the_one_line(tmp_path: Path) -> None:
    """MetaIO complains on stderr by itself when a disk is full, GDCM when an image is broken."""
    script = """
import os, sys
from LungUNetSegLib.cli import app, segment
def fail(*_):
    os.write(2, b"MetaImage: something failed\\n")
    raise app.LungUNetSegError("No room.")
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
