"""The history reads back as it was written, and TensorBoard gets every value of it."""

from __future__ import annotations

import csv
import math
import sys
from pathlib import Path
from types import ModuleType

import pytest

from LungUNetSegLib.errors import MissingDependencyError, WriteError
from LungUNetSegLib.training.history import read_history, tensorboard_writer, write_history

ROWS = [{"epoch": 1.0, "train_loss": 0.5, "val_dsc": math.nan}, {"epoch": 2.0, "train_loss": 0.25, "val_dsc": 0.9}]


def test_both_files_hold_every_row(tmp_path: Path) -> None:
    write_history(ROWS[:1], tmp_path)
    write_history(ROWS, tmp_path)
    read = read_history(tmp_path / "history.jsonl")
    assert read[1] == ROWS[1]
    assert math.isnan(read[0]["val_dsc"])
    with (tmp_path / "history.csv").open(newline="", encoding="utf-8") as file:
        assert [float(row["train_loss"]) for row in csv.DictReader(file)] == [0.5, 0.25]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["history.csv", "history.jsonl"]


def test_a_folder_that_is_gone_is_said(tmp_path: Path) -> None:
    with pytest.raises(WriteError, match=r"history\.csv"):
        write_history(ROWS, tmp_path / "gone")


def test_tensorboard_gets_every_value(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[tuple[str, float, int]] = []

    class SummaryWriter:
        def __init__(self, folder: Path) -> None:
            assert folder == tmp_path / "tensorboard"

        def add_scalar(self, name: str, value: float, step: int) -> None:
            written.append((name, value, step))

        def flush(self) -> None:
            pass

    module = ModuleType("torch.utils.tensorboard")
    module.SummaryWriter = SummaryWriter  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", module)
    tensorboard_writer(tmp_path)(ROWS[1])
    assert written == [("epoch", 2.0, 2), ("train_loss", 0.25, 2), ("val_dsc", 0.9, 2)]


def test_tensorboard_is_asked_for_when_it_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(MissingDependencyError, match="pip install tensorboard"):
        tensorboard_writer(tmp_path)
