"""DenseNet121-FPN, a feature pyramid network, with which Wang 2020 (doi:10.1183/13993003.00775-2020) segmented lungs.

Verified against that work's public code and the package that it builds its network with (segmentation-models 1.0.1):
layout, taps, widths, number of weights, normalisation of the slices, three neighbouring slices as channels. Its loss,
optimiser and augmentation are not public, and its weights are not included; that it was initialised with ImageNet's
weights is from memory.
The DenseNet is that of Huang 2017 (doi:10.1109/CVPR.2017.243), the pyramid after Lin 2017 (doi:10.1109/CVPR.2017.106).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from LungUNetSegLib.config import check_at_least
from LungUNetSegLib.errors import ConfigError
from LungUNetSegLib.networks.blocks import Normalisation, normalisation_layer
from LungUNetSegLib.networks.encoders import EncoderConfig

EPSILON = 1.001e-5
"""Added to the variance in batch normalisation, as in Keras's DenseNet."""

MULTIPLE = 32
"""Images are padded to a multiple of this."""


@dataclass(frozen=True, kw_only=True)
class DenseNetFpnConfig(EncoderConfig):
    """The settings of a DenseNet-FPN.

    Attributes:
        in_channels: Neighbouring slices; 3 in the paper.
        blocks: Units in each dense block; DenseNet121's by default.
        growth: Channels that a unit adds; 32 in DenseNet121.
        pyramid_features: Channels of the pyramid; 256 in the paper, half as many in its heads.
        normalisation: Kind of the normalisations after convolutions; "none" after they were folded into these. Those
            before a convolution's ReLU are always batch normalisations.
    """

    name: Literal["densenet_fpn"] = "densenet_fpn"
    in_channels: int = 3
    blocks: tuple[int, int, int, int] = (6, 12, 24, 16)
    growth: int = 32
    pyramid_features: int = 256
    normalisation: Normalisation = "batch"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_at_least(self, growth=1)
        if min(self.blocks) < 1:
            raise ConfigError(f"blocks needs positive numbers, got {self.blocks}.")
        if self.pyramid_features < 2 or self.pyramid_features % 2:
            raise ConfigError(f"pyramid_features must be even, got {self.pyramid_features}.")

    def build(self) -> DenseNetFpn:
        """Return the network with random weights."""
        return DenseNetFpn(self)


