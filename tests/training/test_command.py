"""`lungunetseg train` from a folder of cases to checkpoints, continued, stopped and killed on the way."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from phantom_cases import write_image
from training_command import fails_with

from LungUNetSegLib.cases.splits import Split, load_split, save_split
from LungUNetSegLib.cli import main
from LungUNetSegLib.config import from_json
from LungUNetSegLib.errors import ConfigError
from LungUNetSegLib.io import read_labels
from LungUNetSegLib.training.checkpoint import load_checkpoint
from LungUNetSegLib.training.config import TrainingConfig
from LungUNetSegLib.training.presets import LUNGS, PAPER, read_config
from LungUNetSegLib.volume import Volume


def test_a_folder_of_cases_becomes_weights(arguments: list[str], tmp_path: Path) -> None:
    assert main(arguments) == 0
    state = load_checkpoint(tmp_path / "out" / "last.pt")
    assert state.epoch == 2
    assert len(state.split.training) == 2
    weights = torch.load(tmp_path / "out" / "trained_model.pt", weights_only=True)
    assert all(torch.equal(weights[key], value) for key, value in state.weights.items())
    assert load_split(tmp_path / "out" / "split.json") == state.split
    saved = json.loads((tmp_path / "out" / "config.json").read_text(encoding="utf-8"))
    assert from_json(TrainingConfig, saved) == state.config
    assert state.config.augment == LUNGS.augment  # what tiny.json does not name is the preset's


def test_all_cases_a_fold_and_a_given_split(arguments: list[str], tmp_path: Path) -> None:
    one_epoch = ["--set", "epochs=1", "--out"]
    assert main([*arguments, "--all", *one_epoch, str(tmp_path / "all")]) == 0
    assert load_split(tmp_path / "all" / "split.json").training == ("p0", "p1", "p2")
    assert main([*arguments, "--folds", "3", "--fold", "2", *one_epoch, str(tmp_path / "fold")]) == 0
    split = load_split(tmp_path / "fold" / "split.json")
    assert len(split.test) == 1
    given = ["--split", str(tmp_path / "fold" / "split.json")]
    assert main([*arguments, *given, *one_epoch, str(tmp_path / "again")]) == 0
    assert load_split(tmp_path / "again" / "split.json") == split


def test_cases_that_are_left_out_are_named(
    arguments: list[str], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Protects who adds scans later: those that an old split does not name, or the settings exclude, are not learnt."""
    split = tmp_path / "split.json"
    save_split(Split(training=("p0",), test=()), split)
    given = [*arguments, "--set", "epochs=1", "--set", "batch_size=4", "--set", 'exclude=["p2", "P1"]']
    assert main([*given, f"--split={split}"]) == 0
    assert "p2: left out, as the settings exclude it." in caplog.text
    assert "The settings exclude P1, but no case or patient has that name." in caplog.text
    assert "Neither trained nor tested on, as the split does not name them: p1." in caplog.text


