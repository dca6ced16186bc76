"""The commands: what they write, and where."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

import LungUNetSegLib
from LungUNetSegLib.engines.int8_arithmetic import is_int8_exact
from LungUNetSegLib.errors import ReadError
from LungUNetSegLib.io import read_labels
from LungUNetSegLib.models.model import own_models
from LungUNetSegLib.phantom import Phantom
from LungUNetSegLib.volume import Volume
from LungUNetSegLib.volume.resample import to_sitk

REPORT_KEYS = {
    "lungunetseg", "input", "series_uid", "output", "model", "engine", "device", "volumes_ml", "mean_hu", "findings",
    "quality", "seconds", "methods", "density", "regions", "acquisition", "doubtful_slices", "correction",
}  # fmt: skip


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
    assert "6 mm pixels, each between its neighbours about 15 mm above and below; computed with" in report["methods"]
    assert f"right lung {right_ml:.0f} ml" in stdout


def test_raw_is_what_the_network_says(run, scan_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Protects `--raw`: specks stay, which are removed without it."""
    from LungUNetSegLib.engines.onnx_runtime import OnnxRuntimeEngine

    def probabilities(self: object, slices: np.ndarray) -> np.ndarray:
        sides = np.zeros((len(slices), 2, *slices.shape[2:]), np.float32)
        sides[:, 0, 15:35, 10:25] = sides[:, 1, 15:35, 40:55] = sides[0, 0, 25, 32] = 1
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
    run("segment", scan_file, "-o", tmp_path / "l.nrrd", "--threads", 1)
    assert used == [1]


def test_a_scan_without_lung_is_done_and_said(
    run, head_phantom: Phantom, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Protects the head CT: exit code 0, an empty label map, a sentence."""
    from LungUNetSegLib.engines.onnx_runtime import OnnxRuntimeEngine

    monkeypatch.setattr(
        OnnxRuntimeEngine, "probabilities",
        lambda self, slices: np.zeros((len(slices), 2, *slices.shape[2:]), np.float32),
    )  # fmt: skip
    head, out = tmp_path / "head.nrrd", tmp_path / "l.nrrd"
    sitk.WriteImage(to_sitk(head_phantom.ct), str(head))
    code, stdout, _ = run("segment", head, "-o", out, "--engine", "onnxruntime")
    assert code == 0 and "No lung was found" in stdout
    assert not sitk.GetArrayFromImage(sitk.ReadImage(str(out))).any()


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


def test_export_by_a_name_alone_makes_a_model_of_the_user_s_own(
    run, tiny_checkpoint: Path, scan_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Protects the way into the panel's list of models, which holds the user's own: export could not write there."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    assert run("export", tiny_checkpoint, "--name", "mine")[0] == 0
    assert own_models() == ["mine"]
    assert run("segment", scan_file, "-o", tmp_path / "l.mha", "--model", "mine")[0] == 0
    code, _, stderr = run("export", tiny_checkpoint, "--name", "mine")
    assert code == 1 and "already a model 'mine'" in stderr and "models/mine" in stderr
    code, _, stderr = run("export", tiny_checkpoint)
    assert code == 1 and "-o FOLDER" in stderr and "--name NAME" in stderr


def test_quantise_adds_a_graph_that_segments(
    run, tiny_model: Path, scan_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Protects the way from one's own model to a fast one."""
    if not is_int8_exact():
        pytest.skip("8-bit sums saturate on this processor (no VNNI)")
    shutil.copytree(tiny_model, tmp_path / "mine")
    monkeypatch.setattr("LungUNetSegLib.engines.quantise.LEAST_AGREEMENT", 0.5)  # its weights are random
    code, stdout, stderr = run("quantise", tmp_path / "mine", scan_file)
    assert (code, stderr) == (0, "") and "calibrated on 20 slices" in stdout
    model = ("--model", tmp_path / "mine", "--json", tmp_path / "l.json")
    assert run("segment", scan_file, "-o", tmp_path / "l.mha", *model)[0] == 0
    assert json.loads((tmp_path / "l.json").read_text())["engine"].endswith("int8")


def test_train_and_evaluate_are_commands(run) -> None:
    """Protects these two commands from being cut off."""
    for command, word in (("train", "--preset"), ("evaluate", "reference")):
        code, stdout, _ = run(command, "--help")
        assert code == 0 and word in stdout and "--progress" in stdout


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


def test_each_of_several_scans_is_written_in_the_format_that_is_asked_for(run, scan_file: Path, tmp_path: Path) -> None:
    """Protects who wants Slicer's segmentations of many scans; one scan goes into the folder alike."""
    scans = [tmp_path / "1.nii.gz", tmp_path / "2.nii.gz"]
    for scan in scans:
        scan.write_bytes(scan_file.read_bytes())
    assert run("segment", *scans, "-o", tmp_path / "many", "--format", "seg.nrrd")[0] == 0
    assert sorted(path.name for path in (tmp_path / "many").iterdir()) == ["1.seg.nrrd", "2.seg.nrrd"]
    assert run("segment", scans[0], "-o", tmp_path / "one", "--format", "mha")[0] == 0
    assert [path.name for path in (tmp_path / "one").iterdir()] == ["1.mha"]
    labels = [read_labels(tmp_path / "many" / "1.seg.nrrd"), read_labels(tmp_path / "one" / "1.mha")]
    np.testing.assert_array_equal(labels[0].array, labels[1].array)
    assert run("segment", scans[0], "-o", tmp_path / "lungs.mha", "--format", "mha")[0] == 0
    assert read_labels(tmp_path / "lungs.mha").array.any()
    code, _, stderr = run("segment", scans[0], "-o", tmp_path / "lungs.mha", "--format", "nrrd")
    assert code == 1 and "need a folder to write to" in stderr


def test_the_volumes_of_many_scans_are_one_table(run, scan_file: Path, tmp_path: Path) -> None:
    """Protects `--csv`: a row for each input, the numbers of the JSON, a failed one with its reason."""
    table, report_file = tmp_path / "volumes.csv", tmp_path / "r.json"
    absent = tmp_path / "absent.nii.gz"
    arguments = ("segment", scan_file, absent, "-o", tmp_path / "out", "--raw", "--csv", table, "--json", report_file)
    assert run(*arguments)[0] == 1
    with table.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    summary = json.loads(report_file.read_text(encoding="utf-8"))[0]
    assert [row["input"] for row in rows] == [str(scan_file), str(absent)]
    assert rows[0]["output"] == summary["output"] and rows[0]["model"] == "tiny" and rows[0]["error"] == ""
    assert rows[0]["findings"].split() == [finding["code"] for finding in summary["findings"]]
    for region in ("right", "left", "total"):
        assert float(rows[0][f"{region}_ml"]) == pytest.approx(summary["volumes_ml"][region], abs=0.05)
        assert float(rows[0][f"{region}_mean_hu"]) == pytest.approx(summary["mean_hu"][region], abs=0.05)
    assert str(absent) in rows[1]["error"] and rows[1]["total_ml"] == ""
