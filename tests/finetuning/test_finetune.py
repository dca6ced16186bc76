"""`lungunetseg finetune` from corrected cases to an own model, stopped on the way, and with bad input."""

from __future__ import annotations

import json
import math
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from LungUNetSegLib.cases.labelled import find_cases
from LungUNetSegLib.cli import main
from LungUNetSegLib.errors import DataError, EngineError
from LungUNetSegLib.finetuning.card import comparison_table, scores_json
from LungUNetSegLib.finetuning.memory import limited
from LungUNetSegLib.finetuning.scores import LungScore, mean_dsc
from LungUNetSegLib.finetuning.settings import finetuning_config, finetuning_split
from LungUNetSegLib.models.model import DEFAULT_MODEL, load_model, own_models, shipped_models
from LungUNetSegLib.progress import silent
from LungUNetSegLib.training.checkpoint import load_checkpoint
from LungUNetSegLib.training.start import Start, read_start


def finetune(data: Path, model: Path, out: Path, *options: str) -> int:
    places = {"data": data, "model": model, "out": out, "cache": out.parent / "cache"}
    given = [f"--{name}={path}" for name, path in places.items()]
    return main(["finetune", "--device=cpu", "--threads=1", *given, *options])


def test_corrected_scans_become_an_own_model_with_its_card(
    corrected: Path, model: Path, own: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Protects the whole way: a folded model is trained, its coarse network is kept, and the result has a name."""
    assert finetune(corrected, model, tmp_path / "mine", "--epochs=1") == 0
    assert "it is used only with --model mine" in capsys.readouterr().out
    assert own_models() == ["mine"] and load_model().name == DEFAULT_MODEL
    found, base = load_model("mine"), load_model(model)
    assert found.sha256 != base.sha256
    assert found.coarse is not None and base.coarse is not None and found.coarse.sha256 == base.coarse.sha256
    split = load_checkpoint(tmp_path / "mine" / "last.pt").split
    assert len(split.training) == 2 and len(split.test) == 1
    assert found.manifest is not None and found.manifest.training.cases[-1].cases == split.training
    ((_, scores),) = found.manifest.scores.items()
    assert {row["case"] for row in scores["lungs"]} == set(split.test)
    card = (own / "mine" / "README.md").read_text(encoding="utf-8")
    assert base.sha256[:12] in card and f"Tested on: {split.test[0]}." in card and "| **mean** |" in card


def test_a_stopped_fine_tuning_goes_on_to_the_same_weights(
    corrected: Path, model: Path, own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Protects the pull to the initial weights, which no checkpoint holds, across a restart."""
    exported = []

    def keep(checkpoint: Path, target: Path, *_: object) -> SimpleNamespace:
        exported.append(target.name)
        return SimpleNamespace(name=target.name)

    def stop(row: object) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr("LungUNetSegLib.cli.finetune._export", keep)
    assert finetune(corrected, model, tmp_path / "whole", "--epochs=2") == 0
    with monkeypatch.context() as patch:
        patch.setattr("LungUNetSegLib.training.trainer.describe", stop)
        assert finetune(corrected, model, tmp_path / "stopped", "--epochs=2") == 1
    assert load_checkpoint(tmp_path / "stopped" / "last.pt").epoch == 1 and exported == ["whole"]
    assert finetune(corrected, model, tmp_path / "stopped", "--epochs=2") == 1  # without --resume
    assert finetune(corrected, model, tmp_path / "stopped", "--epochs=2", "--resume") == 0
    assert exported == ["whole", "stopped"]
    stopped, whole = (load_checkpoint(tmp_path / name / "last.pt") for name in ("stopped", "whole"))
    assert all(torch.equal(stopped.network[name], value) for name, value in whole.network.items())


def test_the_pull_takes_the_stated_share_of_the_difference(model: Path, own: Path) -> None:
    """Protects the formula: after a step a weight lies `pull_to_start` times the learning rate nearer to its start."""
    from LungUNetSegLib.training.optimiser import pull

    network = torch.nn.Linear(1, 1, bias=False)
    network.weight.data.fill_(3.0)
    pull(network, [torch.tensor([[1.0]])], 0.25)
    assert network.weight.item() == 2.5
    pull(network, [torch.tensor([[1.0]])], 7.0)
    assert network.weight.item() == 1.0


def test_the_pull_needs_a_start() -> None:
    from LungUNetSegLib.errors import ConfigError
    from LungUNetSegLib.training.config import TrainingConfig

    with pytest.raises(ConfigError, match="pull_to_start needs initial weights"):
        TrainingConfig(pull_to_start=1.0)


def test_the_shipped_model_can_begin_a_fine_tuning() -> None:
    """Protects `lungunetseg finetune` without --model: settings and weights of what is shipped fit each other."""
    if DEFAULT_MODEL not in shipped_models():
        pytest.skip("no model is shipped in this checkout")
    from LungUNetSegLib.networks import build_network

    start = read_start(DEFAULT_MODEL)
    network = build_network(finetuning_config(start, DEFAULT_MODEL).network)
    assert not network.load_state_dict(start.weights).missing_keys
    assert "LIDC-IDRI-0002" in start.learnt


def test_too_few_patients_are_named(corrected: Path, model: Path, tmp_path: Path) -> None:
    cases = find_cases(corrected)
    with pytest.raises(DataError, match=r"at least 3 patients.*has only p0, p1\."):
        finetuning_split(cases[:2], read_start(str(model)), corrected)


def test_patients_that_the_model_knows_are_learnt_from_but_not_tested_on(corrected: Path, model: Path) -> None:
    start = read_start(str(model))
    known = Start(**vars(start) | {"learnt": frozenset({"p0", "p2"})})
    split = finetuning_split(find_cases(corrected), known, corrected)
    assert split.test == ("p1",) and split.training == ("p0", "p2")
    all_known = Start(**vars(start) | {"learnt": frozenset({"p0", "p1", "p2"})})
    with pytest.raises(DataError, match="p0, p1, p2, and the model was trained on all"):
        finetuning_split(find_cases(corrected), all_known, corrected)


@pytest.mark.parametrize("name", ["../up", "", "lungs", ".hidden"])
def test_a_name_that_is_none_or_taken_is_refused_before_training(
    name: str, corrected: Path, model: Path, own: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if name == "":
        (own / "taken").mkdir(parents=True)
        (own / "taken" / "manifest.json").touch()
        name = "taken"
    assert finetune(corrected, model, tmp_path / "run", f"--name={name}") == 1
    assert "name" in capsys.readouterr().err and not (tmp_path / "run").exists()


def test_more_memory_than_allowed_ends_the_work() -> None:
    limited(silent, 100, lambda: 99.0)("train", 1, 2)
    limited(silent, 100, lambda: None)("train", 1, 2)
    with pytest.raises(EngineError, match="has used 101 MB of memory, more than the limit of 100 MB"):
        limited(silent, 100, lambda: 101.0)("train", 1, 2)


def test_the_table_gives_the_change_of_each_lung_and_of_the_mean() -> None:
    """Protects the card: 0.9 and 0.8 become 0.92 and 0.8, so the mean rises from 0.85 by 0.01."""

    def rows(right: float, left: float, of_a_slice_without_lung: float = math.nan) -> list[LungScore]:
        lungs = {"Right lung": right, "Left lung": left, "Lungs": of_a_slice_without_lung}
        return [LungScore(case="c", lung=lung, dsc=dsc, mean_surface_mm=math.inf) for lung, dsc in lungs.items()]

    before, after = rows(0.9, 0.8), rows(0.92, 0.8)
    assert mean_dsc(before) == pytest.approx(0.85) and math.isnan(mean_dsc(rows(math.nan, math.nan)))
    scores = scores_json(before, after)
    json.dumps(scores, allow_nan=False)
    lines = comparison_table(scores).splitlines()
    assert lines[2] == "| c | Right lung | 0.9000 | 0.9200 | +0.0200 | – | – |"
    assert lines[3] == "| c | Left lung | 0.8000 | 0.8000 | +0.0000 | – | – |"
    assert lines[5] == "| **mean** | | 0.8500 | 0.8600 | +0.0100 | | |"