class DenseNetFpn(nn.Module):
    """A DenseNet encoder whose five resolutions are merged in a pyramid at half the image's resolution.

    Each slice is first standardised to mean 0 and standard deviation 1, as the paper does with HU: so the scale of the
    input does not matter, as long as its upper end is not clipped.

    Args:
        config: Its settings.
    """

    def __init__(self, config: DenseNetFpnConfig) -> None:
        super().__init__()
        self.encoder = DenseNet(config.in_channels, config.blocks, config.growth, config.normalisation)
        width, half = config.pyramid_features, config.pyramid_features // 2
        *finer, last = self.encoder.tap_features
        self.deepest = nn.Conv2d(last, width, 1)
        self.lateral = nn.ModuleList(nn.Conv2d(features, width, 1) for features in reversed(finer))
        kind = config.normalisation
        self.heads = nn.ModuleList(
            nn.Sequential(*_convolution(width, half, kind), *_convolution(half, half, kind)) for _ in finer
        )
        self.joined = nn.Sequential(*_convolution(len(finer) * half, half, kind))
        self.head = nn.Conv2d(half, config.out_channels, 3, padding=1)
        self.apply(_he_uniform)
        nn.init.xavier_uniform_(self.head.weight)

    def forward(self, slices: Tensor) -> Tensor:
        """Map (N, in_channels, H, W) to logits (N, out_channels, H, W)."""
        height, width = slices.shape[-2:]
        slices = standardised(slices)
        padding = (0, -width % MULTIPLE, 0, -height % MULTIPLE)
        if any(padding):
            slices = F.pad(slices, padding, mode="replicate")
        *finer, last = self.encoder(slices)
        level, levels = self.deepest(last), []
        for head, lateral, features in zip(self.heads, self.lateral, reversed(finer), strict=True):
            level = F.interpolate(level, scale_factor=2.0, mode="nearest") + lateral(features)
            levels.append(head(level))
        size = levels[-1].shape[-2:]
        joined = self.joined(torch.cat([F.interpolate(each, size=size, mode="nearest") for each in levels], dim=1))
        joined = F.interpolate(joined, scale_factor=2.0, mode="bilinear", align_corners=False)
        logits: Tensor = self.head(joined)[..., :height, :width]
        return logits

    def encoder_state(self, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return torchvision's `features.*` by our names, which lack that prefix."""
        state = {}
        for key, value in weights.items():
            if key.startswith("features."):
                # Published files still have the names norm.1 and conv.1 of the first versions.
                name = re.sub(r"(norm|conv)\.(\d)\.", r"\1\2.", key.removeprefix("features."))
                state[f"encoder.{name}"] = value
        return state


class DenseNet(nn.Module):
    """A DenseNet without its classifier, its layers named as torchvision names them.

    Args:
        in_channels: Image channels.
        blocks: Units in each dense block.
        growth: Channels that a unit adds.
        normalisation: After a convolution, as in DenseNetFpnConfig.

    Attributes:
        tap_features: Channels of the outputs of `forward`.
    """

    def __init__(
        self, in_channels: int, blocks: tuple[int, ...], growth: int, normalisation: Normalisation = "batch"
    ) -> None:
        super().__init__()
        channels = 2 * growth
        # A bias before a normalisation has no effect.
        self.conv0 = nn.Conv2d(in_channels, channels, 7, stride=2, padding=3, bias=normalisation == "none")
        self.norm0 = normalisation_layer(normalisation, channels, EPSILON)
        self.blocks = len(blocks)
        self.tap_features = [channels]
        for number, units in enumerate(blocks, start=1):
            block = nn.Sequential()
            for unit in range(1, units + 1):
                block.add_module(f"denselayer{unit}", DenseUnit(channels, growth, normalisation))
                channels += growth
            self.add_module(f"denseblock{number}", block)
            if number < len(blocks):
                self.add_module(f"transition{number}", Transition(channels))
                channels //= 2
                self.tap_features.append(channels)
        self.norm5 = nn.BatchNorm2d(channels, EPSILON)
        self.tap_features.append(channels)

    def forward(self, image: Tensor) -> list[Tensor]:
        """Return features at strides 2, 4, 8, 16, 32: the stem's, the transitions' before pooling, the last block's."""
        features = F.relu(self.norm0(self.conv0(image)))
        taps = [features]
        features = F.max_pool2d(features, 3, stride=2, padding=1)
        for number in range(1, self.blocks + 1):
            features = self.get_submodule(f"denseblock{number}")(features)
            if number < self.blocks:
                features = self.get_submodule(f"transition{number}")(features)
                taps.append(features)
                features = F.avg_pool2d(features, 2)
        taps.append(F.relu(self.norm5(features)))
        return taps


class DenseUnit(nn.Module):
    """The unit of a dense block: two convolutions, whose result is concatenated to their input.

    Args:
        in_channels: Channels of the input.
        growth: Channels that it adds.
        normalisation: After its first convolution.
    """

    def __init__(self, in_channels: int, growth: int, normalisation: Normalisation) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(in_channels, EPSILON)
        self.conv1 = nn.Conv2d(in_channels, 4 * growth, 1, bias=normalisation == "none")
        self.norm2 = normalisation_layer(normalisation, 4 * growth, EPSILON)
        self.conv2 = nn.Conv2d(4 * growth, growth, 3, padding=1, bias=False)

    def forward(self, features: Tensor) -> Tensor:
        """Map (N, in_channels, H, W) to (N, in_channels + growth, H, W)."""
        new = self.conv1(F.relu(self.norm1(features)))
        new = self.conv2(F.relu(self.norm2(new)))
        return torch.cat((features, new), dim=1)


class Transition(nn.Module):
    """Halves the channels between two dense blocks; its pooling comes after the pyramid's tap.

    Args:
        channels: Channels of the input.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels, EPSILON)
        self.conv = nn.Conv2d(channels, channels // 2, 1, bias=False)

    def forward(self, features: Tensor) -> Tensor:
        """Map (N, channels, H, W) to (N, channels / 2, H, W)."""
        result: Tensor = self.conv(F.relu(self.norm(features)))
        return result


def standardised(slices: Tensor) -> Tensor:
    """Standardise each slice to mean 0 and standard deviation 1 over all its pixels; a uniform slice becomes 0."""
    centred = slices - slices.mean(dim=(2, 3), keepdim=True)
    deviation = centred.square().mean(dim=(2, 3), keepdim=True).sqrt()
    return centred / (deviation + 1e-6)


def _convolution(in_channels: int, out_channels: int, normalisation: Normalisation) -> list[nn.Module]:
    convolution = nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=normalisation == "none")
    return [convolution, normalisation_layer(normalisation, out_channels, EPSILON), nn.ReLU(inplace=True)]


def _he_uniform(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_uniform_(module.weight, nonlinearity="relu")
        if module.bias is not None:
            nn.init.zeros_(module.bias)
