"""The U-Net of 2015: its size, its sizes, and tiles that meet without seams."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from LungUNetSegLib.errors import ConfigError
from LungUNetSegLib.networks import OriginalUNetConfig
from LungUNetSegLib.networks.original_unet import output_size


def small(**settings: int) -> nn.Module:
    """A network of two features, its dropout asleep."""
    torch.manual_seed(0)
    return OriginalUNetConfig(**{"first_features": 2} | settings).build().eval()


def test_weights_and_convolutions_are_the_paper_s() -> None:
    """31,030,658 weights for 1 channel and 2 classes, one of them the background, in 23 convolutions."""
    with torch.device("meta"):  # shapes without numbers
        network = OriginalUNetConfig().build()
    assert sum(weight.numel() for weight in network.parameters()) == 31_030_658
    convolutions = [each for each in network.modules() if isinstance(each, (nn.Conv2d, nn.ConvTranspose2d))]
    assert len(convolutions) == 23
    assert [each.p for each in network.modules() if isinstance(each, nn.Dropout)] == [0.5, 0.5]


@pytest.mark.parametrize(("given", "expected"), [(188, 4), (316, 132), (380, 196), (444, 260), (572, 388)])
def test_a_tile_loses_92_pixels_a_side(given: int, expected: int) -> None:
    """The paper's pair of 572 and 388, and others of the same kind."""
    network = small()
    with torch.inference_mode():
        assert network.valid(torch.zeros(1, 1, given, 188)).shape == (1, 2, expected, 4)
    assert output_size(expected) == expected
    for wrong in (given - 1, given + 8):
        with pytest.raises(ConfigError, match=str(wrong)):
            network.valid(torch.zeros(1, 1, 188, wrong))


@pytest.mark.parametrize("size", [(1, 2), (20, 65), (100, 37)])
def test_tiles_give_what_one_large_tile_gives(size: tuple[int, int]) -> None:
    """The overlap-tile strategy must leave no seam: tiles of 20 pixels against one, at sizes that fill none of them."""
    tiled, whole = small(largest_tile=20, in_channels=2), small(largest_tile=388, in_channels=2)
    whole.load_state_dict(tiled.state_dict())
    image = torch.randn(1, 2, *size)
    with torch.inference_mode():
        torch.testing.assert_close(tiled(image), whole(image), atol=1e-5, rtol=1e-5)


def test_beyond_the_border_the_image_goes_on_mirrored() -> None:
    """A slice padded by hand, as the paper's figure 2 shows it, gives the same as the network's own border."""
    network = small()
    image = torch.randn(1, 1, 196, 196)
    padded = nn.functional.pad(image, (92, 92, 92, 92), mode="reflect")
    with torch.inference_mode():
        torch.testing.assert_close(network(image), network.valid(padded), atol=1e-5, rtol=1e-5)


def test_each_pixel_sees_at_most_107_away() -> None:
    """The receptive field is 188 or 204 pixels wide, by the pixel's place in the pooling grid of 16 (max for mean)."""
    network = small()
    network.pool = nn.AvgPool2d(2)
    for module in network.modules():
        if isinstance(module, nn.ReLU):
            module.inplace = False
    for weight in network.parameters():
        nn.init.constant_(weight, 0.01)
    tile = torch.ones(1, 1, 188, 188 + 48, requires_grad=True)
    logits, widths = network.valid(tile)[0, 0, 0], set()
    for column in range(16, 32):
        (gradient,) = torch.autograd.grad(logits[column], tile, retain_graph=True)
        seen = gradient[0, 0].sum(0).nonzero()[:, 0]
        widths.add(int(seen.max() - seen.min()) + 1)
        assert max(column + 92 - int(seen.min()), int(seen.max()) - column - 92) <= 107
    assert widths == {188, 204}


def test_first_weights_keep_the_variance() -> None:
    """Gaussian with a variance of 2 / 576 for 3 x 3 over 64 channels, and biases of 0."""
    torch.manual_seed(0)
    convolution = OriginalUNetConfig().build().encoder[0][2].requires_grad_(False)
    assert float(convolution.weight.std()) == pytest.approx(math.sqrt(2 / 576), rel=0.02)
    assert float(convolution.weight.mean()) == pytest.approx(0, abs=1e-3)
    assert not convolution.bias.any()


@pytest.mark.parametrize("side", [388 - 1, 4, 0, 400])
def test_a_tile_that_a_pooling_would_cut_is_refused(side: int) -> None:
    """Protects from crops that go astray."""
    with pytest.raises(ConfigError, match=f"largest_tile.*{side}"):
        OriginalUNetConfig(largest_tile=side)
