"""What `lungunetseg train` cannot do is said in one line, before minutes are spent."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from phantom_cases import write_image
from training_command import fails_with

from LungUNetSegLib.cases.splits import Split, save_split
from LungUNetSegLib.cli import main
from LungUNetSegLib.io import read_labels
from LungUNetSegLib.volume import Volume


def test_a_split_with_a_patient_on_both_sides_is_refused(
    arguments: list[str], data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two scans of one patient, divided by hand."""
    index = "case,patient\np0,anna\np1,bert\np2,anna\n"
    (data / "index.csv").write_text(index, encoding="utf-8")
    split = tmp_path / "split.json"
    save_split(Split(training=("p0", "p1"), test=("p2",)), split)
    fails_with([*arguments, f"--split={split}"], "split.json has the patient anna in training and in test", capsys)
    assert not (tmp_path / "out").exists()


def test_an_old_training_is_not_overwritten(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "last.pt").touch()
    assert main(arguments) == 1
    assert "last.pt exists; continue it with --resume" in capsys.readouterr().err


def test_resuming_from_rubbish(arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "last.pt").write_bytes(b"rubbish")
    fails_with([*arguments, "--resume"], "last.pt", capsys)
    assert (tmp_path / "out" / "last.pt").read_bytes() == b"rubbish"


def test_resuming_with_other_settings(arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 0
    before = (tmp_path / "out" / "last.pt").read_bytes()
    fails_with([*arguments, "--resume", "--set", "seed=1"], "other settings", capsys)
    fails_with([*arguments, "--resume", "--set", "network.normalisation=group"], "other settings", capsys)
    assert (tmp_path / "out" / "last.pt").read_bytes() == before
    assert '"seed": 0' in (tmp_path / "out" / "config.json").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("extra", "sentence"),
    [
        (["--set", "batch_size=9"], "batch of 9 is larger than the set of 8 slices; lower batch_size"),
        (["--set", "network.name=vgg_segnet"], "begin with the preset vgg_segnet, which has that network's settings"),
        (["--set", "learning_rat=1"], "unknown setting 'learning_rat'"),
        (["--set", "network.depth=3"], "unknown setting 'depth'"),
        (["--set", "epochs=many"], "epochs must be of type int"),
        (["--set", "epochs"], "expected KEY=VALUE"),
        (["--folds", "4"], "3 patient(s) cannot be split"),
        (["--device", "cuda"], "no device 'cuda' here"),
        (["--data", "nowhere"], "no folder nowhere"),
        (["--workers", "-1"], "--workers must be at least 0, got -1"),
        (["--all", "--folds", "3"], "--all and --folds choose the test set in different ways; give one of them"),
        (["--split", "split.json", "--folds", "3"], "--split and --folds choose the test set in different ways"),
        (["--fold", "1"], "--fold 1 needs --folds K"),
    ],
)
def test_bad_settings_are_said_in_one_line_before_training(
    arguments: list[str], extra: list[str], sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if "cuda" in extra and torch.cuda.is_available():
        pytest.skip("this machine has the device")
    fails_with([*arguments, *extra], sentence, capsys)
    assert not (tmp_path / "out" / "last.pt").exists()


def test_bad_data_is_said_in_one_line(
    arguments: list[str], data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mask = data / "p1_seg.nii.gz"
    labels = read_labels(mask)
    binary = (labels.array > 0).astype(np.uint8)
    write_image(Volume(binary, labels.geometry), mask)
    fails_with(arguments, "one label for both lungs; train with network.out_channels=1", capsys)
    write_image(Volume(binary * 5, labels.geometry), mask)
    fails_with(arguments, "p1_seg.nii.gz", capsys)
    mask.unlink()
    for path in data.glob("p[02]*"):
        path.unlink()
    fails_with(arguments, "holds no case", capsys)


def test_an_output_that_cannot_be_written_is_said_at_once(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    fails_with([*arguments, "--out", str(tmp_path / "file" / "out")], "cannot be written", capsys)


def test_a_run_that_cannot_start_leaves_no_settings(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Protects who finds a folder later: settings and split stand beside the weights that came of them, and nowhere."""
    fails_with([*arguments, "--set", "start_from=nowhere.pt"], "nowhere.pt", capsys)
    assert not list(tmp_path.glob("out/*"))


def test_what_is_not_installed_is_said_before_slices_are_cached(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    fails_with([*arguments, "--tensorboard"], "TensorBoard is not installed", capsys)
    assert not (tmp_path / "cache").exists()
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    fails_with([*arguments, "--show-augmentation"], "needs matplotlib, which is not installed: in a checkout", capsys)
