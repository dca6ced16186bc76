"""A training that ends in the middle of its writing, or cannot write, loses the running epoch at most."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from LungUNetSegLib.errors import WriteError
from LungUNetSegLib.training.checkpoint import load_checkpoint
from LungUNetSegLib.training.trainer import Trainer

FILES_AN_EPOCH = 4
"""best.pt, history.csv, history.jsonl and last.pt, where each epoch is the best, as nothing is validated."""


@pytest.mark.parametrize("written", range(2 * FILES_AN_EPOCH, 3 * FILES_AN_EPOCH))
def test_killed_between_any_two_files_it_ends_with_the_same_files(
    make_trainer: Callable[..., Trainer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: int
) -> None:
    """Also in the last epoch, after which nothing would be written again."""
    out, replace, count = tmp_path / "out", Path.replace, 0

    def replace_or_die(draft: Path, target: Path) -> Path:
        nonlocal count
        count += 1
        if count > written:
            raise KeyboardInterrupt
        return replace(draft, target)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Path, "replace", replace_or_die)
        make_trainer(epochs=3, validated=False).run()
    resumed = make_trainer(epochs=3, validated=False)
    resumed.resume(load_checkpoint(out / "last.pt"))
    resumed.run()
    assert [load_checkpoint(out / name).epoch for name in ("last.pt", "best.pt")] == [3, 3]
    assert len((out / "history.jsonl").read_text(encoding="utf-8").splitlines()) == 3


def test_a_disk_that_is_too_small_is_said_before_the_first_epoch(
    make_trainer: Callable[..., Trainer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Weights, their average and two moments, in two files and the draft of one: 12 times the weights."""
    trainer = make_trainer(average_decay=0.9)
    weights = sum(value.nbytes for value in trainer.learner.network.state_dict().values())
    free = 11 * weights

    def usage(folder: Path) -> SimpleNamespace:
        assert folder.is_dir()
        return SimpleNamespace(free=free)

    monkeypatch.setattr(shutil, "disk_usage", usage)
    with pytest.raises(WriteError, match=r"out: checkpoints need .* MB .* free some space"):
        trainer.run()
    assert not list((tmp_path / "out").iterdir())
    free = 13 * weights
    assert trainer.run().epoch == 2
    free = 5 * weights  # enough where both are there already
    assert make_trainer(average_decay=0.9).run().epoch == 2
