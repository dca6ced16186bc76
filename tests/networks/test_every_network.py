"""What every registered network must do; a new one is tested here as soon as its name is known."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from tiny_models import COARSE, save_network

from LungUNetSegLib.arrays import Float32
from LungUNetSegLib.config import from_json, to_json
from LungUNetSegLib.engines import ENGINES, open_engine
from LungUNetSegLib.engines.export import export
from LungUNetSegLib.engines.onnx_runtime import OnnxRuntimeEngine
from LungUNetSegLib.errors import ConfigError, LungUNetSegError, ModelError
from LungUNetSegLib.models.model import Model, load_model
from LungUNetSegLib.networks import (
    NetworkConfig,
    Probabilities,
    build_network,
    network_names,
    read_network_config,
    structure_logits,
)

SMALL: dict[str, dict[str, Any]] = {
    "densenet_fpn": {"blocks": [1, 2, 2, 1], "growth": 4, "pyramid_features": 16},
    "dilated_unet": {"features_per_stage": [4, 8, 8]},
    "unet": {"features_per_stage": [4, 8, 8]},
    "unet_2015": {"first_features": 2, "largest_tile": 52},
    "vgg_segnet": {"first_features": 4},
}
"""Settings under which a network is tested; its defaults where it has none here."""

ENGINE_NAMES = [name for name in ENGINES if name != "auto"]
BFLOAT16_TOLERANCE = 0.1
"""bfloat16 keeps 8 bits, and random weights make steep probabilities of them."""

every_network = pytest.mark.parametrize("name", network_names())


def small(name: str, **settings: Any) -> NetworkConfig:
    """Return a network's settings for tests."""
    return read_network_config({"name": name, "out_channels": 2} | SMALL.get(name, {}) | settings)


def channels_taken(name: str) -> list[int]:
    """Return the numbers of image channels that a network takes, of those that a scan can give."""
    taken = []
    for channels in (1, 3):
        try:
            small(name, in_channels=channels)
        except ConfigError as error:
            assert "in_channels" in str(error), "what is refused must be named"
        else:
            taken.append(channels)
    return taken


def trained(name: str, **settings: Any) -> tuple[torch.nn.Module, NetworkConfig]:
    """Return a network whose normalisations have seen images."""
    config = small(name, in_channels=channels_taken(name)[-1], **settings)
    torch.manual_seed(0)
    network = build_network(config).train()
    with torch.no_grad():
        for _ in range(2):
            network(torch.randn(2, config.in_channels, 48, 64))
    return network, config


@every_network
def test_every_weight_learns(name: str) -> None:
    """Protects training: a weight that no gradient reaches is one that is not connected."""
    for channels in channels_taken(name):
        torch.manual_seed(0)
        config = small(name, in_channels=channels)
        network = build_network(config).train()
        logits = network(torch.randn(2, channels, 48, 64))
        assert logits.shape == (2, config.out_channels + config.classes, 48, 64)
        structure_logits(logits, config).square().mean().backward()
        for key, weight in network.named_parameters():
            assert weight.grad is not None, key
            assert torch.isfinite(weight.grad).all(), key
        assert any(weight.grad.abs().sum() > 0 for weight in network.parameters() if weight.grad is not None)


@every_network
@pytest.mark.parametrize("structures", [1, 2, 5])
def test_probabilities_are_of_each_structure(name: str, structures: int) -> None:
    """Protects what engines promise, also for more structures than two lungs."""
    config = small(name, in_channels=channels_taken(name)[-1], out_channels=structures)
    network = build_network(config).eval()
    image = torch.randn(1, config.in_channels, 48, 64)
    with torch.inference_mode():
        logits, probabilities = network(image), Probabilities(network, config)(image)
    assert probabilities.shape == (1, structures, 48, 64)
    torch.testing.assert_close(structure_logits(logits, config).sigmoid(), probabilities)
    if config.classes:
        assert probabilities.sum(dim=1).max() <= 1 + 1e-5


@every_network
@pytest.mark.parametrize("size", [(1, 1), (37, 50), (64, 96), (131, 33)])
def test_any_image_size_comes_back_or_is_refused_by_name(name: str, size: tuple[int, int]) -> None:
    """Protects who trains on a grid of their own: padded and cropped again, or a sentence."""
    config = small(name, in_channels=channels_taken(name)[-1])
    network = build_network(config).eval()
    try:
        with torch.inference_mode():
            logits = network(torch.randn(1, config.in_channels, *size))
    except LungUNetSegError as error:
        assert str(size[0]) in str(error)
    else:
        assert logits.shape[2:] == size and torch.isfinite(logits).all()


@every_network
def test_a_slice_has_one_result_whatever_lies_beside_it(name: str) -> None:
    """Protects "one scan, one mask": in use, a batch's other slices change nothing."""
    network, config = trained(name)
    images = torch.randn(3, config.in_channels, 40, 56)
    with torch.inference_mode():
        together = network.eval()(images)
        torch.testing.assert_close(network(images[1:2]), together[1:2], atol=1e-4, rtol=1e-4)


