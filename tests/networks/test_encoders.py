"""Encoders that begin with weights from a file: the whole of it, or a sentence."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from LungUNetSegLib.errors import ModelError
from LungUNetSegLib.networks import EncoderConfig, build_network, load_encoder, read_network_config

NARROW: dict[str, dict[str, Any]] = {
    "densenet_fpn": {"blocks": [1, 2, 1, 1], "growth": 4, "pyramid_features": 8},
    "vgg_segnet": {"first_features": 2, "in_channels": 3},
}

VGG19 = "2 2 M 4 4 M 8 8 8 8 M 16 16 16 16 M 16 16 16 16 M"
"""Channels of the convolutions between poolings, at a thirty-second of the width."""


def vgg(batch_norm: bool) -> dict[str, Tensor]:
    """Return the state dict of a narrow VGG19 in torchvision's layout: one nn.Sequential called features."""
    layers: list[nn.Module] = []
    channels = 3
    for each in VGG19.split():
        if each == "M":
            layers.append(nn.MaxPool2d(2))
            continue
        layers.append(nn.Conv2d(channels, int(each), 3, padding=1))
        layers += [nn.BatchNorm2d(int(each)), nn.ReLU()] if batch_norm else [nn.ReLU()]
        channels = int(each)
    state = nn.ModuleDict({"features": nn.Sequential(*layers)}).state_dict()
    return {key: value + 0.5 for key, value in state.items()} | {"classifier.0.weight": torch.ones(2, 2)}


def settings(name: str, path: Path) -> EncoderConfig:
    """Return a narrow network's settings with a file of weights."""
    config = read_network_config({"name": name, "encoder_weights": str(path)} | NARROW[name])
    assert isinstance(config, EncoderConfig)
    return config


@pytest.mark.parametrize("batch_norm", [False, True])
def test_vgg19_of_either_kind_becomes_the_encoder(tmp_path: Path, batch_norm: bool) -> None:
    """Every convolution is the file's, in its order, and so are the normalisations that it has."""
    published = vgg(batch_norm)
    torch.save(published, tmp_path / "vgg19.pth")
    config = settings("vgg_segnet", tmp_path / "vgg19.pth")
    network = build_network(config).eval()
    load_encoder(network, config)
    convolutions = [value for value in published.values() if value.dim() == 4]
    ours = [value for key, value in network.encoder.state_dict().items() if value.dim() == 4]
    assert len(ours) == 16 and all(torch.equal(a, b) for a, b in zip(ours, convolutions, strict=True))
    means = [value for key, value in published.items() if key.endswith("running_mean")]
    own_means = [value for key, value in network.encoder.state_dict().items() if key.endswith("running_mean")]
    expected = means if batch_norm else [torch.zeros_like(value) for value in own_means]
    assert all(torch.equal(a, b) for a, b in zip(own_means, expected, strict=True))


@pytest.mark.parametrize("old_names", [False, True])
def test_densenet_becomes_the_encoder(tmp_path: Path, old_names: bool) -> None:
    """Published files say norm.1 where the network says norm1; both must be read, and all of it."""
    torch.manual_seed(5)
    config = settings("densenet_fpn", tmp_path / "densenet.pth")
    source = build_network(config).encoder.state_dict()
    published = {f"features.{key}": value + 0.5 for key, value in source.items()}
    if old_names:
        published = {re.sub(r"(denselayer\d+\.\w+?)(\d)\.", r"\1.\2.", key): value for key, value in published.items()}
        assert any("norm.1." in key for key in published)
    torch.save(published | {"classifier.weight": torch.ones(1)}, tmp_path / "densenet.pth")
    network = build_network(config)
    load_encoder(network, config)
    for key, value in network.encoder.state_dict().items():
        assert torch.equal(value, source[key] + 0.5) or "num_batches" in key, key


def test_without_a_file_nothing_happens() -> None:
    """The default is random weights, and networks without such an encoder are left alone."""
    for name in ("vgg_segnet", "unet"):
        config = read_network_config({"name": name} | NARROW.get(name, {}))
        network = build_network(config)
        before = {key: value.clone() for key, value in network.state_dict().items()}
        load_encoder(network, config)
        assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())


@pytest.mark.parametrize("name", sorted(NARROW))
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot be read"),
        (b"no weights", "damaged"),
        ([1], "not a state dict"),
        ({"features": "text"}, "not a state dict"),
        ({"layer1.0.weight": torch.ones(2)}, "is missing"),
        (vgg(batch_norm=False) | {"features.0.weight": torch.ones(64, 3, 3, 3)}, "does not fit|is missing"),
    ],
    ids=["absent", "damaged", "list", "text", "resnet", "wide"],
)
def test_a_file_of_another_layout_is_refused(tmp_path: Path, name: str, content: object, said: str) -> None:
    """Half an encoder would train, and nobody would know."""
    path = tmp_path / "other.pth"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        torch.save(content, path)
    config = settings(name, path)
    network = build_network(config)
    before = {key: value.clone() for key, value in network.state_dict().items()}
    with pytest.raises(ModelError, match=rf"other\.pth.*({said})") as refused:
        load_encoder(network, config)
    assert "weights_only" not in str(refused.value), "torch advises to load such a file unsafely"
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())
