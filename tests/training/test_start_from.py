"""A training that begins with the weights of another: labs go on from what has learnt from others' scans."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from phantom_cases import TINY_TRAINING, write_three_patients
from torch import Tensor, nn

from LungUNetSegLib.cli import main
from LungUNetSegLib.engines.export import export
from LungUNetSegLib.errors import ModelError
from LungUNetSegLib.models.manifest import Training
from LungUNetSegLib.networks import build_network
from LungUNetSegLib.networks.folding import fold_batch_norm
from LungUNetSegLib.training.checkpoint import load_checkpoint
from LungUNetSegLib.training.distributed import Process
from LungUNetSegLib.training.trainer import Trainer

MakeTrainer = Callable[..., Trainer]


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `data` of three patients, `tiny.json` and a training on two of them in `first`."""
    folder = tmp_path_factory.mktemp("start_from")
    write_three_patients(folder / "data", slices=4)
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


def folded(trainer: Trainer) -> nn.Module:
    """Return a network of the trainer's settings, as it is exported."""
    torch.manual_seed(5)
    network = build_network(trainer.config.network).train()
    with torch.no_grad():
        network(torch.randn(4, 3, 32, 32))
    return fold_batch_norm(network, vars(trainer.config.network))[0].eval()


def started(make_trainer: MakeTrainer, process: Process | None = None, **settings: object) -> Trainer:
    """Return a trainer that has started from folded weights."""
    trainer = make_trainer(**settings)
    if process is not None:
        trainer.process = trainer.learner._process = process
    trainer.start_from(folded(trainer).state_dict())
    return trainer


def states(trainer: Trainer) -> list[dict[str, Tensor]]:
    return [each.state_dict() for each in (trainer.learner.network, trainer.learner.average) if each is not None]


def test_folded_weights_get_their_normalisation_back(
    make_trainer: MakeTrainer, caplog: pytest.LogCaptureFixture
) -> None:
    """Protects the first epoch from a jump: network and average compute what the folded network computes."""
    with caplog.at_level(logging.INFO):
        trainer = started(make_trainer, average_decay=0.9)
    assert [record.getMessage() for record in caplog.records] == [
        "The initial weights get back the batch normalisation that their export had folded."
    ]
    assert trainer.learner.average is not None
    image = torch.randn(2, 3, 32, 32)
    with torch.inference_mode():
        expected = folded(trainer)(image)
        for network in (trainer.learner.network.eval(), trainer.learner.average.eval()):
            torch.testing.assert_close(network(image), expected, atol=1e-4, rtol=1e-4)


def test_every_process_and_every_attempt_unfolds_to_the_same(
    make_trainer: MakeTrainer, caplog: pytest.LogCaptureFixture
) -> None:
    """Protects several processes, each of which trains its own copy, and a training that is pulled and goes on."""
    once, again = started(make_trainer), started(make_trainer)
    caplog.clear()
    with caplog.at_level(logging.INFO):
        second = started(make_trainer, Process(rank=1, world_size=2))
    assert not caplog.records, "the first process speaks for all"
    for other in (again, second):
        for ours, theirs in zip(states(once), states(other), strict=True):
            assert ours.keys() == theirs.keys() and all(torch.equal(ours[key], theirs[key]) for key in ours)


def test_folded_weights_of_another_network_are_refused(make_trainer: MakeTrainer) -> None:
    trainer = make_trainer()
    weights = {name: torch.zeros(3) for name in folded(trainer).state_dict()}
    with pytest.raises(ModelError, match="of another network"):
        trainer.start_from(weights)


def test_an_exported_model_remembers_the_cases_it_was_trained_on(
    first: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Protects from a score on scans that the model has learnt: only a checkpoint remembered them."""
    model = export(first / "first" / "last.pt", first / "known", "known")
    assert model.manifest is not None
    (own,) = model.manifest.training.cases
    assert own.cases == load_checkpoint(first / "first" / "last.pt").split.training
    assert train(first, "leak_of_model", "--folds=3", "--fold=1", *starting_from(first / "known")) == 1
    assert "was trained on the patient" in capsys.readouterr().err
    unnamed = export(first / "first" / "last.pt", first / "unnamed", "unnamed", training=Training())
    assert unnamed.manifest is not None and unnamed.manifest.training.cases == ()


def test_a_training_from_a_model_goes_on_to_the_same_weights(first: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Protects the pull to unfolded weights, which no checkpoint holds, across a restart."""
    export(first / "first" / "last.pt", first / "model", "model")
    options = ["--folds=3", *starting_from(first / "model"), "--set", "pull_to_start=20", "--set", "schedule=constant"]
    assert train(first, "part", *options) == 0
    assert "batch normalisation that their export had folded" in caplog.text
    assert train(first, "part", *options, "--set", "epochs=2", "--resume") == 0
    assert train(first, "full", *options, "--set", "epochs=2") == 0
    part, full = (load_checkpoint(first / name / "last.pt") for name in ("part", "full"))
    assert all(torch.equal(part.network[name], value) for name, value in full.network.items())
    assert any("running_mean" in name for name in full.network)
