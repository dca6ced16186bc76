"""Writes the training history: one row per epoch, as CSV for spreadsheets and JSON lines for programs."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from LungUNetSegLib.errors import INSTALL_TRAIN, MissingDependencyError
from LungUNetSegLib.files import replacing, write_csv

Row = Mapping[str, float]


def write_history(rows: Sequence[Row], folder: Path) -> None:
    """Write `history.csv` and `history.jsonl` atomically; NaN is an empty cell, and null.

    Raises:
        WriteError: No space, or no permission.
    """
    if not rows:
        return
    lines = [{name: None if math.isnan(value) else value for name, value in row.items()} for row in rows]
    names = list(rows[0])
    write_csv(folder / "history.csv", names, ([line.get(name) for name in names] for line in lines))
    with replacing(folder / "history.jsonl", ".jsonl") as draft:
        draft.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


def tensorboard_writer(folder: Path) -> Callable[[Row], None]:
    """Return the function that `Trainer` calls after each epoch to write the history for TensorBoard.

    Raises:
        MissingDependencyError: TensorBoard is not installed.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise MissingDependencyError(f"TensorBoard is not installed: {INSTALL_TRAIN}.") from error
    writer = SummaryWriter(folder / "tensorboard")

    def write(row: Row) -> None:
        for name, value in row.items():
            writer.add_scalar(name, value, int(row["epoch"]))
        writer.flush()

    return write


def best_epoch(history: Sequence[Row]) -> int:
    """Return the epoch, from 1, with the highest validation DSC; the last without validation, 0 before the first."""
    if not history or all(math.isnan(row["val_dsc"]) for row in history):
        return len(history)
    scores = [-1.0 if math.isnan(row["val_dsc"]) else row["val_dsc"] for row in history]
    return 1 + scores.index(max(scores))


def describe(row: Row) -> str:
    """Return one line for the log."""
    return ", ".join(f"{name} {value:.4g}" for name, value in row.items() if name != "epoch")
