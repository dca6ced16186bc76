"""A training that begins with the weights of another: labs go on from what has learnt from others' scans."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from phantom_cases import TINY_TRAINING, write_pair

from LungUNetSegLib.cli import main
from LungUNetSegLib.training.checkpoint import load_checkpoint


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `data` of three patients, `tiny.json` and a training on two of them in `first`."""
    folder = tmp_path_factory.mktemp("start_from")
    for seed in range(3):
        write_pair(folder / "data", f"p{seed}", slices=4, seed=seed)
    (folder / "tiny.json").write_text(json.dumps({**TINY_TRAINING, "epochs": 1}), encoding="utf-8")
    assert train(folder, "first", "--folds=3", "--fold=0") == 0
    return folder


def train(folder: Path, out: str, *options: str) -> int:
    places = {"data": "data", "cache": "cache", "config": "tiny.json", "out": out}
    given = [f"--{name}={folder / path}" for name, path in places.items()]
    return main(["train", "--device=cpu", "--threads=1", *given, *options])


def starting_from(checkpoint: Path) -> list[str]:
    return ["--set", f"start_from={checkpoint}"]


def test_the_first_weights_are_the_others(first: Path) -> None:
    """At a rate of almost 0 the second training ends where it began, in the average that is used as in the network."""
    start = first / "first" / "last.pt"
    assert train(first, "second", "--folds=3", *starting_from(start), "--set", "learning_rate=1e-12") == 0
    ours, theirs = load_checkpoint(first / "second" / "last.pt"), load_checkpoint(start)
    assert ours.epoch == 1
    for name, weight in theirs.weights.items():
        if "running" not in name and "tracked" not in name:  # batch normalisation's statistics move with the data
            assert torch.allclose(ours.weights[name], weight, atol=1e-6), name
            assert torch.allclose(ours.network[name], weight, atol=1e-6), name
    assert ours.config.start_from == str(start)


def test_a_training_that_was_stopped_goes_on_from_its_own_weights(first: Path) -> None:
    options = ["--folds=3", *starting_from(first / "first" / "last.pt"), "--set", "schedule=constant"]
    assert train(first, "stopped", *options) == 0
    assert train(first, "stopped", *options, "--set", "epochs=2", "--resume") == 0
    assert train(first, "whole", *options, "--set", "epochs=2") == 0
    stopped, whole = (load_checkpoint(first / name / "last.pt") for name in ("stopped", "whole"))
    assert all(torch.equal(stopped.network[name], value) for name, value in whole.network.items())


def test_a_patient_that_the_first_weights_know_is_not_tested_on(
    first: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Else a DSC on the test set would be one on the training set."""
    assert train(first, "leak", "--folds=3", "--fold=1", *starting_from(first / "first" / "last.pt")) == 1
    assert "was trained on the patient" in capsys.readouterr().err
    assert not (first / "leak").exists()


@pytest.mark.parametrize(
    ("content", "said"), [(None, "nowhere.pt"), (b"rubbish", "rubbish.pt")], ids=["missing", "damaged"]
)
def test_weights_that_cannot_be_read(
    first: Path, content: bytes | None, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = first / said
    if content is not None:
        path.write_bytes(content)
    assert train(first, "unread", *starting_from(path)) == 1
    assert said in capsys.readouterr().err


def test_weights_of_another_network_are_refused(first: Path, capsys: pytest.CaptureFixture[str]) -> None:
    start = starting_from(first / "first" / "last.pt")
    assert train(first, "other", "--all", *start, "--set", "network.features_per_stage=[8,16]") == 1
    assert "of another network" in capsys.readouterr().err
    assert not (first / "other" / "last.pt").exists()
