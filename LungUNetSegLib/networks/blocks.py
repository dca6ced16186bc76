"""Building blocks of the networks."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

Normalisation = Literal["batch", "instance", "group", "none"]


def normalisation_layer(kind: Normalisation, features: int, epsilon: float = 1e-5) -> nn.Module:
    """Return a normalisation layer of the named kind for `features` channels; `epsilon` is added to the variance."""
    if kind == "batch":
        return nn.BatchNorm2d(features, epsilon)
    if kind == "instance":
        return nn.InstanceNorm2d(features, epsilon, affine=True)
    if kind == "group":
        return nn.GroupNorm(_group_count(features), features, epsilon)
    return nn.Identity()


class ConvBlock(nn.Sequential):
    """Two 3x3 convolutions, each with normalisation and ReLU, at one resolution.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of both convolutions.
        normalisation: Kind of normalisation after each convolution.
    """

    def __init__(self, in_channels: int, out_channels: int, normalisation: Normalisation = "batch") -> None:
        layers: list[nn.Module] = []
        for channels in (in_channels, out_channels):
            # A bias before a normalisation has no effect.
            bias = normalisation == "none"
            layers.append(nn.Conv2d(channels, out_channels, 3, padding=1, bias=bias))
            layers.append(normalisation_layer(normalisation, out_channels))
            layers.append(nn.ReLU(inplace=True))
        super().__init__(*layers)


class Downsample(nn.Sequential):
    """2x2 max-pooling, then dropout of whole channels (Tompson 2015, doi:10.1109/CVPR.2015.7298664)."""

    def __init__(self, dropout: float) -> None:
        super().__init__(nn.MaxPool2d(2), nn.Dropout2d(dropout))


class UpBlock(nn.Module):
    """A transposed convolution to twice the size, concatenation of the skip connection, and a ConvBlock.

    Args:
        in_channels: Channels from the coarser stage.
        skip_channels: Channels of the skip connection, and of the output.
        normalisation: Kind of normalisation in the ConvBlock.
    """

    def __init__(self, in_channels: int, skip_channels: int, normalisation: Normalisation) -> None:
        super().__init__()
        self.upsample = nn.ConvTranspose2d(in_channels, skip_channels, 2, stride=2)
        self.block = ConvBlock(2 * skip_channels, skip_channels, normalisation)

    def forward(self, coarse: Tensor, skip: Tensor) -> Tensor:
        """Map (N, in_channels, H/2, W/2) and (N, skip_channels, H, W) to (N, skip_channels, H, W)."""
        result: Tensor = self.block(torch.cat((skip, self.upsample(coarse)), dim=1))
        return result


def _group_count(features: int) -> int:
    """Return the largest number of groups up to 8 that divides `features`."""
    return next(groups for groups in (8, 4, 2, 1) if features % groups == 0)
