"""The bar on a terminal: how far, and how long yet."""

from __future__ import annotations

import time

import pytest

from LungUNetSegLib.cli.progress import ProgressBar


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
