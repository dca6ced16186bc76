"""A SegNet with the convolutions of VGG19 as its encoder (Khan 2021, doi:10.3390/diagnostics11122208).

Verified from the paper's abstract: VGG19 made into a VGG-SegNet, which cuts nodules out of 2D CT slices. Remembered:
slices of 224 x 224, the grey values three times, an encoder learnt from ImageNet. The rest is reconstructed after
SegNet (Badrinarayanan 2017, doi:10.1109/TPAMI.2016.2644615): a mirrored decoder that gets nothing from the encoder but
the places of the maxima, batch normalisation after every convolution, and classes balanced by median frequency.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from LungUNetSegLib.config import check_at_least
from LungUNetSegLib.errors import ConfigError
from LungUNetSegLib.networks.blocks import Normalisation, normalisation_layer
from LungUNetSegLib.networks.encoders import EncoderConfig

DEPTHS = (2, 2, 4, 4, 4)
"""Convolutions at each of VGG19's resolutions."""

WIDTHS = (1, 2, 4, 8, 8)
"""Their channels, as multiples of those of the first."""

Places = tuple[Tensor, Tensor, Tensor, Tensor]


@dataclass(frozen=True, kw_only=True)
class VggSegNetConfig(EncoderConfig):
    """The settings of a VGG-SegNet.

    Attributes:
        in_channels: 3, or 1 that is repeated three times.
        first_features: Channels of the first convolutions; 64 in VGG19. The cost grows with its square.
        normalisation: After every convolution; "none" once it is folded into them.
    """

    classes: ClassVar[bool] = True
    jumps: ClassVar[bool] = True

    name: Literal["vgg_segnet"] = "vgg_segnet"
    first_features: int = 64
    normalisation: Normalisation = "batch"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_at_least(self, first_features=1)
        if self.in_channels not in (1, 3):
            raise ConfigError(f"in_channels must be 3, or 1 that is repeated, got {self.in_channels}.")

    def build(self) -> VggSegNet:
        """Return the network with random weights."""
        return VggSegNet(self)


class VggSegNet(nn.Module):
    """An encoder and its mirror image, connected only by the positions of the maxima; it gives logits of classes.

    Args:
        config: Its settings.
    """

    def __init__(self, config: VggSegNetConfig) -> None:
        super().__init__()
        widths = [config.first_features * times for times in WIDTHS]
        self.encoder, self.decoder = nn.ModuleList(), nn.ModuleList()
        channels = 3
        for width, depth in zip(widths, DEPTHS, strict=True):
            self.encoder.append(_convolutions([channels] + [width] * depth, config.normalisation))
            channels = width
        narrower = [config.out_channels + 1, *widths[:-1]]
        for level in reversed(range(len(DEPTHS))):
            channels_of = [widths[level]] * DEPTHS[level] + [narrower[level]]
            block = _convolutions(channels_of, config.normalisation)
            self.decoder.append(block if level else block[:-1])  # a last ReLU would remove logits below 0

    def forward(self, image: Tensor) -> Tensor:
        """Map (N, in_channels, H, W) to logits of the background and of each structure, (N, out_channels + 1, H, W)."""
        height, width = image.shape[-2:]
        multiple = 2 ** len(DEPTHS)
        padding = (0, -width % multiple, 0, -height % multiple)
        if any(padding):
            image = F.pad(image, padding, mode="replicate")
        features = image.expand(-1, 3, -1, -1)
        places = []
        for block in self.encoder:
            features, where = pool_with_places(block(features))
            places.append(where)
        for block, where in zip(self.decoder, reversed(places), strict=True):
            features = block(unpool(features, where))
        return features[..., :height, :width]

    def encoder_state(self, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return torchvision's `features.N.*` of VGG19, with or without batch normalisation, by our names."""
        numbered: dict[int, dict[str, Tensor]] = {}
        for key, value in weights.items():
            if (match := re.fullmatch(r"features\.(\d+)\.(\w+)", key)) and match[2] != "num_batches_tracked":
                numbered.setdefault(int(match[1]), {})[match[2]] = value
        layers = [numbered[number] for number in sorted(numbered)]
        norms = iter([each for each in layers if "running_mean" in each])
        convolutions = iter([each for each in layers if "running_mean" not in each])
        state: dict[str, Tensor] = {}
        for level, depth in enumerate(DEPTHS):
            for index in range(depth):
                for place, layer in ((3 * index, next(convolutions, {})), (3 * index + 1, next(norms, {}))):
                    state |= {f"encoder.{level}.{place}.{key}": value for key, value in layer.items()}
        return state


def pool_with_places(features: Tensor) -> tuple[Tensor, Places]:
    """Return the maxima of 2x2 pixels, and for each of the four pixels whether it is the (first) maximum.

    The masks replace the indices of PyTorch's max-pooling, so that no index or scatter operation is needed: OpenVINO
    computes those twenty times more slowly, and PyTorch refuses them if algorithms must be deterministic.

    Args:
        features: (N, C, H, W) with even sides.

    Returns:
        (N, C, H / 2, W / 2) maxima, and four masks of that shape: upper left, upper right, lower left, lower right.
    """
    pooled = F.max_pool2d(features, 2)
    first, second, third = (features[:, :, row::2, column::2] == pooled for row, column in ((0, 0), (0, 1), (1, 0)))
    second = second & ~first
    third = third & ~first & ~second
    return pooled, (first, second, third, ~(first | second | third))


def unpool(features: Tensor, places: Places) -> Tensor:
    """Put (N, C, H, W) values at the positions of the maxima, 0 elsewhere; return (N, C, 2 H, 2 W)."""
    count, channels, height, width = features.shape
    spread = torch.stack([features * each for each in places], dim=2)
    return F.pixel_shuffle(spread.reshape(count, 4 * channels, height, width), 2)


def _convolutions(channels: list[int], normalisation: Normalisation) -> nn.Sequential:
    """Return 3x3 convolutions with a bias, as in VGG, each with normalisation and ReLU."""
    layers: list[nn.Module] = []
    for given, made in pairwise(channels):
        layers += [nn.Conv2d(given, made, 3, padding=1), normalisation_layer(normalisation, made), nn.ReLU()]
    return nn.Sequential(*layers)
