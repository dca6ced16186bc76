"""Each preset from the command line: trained, exported, run in every engine."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from phantom_cases import COARSE, write_three_patients

from LungUNetSegLib.cases.splits import Split
from LungUNetSegLib.cli import main
from LungUNetSegLib.data.cache import CachedCase
from LungUNetSegLib.data.dataset import SliceDataset
from LungUNetSegLib.data.sampling import SamplingConfig
from LungUNetSegLib.errors import ConfigError
from LungUNetSegLib.io import read_labels
from LungUNetSegLib.models.model import load_model
from LungUNetSegLib.networks import network_names, read_network_config
from LungUNetSegLib.training.checkpoint import load_checkpoint
from LungUNetSegLib.training.objective import class_balance
from LungUNetSegLib.training.optimiser import make_optimiser
from LungUNetSegLib.training.presets import PRESETS
from LungUNetSegLib.training.trainer import Trainer

NARROW: dict[str, list[str]] = {
    "unet": ["features_per_stage=[4,8]"],
    "dilated_unet": ["features_per_stage=[4,8]"],
    "unet_2015": ["first_features=2"],
    "densenet_fpn": ["growth=4", "blocks=[1,1,1,1]", "pyramid_features=8"],
    "vgg_segnet": ["first_features=2"],
}
"""Settings of each network that make it train in a second; the rest is the preset's."""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three phantoms of 4 slices."""
    folder = tmp_path_factory.mktemp("phantoms")
    return write_three_patients(folder, slices=4)


def train(preset: str, data: Path, out: Path, *settings: str) -> int:
    """Run `lungunetseg train` for one epoch on a coarse grid."""
    narrow = [f"network.{each}" for each in NARROW[PRESETS[preset].network.name]]
    given = ["preprocess.spacing_mm=7.0", "preprocess.size=[48,56]", "sampling.slices_per_epoch=4", "epochs=1"]
    if PRESETS[preset].coarse is not None:
        given += ["preprocess.coarse_mm=14.0", "preprocess.context_mm=20", "coarse.steps=1"]
        given += ["coarse.network.features_per_stage=[4,8]"]
    options = [option for each in (*given, *narrow, *settings) for option in ("--set", each)]
    places = [f"--data={data}", f"--out={out}", f"--cache={out.parent / 'cache'}"]
    return main(["train", f"--preset={preset}", "--device=cpu", "--threads=1", *places, *options])


def test_every_network_has_a_preset() -> None:
    """Protects "one command": a network that is registered can be trained without writing settings."""
    assert {config.network.name for config in PRESETS.values()} == set(network_names())


@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_a_preset_trains_exports_and_runs_in_every_engine(preset: str, data: Path, tmp_path: Path) -> None:
    """Protects the whole way of each system, with its own loss, optimiser and augmentation."""
    batch = str(min(2, PRESETS[preset].batch_size))
    assert train(preset, data, tmp_path / "run", f"batch_size={batch}", "network.out_channels=2") == 0
    checkpoint = load_checkpoint(tmp_path / "run" / "last.pt")
    assert checkpoint.config.network.name == PRESETS[preset].network.name
    assert all(np.isfinite(checkpoint.history[0][key]) for key in ("train_loss", "val_loss"))
    assert main(["export", str(tmp_path / "run" / "last.pt"), "-o", str(tmp_path / "model")]) == 0
    for engine in ("onnxruntime", "openvino", "torch"):
        pytest.importorskip(engine)
        out = tmp_path / f"{engine}.nii.gz"
        options = ["--model", str(tmp_path / "model"), "--engine", engine, "--device", "cpu", "--raw"]
        assert main(["segment", str(data / "p0.nii.gz"), "-o", str(out), *options]) == 0
        assert read_labels(out).array.max() <= 2


LEARNING: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "unet_2015": ({"first_features": 8}, {"learning_rate": 2e-3, "epochs": 9, "optimiser": "adam"}),
    "vgg_segnet": ({"first_features": 8}, {"learning_rate": 5e-3, "epochs": 6}),
    "densenet_fpn": ({"growth": 4, "blocks": (1, 1, 1, 1), "pyramid_features": 8}, {"learning_rate": 1e-2}),
    "dilated_unet": ({"features_per_stage": (8, 16, 16)}, {"learning_rate": 1e-2}),
}
"""Settings of the network, and of a training that takes seconds; SGD with a momentum of 0.99 takes longer."""


