"""Progress: the bar on a terminal and the time that is left, JSON for programs, nothing in a pipe."""

from __future__ import annotations

import io
import json
import time
from pathlib import Path

import pytest

from LungUNetSegLib.batch.jobs import Outcome
from LungUNetSegLib.batch.run import Totals
from LungUNetSegLib.cli import main
from LungUNetSegLib.cli.batch_progress import BatchView
from LungUNetSegLib.cli.progress import ProgressBar
from LungUNetSegLib.io import write_labels
from LungUNetSegLib.phantom import Phantom


class Clock:
    """Stands still until it is told to go on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr(time, "monotonic", lambda: self.now)


def last_line(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().err.split("\r")[-1].rstrip()


def test_a_stage_that_comes_again_has_a_time_of_its_own(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A training without validation tells of nothing but "train", epoch after epoch."""
    clock, bar = Clock(monkeypatch), ProgressBar()
    for epoch in range(3):
        for step in range(1, 51):
            clock.now += 1
            bar("train", step, 50)
            if step == 10:
                assert last_line(capsys).endswith("10/50  40 s left"), epoch


@pytest.mark.parametrize(("step_s", "left"), [(0.5, "50 s left"), (10, "16 min left"), (360, "9.9 h left")])
def test_long_times_are_in_minutes_and_hours(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, step_s: float, left: str
) -> None:
    clock, bar = Clock(monkeypatch), ProgressBar()
    bar("train", 0, 100)
    clock.now += step_s
    bar("train", 1, 100)
    assert last_line(capsys).endswith(left)


def test_a_batch_s_bar_tells_what_failed_and_what_is_at_work(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Protects who looks at a terminal in the night: the bar only counted, while JSON lines told all."""
    monkeypatch.setenv("COLUMNS", "100")
    clock, view = Clock(monkeypatch), BatchView(ProgressBar())
    view.heard(Totals(40), None)
    clock.now += 30
    view.heard(Totals(40, done=2, failed=1, errors={"a": "broken"}), Outcome(name="a", error="broken"))
    assert last_line(capsys).endswith("3/40  6 min left  1 failed")
    clock.now += 1
    view.tell("p1_ct-0123", "segment", 32, 133)
    assert last_line(capsys).endswith("3/40  6 min left  1 failed; segment 32/133 of p1_ct-0123")
    monkeypatch.setenv("COLUMNS", "70")
    clock.now += 1
    view.tell("p1_ct-0123", "write", 0, 1)
    assert len(last_line(capsys)) == 69, "the line wraps, and is not drawn over"


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
    assert any("1/1" in each for each in bars) and not wiped.strip() and heading.endswith("Both lungs")


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
