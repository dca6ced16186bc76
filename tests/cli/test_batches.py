"""Many scans in one command: one that fails stops no other, and a batch that is stopped keeps what it has."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path, PureWindowsPath

import pytest
import SimpleITK as sitk

from LungUNetSegLib.cli import segment
from LungUNetSegLib.cli.segment_outputs import distinct_names
from LungUNetSegLib.errors import EngineError
from LungUNetSegLib.evaluation import evaluate
from LungUNetSegLib.phantom import Phantom
from LungUNetSegLib.volume.resample import to_sitk


@pytest.fixture
def scans(small_phantom: Phantom, tmp_path: Path) -> list[Path]:
    """Three scans."""
    paths = [tmp_path / f"{name}.nrrd" for name in "abc"]
    for path in paths:
        sitk.WriteImage(to_sitk(small_phantom.ct), str(path))
    return paths


@pytest.mark.parametrize("progress", ["none", "json"])
def test_an_error_of_any_kind_stops_that_scan_only(
    run, scans: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, progress: str
) -> None:
    """Protects the third scan from too little memory for the second, and who has no report from not being told."""
    read_scan = segment.read_scan

    def read(path: Path, series: str | None) -> object:
        if path == scans[1]:
            raise MemoryError
        return read_scan(path, series)

    monkeypatch.setattr(segment, "read_scan", read)
    code, stdout, stderr = run("segment", *scans, "-o", tmp_path / "out", "--progress", progress)
    assert code == 1
    assert f"{scans[1]}: There is not enough memory" in stderr and "1 of 3 scans failed" in stderr
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.nii.gz", "c.nii.gz"]
    assert progress == "none" or all(json.loads(line) for line in stdout.splitlines())


@pytest.mark.parametrize("number", [1, 2])
def test_without_an_engine_that_is_said_and_not_what_is_wrong_with_a_scan(
    run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """Protects who would mend a scan first, and then hear that nothing can be segmented at all."""

    def no_engine(*arguments: object) -> object:
        raise EngineError("there is no engine")

    monkeypatch.setattr(segment, "Segmenter", no_engine)
    missing = [tmp_path / f"missing {each}" for each in range(number)]
    code, _, stderr = run("segment", *missing, "-o", tmp_path / "out", "--format", "nii.gz")
    assert code == 1 and "there is no engine" in stderr and "missing" not in stderr


def test_an_error_of_any_kind_stops_that_case_only(
    run, scans: list[Path], small_phantom: Phantom, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Protects the scores of the other cases."""
    for kind in ("predictions", "references"):
        (tmp_path / kind).mkdir()
        for name in "ab":
            sitk.WriteImage(to_sitk(small_phantom.labels), str(tmp_path / kind / f"{name}.nrrd"))
    compare = evaluate.evaluate_pair

    def fail(pair: object, *arguments: object, **options: object) -> object:
        if pair.name == "a":
            raise MemoryError
        return compare(pair, *arguments, **options)

    monkeypatch.setattr(evaluate, "evaluate_pair", fail)
    code, stdout, stderr = run("evaluate", tmp_path / "predictions", tmp_path / "references")
    assert code == 1 and "b: Both lungs" in stdout and "a: There is not enough memory" in stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_batch_that_is_stopped_keeps_its_finished_scans(
    scans: list[Path], tiny_model: Path, tmp_path: Path, number: signal.Signals
) -> None:
    """Protects the numbers of a night; the scheduler of a cluster ends a job by SIGTERM. Nothing half written stays."""
    script = """
import sys, time
from LungUNetSegLib.cli import main, segment
write, written = segment.write_labels, []
def wait_in_the_second(path, *arguments, **options):
    write(path, *arguments, **options)
    written.append(path)
    if len(written) == 2:
        from LungUNetSegLib.files import replacing
        with replacing(path, ".nrrd") as draft:
            draft.write_text("half")
            print("half written", flush=True)
            time.sleep(60)
segment.write_labels = wait_in_the_second
sys.exit(main(sys.argv[1:]))
"""
    report = tmp_path / "report.json"
    words = ["segment", *scans, "-o", tmp_path / "out", "--json", report, "--model", tiny_model]
    command = [sys.executable, "-c", script, *map(str, words)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None and child.stderr is not None
        while "half" not in (line := child.stdout.readline()):
            assert line, child.stderr.read()
        child.send_signal(number)
        code, told = child.wait(timeout=30), child.stderr.read()
    assert code == 128 + number and told.count("\n") == 1
    assert [each["input"] for each in json.loads(report.read_text(encoding="utf-8"))] == [str(scans[0])]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.nii.gz", "b.nii.gz"]


def test_scans_on_two_drives_get_names() -> None:
    """Protects who has scans on C: and on D:, which have no folder in common."""
    paths = [PureWindowsPath(path) for path in (r"C:\scans\a.nii", r"D:\a.nii", r"\\server\share\x\a.nii")]
    assert distinct_names(paths) == ["C_scans_a.nii", "D_a.nii", "server_share_x_a.nii"]
    assert distinct_names([Path("/data/p1/ct"), Path("/data/p2/ct")]) == ["p1_ct", "p2_ct"]
    assert distinct_names([Path("/data/p1/a.nii"), Path("/data/p1/b.nii")]) == ["a.nii", "b.nii"]
