"""Checkpoints are whole or not there, say what they are, and run no code."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from LungUNetSegLib.errors import ConfigError, ModelError, WriteError
from LungUNetSegLib.training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from LungUNetSegLib.training.trainer import Trainer


@pytest.fixture
def checkpoint(make_trainer: Callable[..., Trainer]) -> Checkpoint:
    return make_trainer(average_decay=0.9).checkpoint()


def test_all_of_it_survives_the_disk(checkpoint: Checkpoint, tmp_path: Path) -> None:
    save_checkpoint(checkpoint, tmp_path / "a.pt")
    loaded = load_checkpoint(tmp_path / "a.pt")
    for name in ("config", "split", "epoch", "history", "data_digest", "versions"):
        assert getattr(loaded, name) == getattr(checkpoint, name)
    assert all(torch.equal(loaded.weights[key], value) for key, value in checkpoint.weights.items())
    assert loaded.versions["torch"] == torch.__version__


def test_saving_again_replaces_and_leaves_nothing_beside(checkpoint: Checkpoint, tmp_path: Path) -> None:
    save_checkpoint(checkpoint, tmp_path / "a.pt")
    checkpoint.epoch = 7
    save_checkpoint(checkpoint, tmp_path / "a.pt")
    assert load_checkpoint(tmp_path / "a.pt").epoch == 7
    assert [path.name for path in tmp_path.iterdir()] == ["a.pt"]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), RuntimeError("file write failed")])
def test_a_full_disk_leaves_the_old_one(
    checkpoint: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    path = tmp_path / "a.pt"
    save_checkpoint(checkpoint, path)
    before = path.read_bytes()

    def fail(_: object, draft: Path) -> None:
        draft.write_bytes(b"half")
        raise error

    monkeypatch.setattr(torch, "save", fail)
    with pytest.raises(WriteError, match=r"a\.pt: cannot be written.*(No space left|is the disk full\?)"):
        save_checkpoint(checkpoint, path)
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["a.pt"]


class Malicious:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (os.mkdir, ("pwned",))


def test_a_malicious_checkpoint_runs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"format": "lungunetseg-checkpoint-1", "network": Malicious()}, tmp_path / "zip.pt")
    (tmp_path / "plain.pt").write_bytes(pickle.dumps(Malicious(), protocol=2))
    for name in ("zip.pt", "plain.pt"):
        with pytest.raises(ModelError, match=name):
            load_checkpoint(tmp_path / name)
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize("size", [0, 10, 5000])
def test_a_truncated_checkpoint_is_refused(checkpoint: Checkpoint, tmp_path: Path, size: int) -> None:
    path = tmp_path / "a.pt"
    save_checkpoint(checkpoint, path)
    os.truncate(path, size)
    with pytest.raises(ModelError, match=r"a\.pt"):
        load_checkpoint(path)


def test_a_missing_one_and_a_folder_are_named(tmp_path: Path) -> None:
    for path in (tmp_path / "none.pt", tmp_path):
        with pytest.raises(ModelError, match=path.name):
            load_checkpoint(path)


def test_another_programs_weights_are_refused(tmp_path: Path) -> None:
    torch.save({"state_dict": {"weight": torch.ones(2)}}, tmp_path / "other.pt")
    with pytest.raises(ModelError, match="not a checkpoint of a training"):
        load_checkpoint(tmp_path / "other.pt")


def test_a_setting_of_a_later_version_is_named(checkpoint: Checkpoint, tmp_path: Path) -> None:
    save_checkpoint(checkpoint, tmp_path / "a.pt")
    values = torch.load(tmp_path / "a.pt", weights_only=True)
    values["config"]["later_setting"] = 0.9
    torch.save(values, tmp_path / "a.pt")
    with pytest.raises(ConfigError, match="later_setting"):
        load_checkpoint(tmp_path / "a.pt")


def test_a_checkpoint_that_lacks_a_part_is_refused(checkpoint: Checkpoint, tmp_path: Path) -> None:
    save_checkpoint(checkpoint, tmp_path / "a.pt")
    values = torch.load(tmp_path / "a.pt", weights_only=True)
    del values["optimiser"]
    torch.save(values, tmp_path / "a.pt")
    with pytest.raises(ModelError, match="optimiser"):
        load_checkpoint(tmp_path / "a.pt")


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("epoch", "two"),
        ("network", [1]),
        ("average", 3),
        ("optimiser", None),
        ("scaler", 3),
        ("history", "rows"),
        ("split", None),
        ("config", [1]),
        ("later", 1),
        (7, 1),
    ],
)
def test_parts_of_another_kind_are_refused_and_called_no_bug(
    checkpoint: Checkpoint, tmp_path: Path, part: str, value: object
) -> None:
    """Whatever `weights_only` lets through may be in a file."""
    save_checkpoint(checkpoint, tmp_path / "a.pt")
    values = torch.load(tmp_path / "a.pt", weights_only=True) | {part: value}
    torch.save(values, tmp_path / "a.pt")
    with pytest.raises((ModelError, ConfigError), match=rf"a\.pt.*{part}"):
        load_checkpoint(tmp_path / "a.pt")