@every_network
def test_the_same_seed_gives_the_same_network(name: str) -> None:
    """Protects a training that is made again."""
    states = []
    for _ in range(2):
        torch.manual_seed(3)
        states.append(build_network(small(name, in_channels=channels_taken(name)[0])).state_dict())
    assert all(torch.equal(value, states[1][key]) for key, value in states[0].items())


@every_network
def test_settings_survive_json_with_their_name_and_refuse_nonsense(name: str) -> None:
    """Protects checkpoints and manifests, which must build the same network again or say why not."""
    config = small(name, in_channels=channels_taken(name)[0])
    values = json.loads(json.dumps(to_json(config)))
    assert values["name"] == name
    assert from_json(NetworkConfig, values) == from_json(type(config), values) == config
    assert from_json(type(config), {key: value for key, value in values.items() if key != "name"}) == config
    for wrong in ({"in_channels": 0}, {"out_channels": 0}, {"no_such_setting": 1}):
        with pytest.raises(ConfigError, match=next(iter(wrong))):
            read_network_config(values | wrong)


Exported = Callable[[str], tuple[Path, Model]]


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """Return a function from a network's name to its checkpoint and the model that it is exported to."""

    @cache
    def export_small(name: str) -> tuple[Path, Model]:
        folder = tmp_path_factory.mktemp(name)
        network, config = trained(name)
        preprocess = replace(COARSE, context_mm=15.0 if config.in_channels == 3 else 0.0)
        checkpoint = save_network(folder / "best.pt", network, config, preprocess)
        return checkpoint, export(checkpoint, folder / "model", name)

    return export_small


@every_network
@pytest.mark.parametrize("engine", ENGINE_NAMES)
def test_every_engine_gives_the_checkpoint_s_probabilities(exported: Exported, name: str, engine: Any) -> None:
    """Protects the exported model: saved, exported, loaded, run, and still the network that was trained."""
    pytest.importorskip(engine)
    checkpoint, model = exported(name)
    slices = np.random.default_rng(3).uniform(-1, 1, (3, model.preprocess.channels, *COARSE.size)).astype(np.float32)
    expected = open_engine(load_model(checkpoint), "torch", "cpu").probabilities(slices)
    assert expected.std() > 0.001, "the test would see little"
    runner = open_engine(model, engine, "cpu")
    tolerance = BFLOAT16_TOLERANCE if "bfloat16" in runner.description else 1e-5
    differences = np.abs(runner.probabilities(slices) - expected)
    assert (np.quantile(differences, 0.99) if small(name).jumps else differences.max()) <= tolerance


@pytest.mark.parametrize(("name", "wrong_inputs"), [("vgg_segnet", 4), ("vgg_segnet", 5), ("unet", 1)])
def test_a_jump_is_no_reason_to_refuse_an_export(
    name: str, wrong_inputs: int, exported: Exported, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A VGG-SegNet was refused after hours of training, as a value moved by a pixel in the one input that was tried."""
    tried = itertools.count(1)
    computed = OnnxRuntimeEngine.probabilities

    def jumped(engine: OnnxRuntimeEngine, slices: Float32) -> Float32:
        return computed(engine, slices) + np.float32(0.001 if next(tried) <= wrong_inputs else 0.0)

    checkpoint, _ = exported(name)
    monkeypatch.setattr(OnnxRuntimeEngine, "probabilities", jumped)
    if wrong_inputs == 4:
        export(checkpoint, tmp_path / "model", name)
        return
    with pytest.raises(ModelError, match="differs from its checkpoint"):
        export(checkpoint, tmp_path / "model", name)


@every_network
def test_a_model_names_its_network_and_structures(exported: Exported, name: str) -> None:
    """Protects whoever opens a manifest, and the one copy of the weights."""
    checkpoint, model = exported(name)
    assert model.network["name"] == load_model(checkpoint).network["name"] == name
    assert [each.name for each in model.structures] == ["Right lung", "Left lung"]
    assert model.onnx is not None
    graph = onnx.load(model.onnx, load_external_data=False).graph
    inside = sum(len(tensor.raw_data) for tensor in graph.initializer)
    assert inside < max(4000, model.weights.stat().st_size // 10)


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    """Protects who mistypes, in a configuration or a manifest."""
    for wrong in ("transformer", 3, None):
        with pytest.raises(ConfigError, match=r"unknown network.*unet"):
            build_network({"name": wrong})


def test_each_network_has_a_name_of_its_own() -> None:
    """Protects the table: two architectures under one name would load each other's weights."""
    configs = [small(name, in_channels=channels_taken(name)[0]) for name in network_names()]
    assert all(type(a) is not type(b) for a, b in itertools.combinations(configs, 2))
    assert [config.name for config in configs] == network_names()
