"""The history reads back as it was written, and TensorBoard gets every value of it."""

from __future__ import annotations

import csv
import json
import math
import sys
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from LungUNetSegLib.errors import MissingDependencyError, WriteError
from LungUNetSegLib.training.history import tensorboard_writer, write_history

ROWS = [{"epoch": 1.0, "train_loss": 0.5, "val_dsc": math.nan}, {"epoch": 2.0, "train_loss": 0.25, "val_dsc": 0.9}]


def test_both_files_hold_every_row(tmp_path: Path) -> None:
    write_history(ROWS[:1], tmp_path)
    write_history(ROWS, tmp_path)
    read = [json.loads(line) for line in (tmp_path / "history.jsonl").read_text(encoding="utf-8").splitlines()]
    assert read == [{**ROWS[0], "val_dsc": None}, ROWS[1]]
    with (tmp_path / "history.csv").open(newline="", encoding="utf-8") as file:
        assert [float(row["train_loss"]) for row in csv.DictReader(file)] == [0.5, 0.25]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["history.csv", "history.jsonl"]


def test_what_has_no_value_is_null_and_an_empty_cell(tmp_path: Path) -> None:
    """JSON knows no NaN: other programs would refuse the file of every training without validation."""
    write_history(ROWS, tmp_path)

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    lines = (tmp_path / "history.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(lines[0], parse_constant=refuse) == {"epoch": 1.0, "train_loss": 0.5, "val_dsc": None}
    assert (tmp_path / "history.csv").read_text(encoding="utf-8").splitlines()[1] == "1.0,0.5,"


def test_a_full_disk_leaves_the_old_history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_history(ROWS[:1], tmp_path)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(csv, "writer", full)
    with pytest.raises(WriteError, match=r"history\.csv: cannot be written: No space left on device"):
        write_history(ROWS, tmp_path)
    assert len((tmp_path / "history.jsonl").read_text(encoding="utf-8").splitlines()) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["history.csv", "history.jsonl"]


def test_a_folder_that_is_gone_is_said(tmp_path: Path) -> None:
    with pytest.raises(WriteError, match=r"history\.csv"):
        write_history(ROWS, tmp_path / "gone")


def test_tensorboard_reads_every_value(tmp_path: Path) -> None:
    """Protects `--tensorboard`: the extra brings the package, and its own reader finds the numbers of each epoch."""
    write = tensorboard_writer(tmp_path)
    for row in ROWS:
        write(row)
    events = EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    read = {name: [(each.step, each.value) for each in events.Scalars(name)] for name in events.Tags()["scalars"]}
    assert set(read) == set(ROWS[0])
    assert read["train_loss"] == [(1, 0.5), (2, 0.25)]
    assert read["val_dsc"][1] == (2, pytest.approx(0.9))


def test_tensorboard_is_asked_for_when_it_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(MissingDependencyError, match="TensorBoard is not installed: in a checkout"):
        tensorboard_writer(tmp_path)
