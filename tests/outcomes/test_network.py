"""COVID-19Net: the published layers, shapes and number of weights."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from LungUNetSegLib.outcomes.network import Covid19Net, _padded


def test_weights_are_the_published_file_s() -> None:
    """894,545 of them with the batch normalisations' statistics, 891,329 without."""
    network = Covid19Net()
    floats = [value for value in network.state_dict().values() if value.is_floating_point()]
    assert sum(value.numel() for value in floats) == 894_545
    assert sum(value.numel() for value in network.parameters()) == 891_329


def test_shapes_are_the_papers() -> None:
    """48 x 240 x 360 becomes 48 x 120 x 180 x 16, 24 x 60 x 90 x 16, 12 x 30 x 45 x 24, 6 x 15 x 23 x 152, 64."""
    shapes = []
    with torch.device("meta"):  # shapes without numbers
        network, lungs = Covid19Net().eval(), torch.zeros(1, 1, 48, 240, 360)
    for part in (network.stem, network.block1, network.block2, network.block3):
        part.register_forward_hook(lambda module, given, result: shapes.append(tuple(result.shape[1:])))
    with torch.inference_mode():
        assert network.features(lungs).shape == (1, 64)
    assert shapes == [(16, 48, 120, 180), (16, 24, 60, 90), (24, 12, 30, 45), (152, 6, 15, 23)]


def test_every_weight_learns() -> None:
    """A weight that no gradient reaches is one that is not connected."""
    network = Covid19Net()
    logits = network(torch.randn(2, 1, 8, 16, 24))
    assert logits.shape == (2,)
    logits.square().mean().backward()
    assert all(weight.grad is not None and torch.isfinite(weight.grad).all() for weight in network.parameters())


@pytest.mark.parametrize(("size", "before", "after"), [(10, 0, 1), (11, 1, 1), (9, 1, 1)])
def test_padding_is_keras_s_same(size: int, before: int, after: int) -> None:
    """A side of 10 at stride 2 is padded after its end alone; odd ones on both sides."""
    values = torch.ones(1, 1, 3, 3, size)
    expected = F.pad(values, (before, after, 1, 1, 1, 1))
    assert torch.equal(_padded(values, (3, 3, 3), (1, 1, 2), 0.0), expected)