def test_resuming_with_another_split_is_refused_and_with_none_goes_on(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever asks for fold 1 must not get a network that has seen it."""
    constant = ["--set", "schedule=constant", "--set"]
    assert main([*arguments, "--folds=3", *constant, "epochs=1"]) == 0
    longer = [*arguments, "--resume", *constant, "epochs=2"]
    for other in (["--folds=3", "--fold=1"], ["--all"]):
        fails_with([*longer, *other], "made with another split", capsys)
    assert main([*longer, "--folds=3"]) == main([*longer]) == 0
    assert load_checkpoint(tmp_path / "out" / "last.pt").epoch == 2


def test_a_resumed_training_has_its_own_settings_can_be_prolonged_and_says_when_it_is_finished(
    arguments: list[str], tmp_path: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    """Protects who goes on with the one command that the documents give: --data, --out and --resume."""
    assert main([*arguments, "--set", "seed=3", "--set", "epochs=1"]) == 0
    assert "Finished: 1 of 1 epochs. The highest validation DSC is 0." in caplog.text
    assert "--resume --set epochs=N" in caplog.text
    plain = [each for each in arguments if not each.startswith("--config")]
    out = tmp_path / "out"
    before = torch.load(out / "last.pt", weights_only=True)["network"]
    caplog.clear()
    assert main([*plain, "--resume"]) == 0
    assert "Finished: 1 of 1 epochs." in caplog.text
    assert all(torch.equal(load_checkpoint(out / "last.pt").network[key], value) for key, value in before.items())
    assert main([*plain, "--resume", "--set", "epochs=2"]) == 0
    assert "Continuing after epoch 1 of 2." in caplog.text and "The learning rate rises again" in caplog.text
    state = load_checkpoint(out / "last.pt")
    assert (state.epoch, state.config.epochs, state.config.seed) == (2, 2, 3)
    assert json.loads((out / "config.json").read_text(encoding="utf-8"))["epochs"] == 2
    fails_with([*plain, "--resume", "--preset", "paper"], "other settings", capsys)


def test_kill_9_loses_the_running_epoch_alone(arguments: list[str], tmp_path: Path) -> None:
    """A process killed at any moment leaves a checkpoint, from which the weights of an uninterrupted run follow."""
    arguments = [*arguments, "--set", "epochs=25", "--set", "sampling.slices_per_epoch=4"]
    last = tmp_path / "out" / "last.pt"
    process = subprocess.Popen([sys.executable, "-m", "LungUNetSegLib", *arguments], stderr=subprocess.DEVNULL)
    end = time.monotonic() + 120
    while not last.exists() and process.poll() is None and time.monotonic() < end:
        time.sleep(0.01)
    process.kill()
    process.wait()
    assert 1 <= load_checkpoint(last).epoch < 25
    assert main([*arguments, "--resume"]) == 0
    resumed = load_checkpoint(last)
    assert main([*arguments, "--out", str(tmp_path / "whole")]) == 0
    whole = load_checkpoint(tmp_path / "whole" / "last.pt")
    assert resumed.epoch == whole.epoch == 25
    assert all(torch.equal(resumed.weights[key], value) for key, value in whole.weights.items())


TERMINATED = """
import os, signal, sys
from LungUNetSegLib.cli import main
from LungUNetSegLib.training.trainer import Trainer

train_epoch = Trainer._train_epoch

def train_and_be_terminated(trainer, batches):
    row = train_epoch(trainer, batches)
    if trainer.epoch == 1:
        os.kill(os.getpid(), signal.SIGTERM)
    return row

Trainer._train_epoch = train_and_be_terminated
before = signal.getsignal(signal.SIGTERM)
code = main(sys.argv[1:])
assert signal.getsignal(signal.SIGTERM) is before
sys.exit(code)
"""


def test_sigterm_ends_with_a_sentence_and_a_checkpoint(arguments: list[str], tmp_path: Path) -> None:
    """In a process of its own, as a signal is sent to all that a process has loaded."""
    child = subprocess.run([sys.executable, "-c", TERMINATED, *arguments], capture_output=True, text=True, check=False)
    assert child.returncode == 1, child.stderr
    assert "Training was stopped." in child.stderr.splitlines()[-1]
    assert load_checkpoint(tmp_path / "out" / "last.pt").epoch == 1


@pytest.mark.parametrize("epoch", [1, 2])
def test_a_disk_that_runs_full_loses_the_running_epoch_alone(
    arguments: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    epoch: int,
) -> None:
    """And says what there is, not what would have been."""
    save, last = torch.save, tmp_path / "out" / "last.pt"
    assert main([*arguments, "--out", str(tmp_path / "whole")]) == 0

    def save_or_fail(values: dict[str, Any], draft: Path) -> None:
        if values.get("epoch") == epoch:
            raise RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 179456 vs 179348.")
        save(values, draft)

    with monkeypatch.context() as patch:
        patch.setattr(torch, "save", save_or_fail)
        assert main(arguments) == 1
    sentence = capsys.readouterr().err.splitlines()[-1]
    assert "is the disk full?" in sentence
    remains = "No epoch was finished" if epoch == 1 else f"{last} holds 1 finished epoch(s); continue with --resume"
    assert remains in sentence
    assert main([*arguments, "--resume"]) == 0
    whole = load_checkpoint(tmp_path / "whole" / "last.pt")
    assert all(torch.equal(load_checkpoint(last).weights[key], value) for key, value in whole.weights.items())


def test_one_label_for_both_lungs_trains_one_channel(arguments: list[str], data: Path) -> None:
    for mask in data.glob("*_seg.nii.gz"):
        labels = read_labels(mask)
        write_image(Volume((labels.array > 0).astype(np.uint8), labels.geometry), mask)
    assert main([*arguments, "--set", "network.out_channels=1", "--set", "epochs=1"]) == 0


def test_the_augmentation_is_shown_and_nothing_trained(arguments: list[str], tmp_path: Path) -> None:
    assert main([*arguments, "--show-augmentation"]) == 0
    assert (tmp_path / "out" / "augmentation.png").read_bytes().startswith(b"\x89PNG")
    assert not (tmp_path / "out" / "last.pt").exists()


def test_showing_the_augmentation_leaves_a_finished_run_as_it_is(arguments: list[str], tmp_path: Path) -> None:
    """Protects the model card, which would be scored on training cases if another split stood beside the weights."""
    assert main([*arguments, "--set", "epochs=1"]) == 0
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    assert main([*arguments, "--set", "epochs=1", "--set", "seed=7", "--all", "--show-augmentation"]) == 0
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir() if path.name in before} == before


def test_figures_of_a_training(
    arguments: list[str],
    data: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`lungunetseg figures` scores what was trained and tested on, slice by slice; tests/paper draws."""
    monkeypatch.setattr("matplotlib.figure.Figure.savefig", lambda _, path, **how: Path(path).touch())
    assert main(arguments) == 0
    places = [f"--data={data}", f"--cache={tmp_path / 'cache'}"]
    assert main(["figures", str(tmp_path / "out"), *places, f"--longer={tmp_path / 'out'}"]) == 0
    assert len(list((tmp_path / "out" / "figures").glob("figure_*.png"))) == 10
    printed = capsys.readouterr().out
    assert printed.startswith("training: binary accuracy 0.")
    assert "test: binary accuracy 0." in printed
    assert main([*arguments, "--all", "--out", str(tmp_path / "all")]) == 0
    fails_with(["figures", str(tmp_path / "all"), *places], "no test results to draw", capsys)
    fails_with(["figures", str(tmp_path / "none"), *places], "last.pt cannot be read", capsys)


def test_settings_are_merged_key_by_key(tmp_path: Path) -> None:
    (tmp_path / "c.json").write_text('{"augment": {"flip": 0.0}, "epochs": 5}', encoding="utf-8")
    config = read_config("lungs", tmp_path / "c.json", ["epochs=6", "pathology=null", "optimiser=adam"])
    assert config.augment is not None
    assert (config.augment.flip, config.augment.gamma) == (0.0, LUNGS.augment.gamma)
    assert (config.epochs, config.pathology, config.optimiser) == (6, None, "adam")
    for content in ("[1]", "{", None):
        path = tmp_path / "bad.json"
        path.write_text(content, encoding="utf-8") if content else path.unlink()
        with pytest.raises(ConfigError, match=r"bad\.json"):
            read_config("lungs", path, [])


def test_the_papers_preset_is_the_papers() -> None:
    """Sections 2.3 to 3.1: 512 x 512, 16-32-64-128, one channel, Adam at 0.1, batch 3, 10 epochs, alpha 0.5."""
    network = PAPER.network
    assert (PAPER.preprocess.size, PAPER.batch_size, PAPER.epochs, PAPER.alpha) == ((512, 512), 3, 10, 0.5)
    assert (PAPER.optimiser, PAPER.learning_rate, PAPER.schedule, PAPER.warmup_epochs) == ("adam", 0.1, "constant", 0)
    assert (network.features_per_stage, network.out_channels, network.normalisation) == ((16, 32, 64, 128), 1, "batch")
    assert (PAPER.augment, PAPER.pathology, PAPER.l1, PAPER.l2) == (None, None, 0, 0)
    assert PAPER.exclude == LUNGS.exclude == ("LIDC-IDRI-0001",)
