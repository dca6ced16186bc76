"""The U-Net: the paper's layout, any image size, every option."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from LungUNetSegLib.errors import ConfigError
from LungUNetSegLib.networks import UNet, UNetConfig, build_network, read_network_config


def test_default_is_the_papers_network() -> None:
    """Stages of 16, 32, 64 and a middle of 128; its 482,449 weights counted by hand below."""

    def block(inputs: int, outputs: int) -> int:
        return 9 * inputs * outputs + 9 * outputs * outputs + 4 * outputs  # two convolutions, two batch norms

    encoder = block(1, 16) + block(16, 32) + block(32, 64) + block(64, 128)
    decoder = sum(4 * 2 * f * f + f + block(2 * f, f) for f in (64, 32, 16))
    weights = sum(parameter.numel() for parameter in UNet(1, 1).parameters())
    assert weights == encoder + decoder + 16 + 1 == 482449
    dropouts = [module for module in UNet(1, 1).modules() if isinstance(module, nn.Dropout2d)]
    assert dropouts and all(dropout.p > 0 for dropout in dropouts)


@pytest.mark.parametrize("stem_stride", [1, 2])
@pytest.mark.parametrize("size", [(1, 1), (37, 50), (64, 96)])
def test_any_image_size_comes_back(size: tuple[int, int], stem_stride: int) -> None:
    """Padding happens inside and is cropped again."""
    network = UNet(2, 3, (4, 8, 8), stem_stride=stem_stride).eval()
    assert network(torch.zeros(2, 2, *size)).shape == (2, 3, *size)


def test_padding_does_not_change_what_lies_far_from_it() -> None:
    """The corner opposite to the padding sees the same field of view with and without."""
    network = UNet(1, 1, (4, 4)).eval()
    image = torch.randn(1, 1, 64, 64)
    whole, cut = network(image), network(image[..., :63, :63])
    torch.testing.assert_close(whole[..., :40, :40], cut[..., :40, :40])


@pytest.mark.parametrize("normalisation", ["batch", "instance", "group", "none"])
def test_each_normalisation_trains(normalisation: str) -> None:
    """Every weight gets a finite gradient."""
    config = UNetConfig(features_per_stage=(4, 6, 8), normalisation=normalisation)
    network = build_network(config)
    network(torch.randn(2, 1, 32, 32)).square().mean().backward()
    assert all(torch.isfinite(weight.grad).all() for weight in network.parameters() if weight.grad is not None)
    assert all(weight.grad is not None for weight in network.parameters())


def test_left_and_right_cannot_be_told_from_a_small_field_of_view() -> None:
    """The shipped layout must see most of a body: one pixel's logit depends on pixels 120 away (180 mm)."""
    torch.manual_seed(0)  # with few features, some random weights leave every path through the deepest stage at zero
    network = UNet(1, 2, (8, 8, 8, 8, 8), stem_stride=2, normalisation="none").eval()
    image = torch.randn(1, 1, 288, 288, requires_grad=True)
    network(image)[0, :, 144, 144].sum().backward()
    assert image.grad is not None
    rows = torch.nonzero(image.grad[0, 0].abs().sum(1))
    assert rows.min() <= 24 and rows.max() >= 264


def test_nonsense_is_refused() -> None:
    """A setting that no U-Net can have must be named."""
    for wrong in ({"features": [1, 2]}, {"features_per_stage": []}, {"dropout": 1.0}, {"stem_stride": 0}):
        with pytest.raises(ConfigError, match=next(iter(wrong))):
            build_network({"out_channels": 2} | wrong)


def test_settings_without_a_name_are_those_of_older_versions() -> None:
    """Protects the shipped model and everybody's checkpoints: no name, and a dilation that was always 1."""
    old = {"in_channels": 3, "out_channels": 2, "features_per_stage": [8, 16], "stem_stride": 2, "middle_dilation": 1}
    expected = UNetConfig(in_channels=3, out_channels=2, features_per_stage=(8, 16), stem_stride=2)
    assert read_network_config(old) == expected and old["middle_dilation"] == 1
    with pytest.raises(ConfigError, match=r"middle_dilation=2.*dilated_unet"):
        build_network(old | {"middle_dilation": 2})
