"""A small 3D U-Net (Cicek 2016, doi:10.1007/978-3-319-46723-8_49) for the coarse view of a whole scan."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from LungUNetSegLib.config import from_json
from LungUNetSegLib.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class UNet3dConfig:
    """The settings of a 3D U-Net.

    Attributes:
        in_channels: Channels of the volume.
        out_channels: Structures, one logit channel each.
        features_per_stage: Channels from the finest stage to the middle.
        normalisation: Kind of normalisation of each 3x3x3 convolution's weights. A step has few views with different
            amounts of air, so that statistics of a batch or view do not fit the next.
    """

    in_channels: int = 1
    out_channels: int = 2
    features_per_stage: tuple[int, ...] = (8, 32, 64, 96)
    normalisation: Literal["weights", "none"] = "weights"

    def __post_init__(self) -> None:
        if min(self.in_channels, self.out_channels) < 1:
            raise ConfigError(f"Channels must be at least 1, got {self.in_channels} and {self.out_channels}.")
        if not self.features_per_stage or min(self.features_per_stage) < 1:
            raise ConfigError(f"features_per_stage needs positive numbers, got {self.features_per_stage}.")


class UNet3d(nn.Module):
    """A 3D U-Net; sizes are multiples of `size_multiple`.

    Args:
        config: Its settings.
    """

    def __init__(self, config: UNet3dConfig) -> None:
        super().__init__()
        *stages, middle = config.features_per_stage
        channels = config.in_channels
        self.encoder, self.upsample, self.decoder = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        for features in stages:
            self.encoder.append(_block(channels, features, config))
            channels = features
        self.middle = _block(channels, middle, config)
        channels = middle
        for features in reversed(stages):
            self.upsample.append(nn.ConvTranspose3d(channels, features, 2, stride=2))
            self.decoder.append(_block(2 * features, features, config))
            channels = features
        self.head = nn.Conv3d(channels, config.out_channels, 1)

    @property
    def size_multiple(self) -> int:
        """Each size of a volume must be a multiple of this."""
        return int(2 ** len(self.encoder))

    def forward(self, volume: Tensor) -> Tensor:
        """Map (N, in_channels, D, H, W) to logits (N, out_channels, D, H, W)."""
        skips = []
        for block in self.encoder:
            volume = block(volume)
            skips.append(volume)
            volume = F.max_pool3d(volume, 2)
        volume = self.middle(volume)
        for upsample, block, skip in zip(self.upsample, self.decoder, reversed(skips), strict=True):
            volume = block(torch.cat((skip, upsample(volume)), dim=1))
        logits: Tensor = self.head(volume)
        return logits


class CoarseProbabilities(nn.Module):
    """A coarse network with the sigmoid that its loss applies in training.

    Args:
        network: From `build_coarse_network`.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, slices: Tensor) -> Tensor:
        """Map (N, 1, D, H, W) to (N, 2, D, H, W) probabilities."""
        logits: Tensor = self.network(slices)
        return logits.sigmoid()


def build_coarse_network(config: UNet3dConfig | Mapping[str, Any]) -> UNet3d:
    """Build a coarse network with random weights.

    Args:
        config: Its settings, or their JSON form.

    Raises:
        ConfigError: An unknown setting, or a value that it cannot take.
    """
    if isinstance(config, Mapping):
        config = from_json(UNet3dConfig, config, "coarse network")
    return UNet3d(config)


class StandardisedConv3d(nn.Conv3d):
    """A convolution whose weights have mean 0 and keep the variance through a ReLU (Brock 2021, arXiv:2101.08692).

    Args:
        in_channels: Of the input.
        out_channels: Of the output.
    """

    RELU_GAIN = (2 / (1 - 1 / math.pi)) ** 0.5

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels, 3, padding=1)
        self.gain = nn.Parameter(torch.full((out_channels, 1, 1, 1, 1), self.RELU_GAIN))

    def standardised(self) -> Tensor:
        """The standardised weights that the convolution uses."""
        variance, mean = torch.var_mean(self.weight, dim=(1, 2, 3, 4), keepdim=True, correction=0)
        fan_in = self.weight[0].numel()
        return (self.weight - mean) * self.gain * torch.rsqrt(variance * fan_in + 1e-4)

    def forward(self, input: Tensor) -> Tensor:
        """Map (N, in_channels, D, H, W) to (N, out_channels, D, H, W)."""
        return F.conv3d(input, self.standardised(), self.bias, padding=1)


def _block(in_channels: int, out_channels: int, config: UNet3dConfig) -> nn.Sequential:
    """Two 3x3x3 convolutions, each with ReLU."""
    layers: list[nn.Module] = []
    for channels in (in_channels, out_channels):
        if config.normalisation == "weights":
            layers.append(StandardisedConv3d(channels, out_channels))
        else:
            layers.append(nn.Conv3d(channels, out_channels, 3, padding=1))
        layers.append(nn.ReLU(inplace=True))
    return nn.Sequential(*layers)
