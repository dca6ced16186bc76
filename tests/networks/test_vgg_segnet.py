"""The VGG-SegNet: its size, and unpooling that puts values back where PyTorch would."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from LungUNetSegLib.errors import ConfigError
from LungUNetSegLib.networks import VggSegNetConfig
from LungUNetSegLib.networks.vgg_segnet import pool_with_places, unpool


def test_weights_are_vgg19_s_and_their_mirror_image_s() -> None:
    """20,024,384 in VGG19's convolutions, 40,068,678 with the decoder and every normalisation, for two classes."""
    with torch.device("meta"):  # shapes without numbers
        network = VggSegNetConfig().build()
    assert sum(weight.numel() for weight in network.parameters()) == 40_068_678
    convolutions = [module for module in network.encoder.modules() if isinstance(module, torch.nn.Conv2d)]
    assert len(convolutions) == 16
    assert sum(weight.numel() for module in convolutions for weight in module.parameters()) == 20_024_384


def test_values_return_to_the_places_of_the_maxima() -> None:
    """The four masks must say what PyTorch's indices say, also where values are equal, as ReLU makes many."""
    features = torch.randn(2, 3, 8, 12).round(decimals=1).relu().requires_grad_()
    assert (F.unfold(features.detach(), 2, stride=2) == 0).any()
    expected, indices = F.max_pool2d(features, 2, return_indices=True)
    pooled, places = pool_with_places(features)
    assert torch.equal(pooled, expected)
    values = torch.randn(2, 3, 4, 6)
    assert torch.equal(unpool(values, places), F.max_unpool2d(values, indices, 2))
    (ours,) = torch.autograd.grad(unpool(pooled, places).square().sum(), features)
    (theirs,) = torch.autograd.grad(F.max_unpool2d(expected, indices, 2).square().sum(), features)
    assert torch.equal(ours, theirs)


def test_one_value_by_hand() -> None:
    """Of 2 x 2 pixels the lower left is the largest: there the value returns."""
    _, places = pool_with_places(torch.tensor([[[[1.0, 2.0], [5.0, 5.0]]]]))
    assert unpool(torch.tensor([[[[7.0]]]]), places).tolist() == [[[[0.0, 0.0], [7.0, 0.0]]]]


def test_a_grey_slice_is_the_same_as_three_of_it() -> None:
    """One channel is repeated, so that an encoder learnt from colours fits."""
    torch.manual_seed(0)
    one = VggSegNetConfig(first_features=2).build().eval()
    three = VggSegNetConfig(first_features=2, in_channels=3).build().eval()
    three.load_state_dict(one.state_dict())
    image = torch.randn(1, 1, 32, 32)
    assert torch.equal(one(image), three(image.repeat(1, 3, 1, 1)))
    with pytest.raises(ConfigError, match=r"in_channels.*2"):
        VggSegNetConfig(in_channels=2)


def test_it_trains_where_algorithms_must_be_deterministic() -> None:
    """PyTorch's own unpooling raises there, on a GPU."""
    torch.use_deterministic_algorithms(True)
    try:
        VggSegNetConfig(first_features=2).build()(torch.randn(2, 1, 32, 32)).sum().backward()
    finally:
        torch.use_deterministic_algorithms(False)
