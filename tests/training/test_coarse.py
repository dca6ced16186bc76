"""The coarse network's training: what it sees, that it learns, replays, and tells nobody of what it learnt from."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from phantom_cases import write_pair

from LungUNetSegLib.cases.labelled import Case
from LungUNetSegLib.data.cache import CachedCase, cache_case
from LungUNetSegLib.data.sampled_views import ViewConfig
from LungUNetSegLib.data.views import whole_view
from LungUNetSegLib.errors import ConfigError, DataError
from LungUNetSegLib.metrics import count
from LungUNetSegLib.networks import UNet3dConfig, UNetConfig
from LungUNetSegLib.preprocessing import PreprocessConfig
from LungUNetSegLib.training import preparation
from LungUNetSegLib.training.checkpoint import load_checkpoint
from LungUNetSegLib.training.coarse import CoarseConfig, build_coarse, parts_of, train_coarse
from LungUNetSegLib.training.coarse_views import Scans, predict_view
from LungUNetSegLib.training.config import TrainingConfig
from LungUNetSegLib.training.preparation import prepare_views

GRID = PreprocessConfig(spacing_mm=6.0, size=(64, 64), context_mm=20.0, coarse_mm=12.0)
COARSE = CoarseConfig(network=UNet3dConfig(features_per_stage=(8, 16)), steps=60, part_steps=2, batch_size=1, parts=2)
CONFIG = TrainingConfig(
    preprocess=GRID,
    network=UNetConfig(in_channels=5, out_channels=2, features_per_stage=(4, 8)),
    views=ViewConfig(per_case=2),
    coarse=COARSE,
)


@pytest.fixture(scope="module")
def phantoms(tmp_path_factory: pytest.TempPathFactory) -> list[CachedCase]:
    """Two phantoms of eight slices, each a patient, on a grid of 6 mm."""
    folder = tmp_path_factory.mktemp("coarse")
    return [cache_case(write_pair(folder, f"p{seed}", slices=8, seed=seed), GRID, folder) for seed in (1, 2)]


def test_it_learns_the_lungs_and_their_sides(phantoms: list[CachedCase]) -> None:
    """From two phantoms and 120 steps, each turned and stretched anew: both lungs of the whole scan, each its own."""
    scans = Scans.of(phantoms, GRID, ViewConfig(shorter=0, narrower=0, rounded=0), None)
    network = build_coarse(COARSE, train_coarse(scans, [0, 1], COARSE, 120, seed=0))
    hu, lungs = scans.see(0, whole_view(8, GRID.size))
    said = predict_view(network, hu, GRID)
    assert said.shape == tuple(lungs.shape)
    for side in (0, 1):
        assert count(said[side] > 127, lungs[side].numpy() > 0.5).dsc > 0.75


def test_the_seed_decides_the_weights(phantoms: list[CachedCase]) -> None:
    scans = Scans.of(phantoms, GRID, ViewConfig(), None)
    first, second, other = (train_coarse(scans, [0, 1], COARSE, 2, seed) for seed in (1, 1, 2))
    assert all(torch.equal(first[key], second[key]) for key in first)
    assert not torch.equal(first["head.weight"], other["head.weight"])


def test_the_cases_of_a_patient_are_in_one_part(phantoms: list[CachedCase]) -> None:
    """And the longest scans are spread over the parts."""

    def case(patient: str, name: str, slices: int) -> CachedCase:
        about = Case(case_id=name, patient=patient, image=Path("x"), mask=Path("y"))
        hu = np.zeros((slices, 64, 64), np.int16)
        return dataclasses.replace(phantoms[0], case=about, hu=hu, slice_mm=5.0)

    cases = [case("a", "a1", 60), case("a", "a2", 60), case("b", "b", 100), case("c", "c", 90), case("d", "d", 1)]
    assert parts_of(cases, 2) == [0, 0, 1, 0, 1]


def test_no_case_is_told_of_by_a_network_that_learnt_from_it(
    phantoms: list[CachedCase], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the slice network would believe more of what it is told than a new scan's coarse view deserves."""
    learnt: list[list[int]] = []
    told: list[list[int]] = []

    def train(scans: Scans, chosen: list[int], *rest: object) -> dict[str, torch.Tensor]:
        learnt.append(list(chosen))
        return {"number": torch.tensor(float(len(learnt)))}

    def tell(scans: Scans, networks: list[int], seed: int, *, whole: bool = False) -> list[object]:
        told.append(networks)
        return []

    monkeypatch.setattr(preparation, "train_coarse", train)
    monkeypatch.setattr(preparation, "predict_views", tell)
    monkeypatch.setattr(preparation, "build_coarse", lambda config, weights: int(weights["number"]) - 1)
    prepared = prepare_views(phantoms, phantoms[:1], CONFIG, tmp_path)
    for case, network in enumerate(told[0]):
        assert case not in learnt[network]
    assert learnt[-1] == [0, 1] and prepared.coarse is not None and int(prepared.coarse["number"]) == len(learnt)
    assert told[1] == [len(learnt) - 1]  # what is validated on is told of by the network that is used


def test_the_coarse_networks_are_kept_and_trained_again_when_settings_differ(
    phantoms: list[CachedCase], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = dataclasses.replace(CONFIG, coarse=dataclasses.replace(COARSE, steps=2))
    first = prepare_views(phantoms, [], config, tmp_path)
    monkeypatch.setattr(preparation, "train_coarse", lambda *_: pytest.fail("was trained again"))
    again = prepare_views(phantoms, [], config, tmp_path)
    assert first.coarse is not None and again.coarse is not None
    assert all(torch.equal(first.coarse[key], again.coarse[key]) for key in first.coarse)
    assert first.training[0].views == again.training[0].views
    assert all(map(np.array_equal, first.training[0].coarse or (), again.training[0].coarse or ()))
    with pytest.raises(pytest.fail.Exception, match="trained again"):
        prepare_views(phantoms, [], dataclasses.replace(config, seed=7), tmp_path)


def test_single_slices_alone_give_no_coarse_view(phantoms: list[CachedCase], tmp_path: Path) -> None:
    case = phantoms[0]
    single = dataclasses.replace(case, hu=case.hu[:1], target=case.target[:1])
    with pytest.raises(DataError, match="coarse=null"):
        prepare_views([single], [], CONFIG, tmp_path)


def test_checkpoints_of_before_have_no_coarse_network(phantoms: list[CachedCase], tmp_path: Path) -> None:
    """What was trained without one can still be read."""
    from tiny_models import write_checkpoint

    path = write_checkpoint(tmp_path / "old.pt")
    values = torch.load(path, weights_only=True)
    del values["coarse"], values["config"]["coarse"], values["config"]["views"]
    torch.save(values, path)
    assert load_checkpoint(path).coarse is None


@pytest.mark.parametrize("changes", [{"coarse": None}, {"preprocess": dataclasses.replace(GRID, coarse_mm=0.0)}])
def test_half_a_coarse_stage_is_refused(changes: dict) -> None:
    network = UNetConfig(in_channels=5 if "coarse" in changes else 3, out_channels=2, features_per_stage=(4, 8))
    with pytest.raises(ConfigError, match="belong together"):
        dataclasses.replace(CONFIG, **({"network": network} | changes))
    with pytest.raises(ConfigError, match="part_steps must be at least 1"):
        CoarseConfig(part_steps=0)
