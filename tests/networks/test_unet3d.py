"""The coarse network: sizes, that its weights keep the variance, and that all of it learns."""

from __future__ import annotations

import pytest
import torch

from LungUNetSegLib.errors import ConfigError
from LungUNetSegLib.networks import UNet3d, UNet3dConfig, build_coarse_network
from LungUNetSegLib.networks.unet3d import StandardisedConv3d

TINY = UNet3dConfig(features_per_stage=(4, 8, 8))


def test_logits_are_as_large_as_the_volume_and_all_weights_learn() -> None:
    torch.manual_seed(0)
    network = UNet3d(TINY)
    logits = network(torch.randn(2, 1, 4, 8, 12))
    assert logits.shape == (2, 2, 4, 8, 12)
    logits.square().mean().backward()
    assert all(each.grad is not None and each.grad.abs().sum() > 0 for each in network.parameters())


def test_standardised_weights_keep_the_variance_through_a_relu() -> None:
    """Mean 0 for every output, and white noise keeps its variance of 1 to a few per cent."""
    torch.manual_seed(0)
    layer = StandardisedConv3d(16, 32)
    layer.weight.data.add_(3.0).mul_(10.0)
    weights = layer.standardised()
    assert torch.allclose(weights.mean(dim=(1, 2, 3, 4)), torch.zeros(32), atol=1e-5)
    with torch.no_grad():
        active = torch.relu(layer(torch.randn(1, 16, 12, 12, 12)))[:, :, 1:-1, 1:-1, 1:-1]
    assert float((active - active.mean()).square().mean()) == pytest.approx(1.0, abs=0.1)


def test_what_one_volume_gives_does_not_depend_on_the_others() -> None:
    """Views are few in a step and differ in how much of them is air."""
    torch.manual_seed(0)
    network = UNet3d(TINY).train()
    volumes = torch.randn(2, 1, 4, 8, 8)
    assert torch.allclose(network(volumes)[:1], network(volumes[:1]), atol=1e-5)


def test_it_is_built_of_json_and_refuses_what_is_no_network() -> None:
    assert isinstance(build_coarse_network({"features_per_stage": [4, 8]}), UNet3d)
    with pytest.raises(ConfigError, match="positive"):
        UNet3dConfig(features_per_stage=(0,))
    with pytest.raises(ConfigError, match="at least 1"):
        UNet3dConfig(out_channels=0)