@pytest.mark.parametrize("preset", sorted(LEARNING))
def test_a_system_learns_the_lungs_of_two_phantoms(preset: str, cached: list[CachedCase], tmp_path: Path) -> None:
    """Protects losses and targets: with changed sides, places or signs the slices learnt from would score nothing."""
    config, (network, settings) = PRESETS[preset], LEARNING[preset]
    config = replace(
        config,
        preprocess=replace(COARSE, context_mm=config.preprocess.context_mm, window_hu=config.preprocess.window_hu),
        network=replace(config.network, **network),
        sampling=SamplingConfig(order="every", slab_probability=0.0, alone_probability=0.0),
        **{"augment": None, "pathology": None, "epochs": 10, "batch_size": 2, "warmup_epochs": 0.0} | settings,
        **{"average_decay": 0.0, "precision": "float32", "half_size_share": 0.0},
    )
    dataset = SliceDataset(cached, config.sampling, preprocess=config.preprocess)
    state = Trainer(config, dataset, None, tmp_path, split=Split(training=("p1", "p2"), test=())).run()
    assert state.history[-1]["train_dsc"] > 0.6
    assert state.history[-1]["train_loss"] < 0.5 * state.history[0]["train_loss"]


def test_sgd_keeps_the_momentum_that_is_set() -> None:
    """Protects the U-Net's training, whose high momentum stands in for large batches."""
    optimiser = make_optimiser(torch.nn.Conv2d(1, 1, 3), PRESETS["unet_2015"])
    assert isinstance(optimiser, torch.optim.SGD)
    assert {group["momentum"] for group in optimiser.param_groups} == {0.99}


def test_classes_are_balanced_over_the_slices_that_are_trained_on(cached: list[CachedCase]) -> None:
    """Protects the weights: of each class the median frequency over its own, counted here in another way."""
    classes, known = [], []
    for case in cached:
        target = case.target[:]
        inside = target[:, :2] >= 128
        classes.append(np.where(inside.any(axis=1), inside.argmax(axis=1) + 1, 0))
        known.append(target[:, 2] == 255)
    labels, valid = np.concatenate(classes), np.concatenate(known)
    has = [(labels == label).any(axis=(1, 2)) for label in range(3)]
    frequency = [(labels == label)[valid].sum() / valid[has[label]].sum() for label in range(3)]
    expected = np.median(frequency) / np.array(frequency)
    np.testing.assert_allclose(class_balance(cached, PRESETS["vgg_segnet"].network), expected, rtol=1e-5)


@pytest.mark.parametrize("loss", ["border_cross_entropy", "balanced_cross_entropy"])
def test_a_loss_over_classes_needs_a_network_of_classes(loss: Any) -> None:
    """Protects who changes the loss alone: the sigmoids of a U-Net have no background to weigh."""
    with pytest.raises(ConfigError, match=f"{loss}.*'unet'.*bce_dice"):
        replace(PRESETS["lungs"], loss=loss)
    assert replace(PRESETS["unet_2015"], loss="bce_dice").loss == "bce_dice"


def test_an_encoder_s_file_is_read_when_training_starts_and_its_path_is_not_exported(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Protects `--set network.encoder_weights=FILE`: read at first, not needed later, and no path is given away."""
    file = tmp_path / "densenet.pth"
    network = read_network_config({"name": "densenet_fpn", "growth": 4, "blocks": [1, 1, 1, 1], "pyramid_features": 8})
    torch.manual_seed(0)
    own = network.build().encoder.state_dict()
    # Half of the initial weights: of equal or large ones engines round otherwise than PyTorch.
    weights = {f"features.{key}": value / 2 if "weight" in key else value for key, value in own.items()}
    torch.save(weights, file)
    settings = ["learning_rate=1e-12", f"network.encoder_weights={file}", "batch_size=2", "schedule=constant"]
    assert train("densenet_fpn", data, tmp_path / "run", *settings) == 0
    checkpoint = load_checkpoint(tmp_path / "run" / "last.pt")
    torch.testing.assert_close(checkpoint.weights["encoder.conv0.weight"], weights["features.conv0.weight"])
    file.unlink()
    assert train("densenet_fpn", data, tmp_path / "other", *settings) == 1
    assert "densenet.pth" in capsys.readouterr().err
    assert main(["export", str(tmp_path / "run" / "last.pt"), "-o", str(tmp_path / "model")]) == 0
    assert str(tmp_path) not in (tmp_path / "model" / "manifest.json").read_text()
    assert load_model(tmp_path / "model").network["encoder_weights"] == ""
