"""The U-Net as first published (Ronneberger 2015, doi:10.1007/978-3-319-24574-4_28), for slices of any size.

Layout, sizes, number of weights and the order of the concatenation are verified against the authors' release of
2015-10-02, as are the place and the probability of its dropout and the distribution of its initial weights. Two things
of that release that the paper's figure does not have are left out: a ReLU after each up-convolution, and a last
up-convolution that keeps its channels. That beyond the border the image goes on mirrored is verified; that the border's
own pixels are not repeated there is the choice of a public re-implementation.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from LungUNetSegLib.config import check_at_least
from LungUNetSegLib.errors import ConfigError
from LungUNetSegLib.networks.architecture import NetworkConfig

LEVELS = 5
STEP: int = 2 ** (LEVELS - 1)
"""Image pixels per pixel of the coarsest level, along each axis."""

LOST = 184
"""Difference between a tile's input and output size: 92 pixels on each side, due to convolutions without padding."""

SMALLEST_OUTPUT = 4
"""Smallest output of a tile; the output is 16 k + 4 pixels wide, from an input of 16 k + 188."""


@dataclass(frozen=True, kw_only=True)
class OriginalUNetConfig(NetworkConfig):
    """The settings of a U-Net of 2015.

    Attributes:
        first_features: Channels of the finest level, doubled from level to level; 64 in the paper. The cost grows with
            its square: with 16 it trains on two cores.
        largest_tile: Side of the largest output tile in pixels; 388 in the paper. Larger slices are cut into tiles.
    """

    classes: ClassVar[bool] = True

    name: Literal["unet_2015"] = "unet_2015"
    first_features: int = 64
    largest_tile: int = 388

    def __post_init__(self) -> None:
        super().__post_init__()
        check_at_least(self, first_features=1)
        if self.largest_tile < STEP + SMALLEST_OUTPUT or (self.largest_tile - SMALLEST_OUTPUT) % STEP:
            raise ConfigError(
                f"largest_tile must be {STEP} k + {SMALLEST_OUTPUT} with k at least 1 (388 in the paper), got "
                f"{self.largest_tile}: on other sizes a pooling drops a row."
            )

    def build(self) -> OriginalUNet:
        """Return the network at random weights."""
        return OriginalUNet(self)


class OriginalUNet(nn.Module):
    """A U-Net of valid convolutions that processes a slice tile by tile, and gives logits of classes.

    Tiles begin at multiples of 16 pixels, so that pooling is aligned and the result is that of one large tile. The
    paper's own step of 388 is not such a multiple, so its tiles differ slightly from one large one.

    Args:
        config: Its settings.
    """

    def __init__(self, config: OriginalUNetConfig) -> None:
        super().__init__()
        self.largest_tile = config.largest_tile
        features = [config.first_features * 2**level for level in range(LEVELS)]
        self.encoder = nn.ModuleList()
        channels = config.in_channels
        for level, width in enumerate(features):
            # Dropout at the end of the contracting path, and in the skip connection of the level before.
            self.encoder.append(_two_convolutions(channels, width, dropout=0.5 if level >= LEVELS - 2 else 0.0))
            channels = width
        self.pool = nn.MaxPool2d(2)
        self.upsample, self.decoder = nn.ModuleList(), nn.ModuleList()
        for width in reversed(features[:-1]):
            self.upsample.append(nn.ConvTranspose2d(2 * width, width, 2, stride=2))
            self.decoder.append(_two_convolutions(2 * width, width))
        self.head = nn.Conv2d(features[0], config.out_channels + 1, 1)
        self.apply(_initialise)

    def forward(self, image: Tensor) -> Tensor:
        """Map (N, in_channels, H, W) of any size to logits of the background and of each structure, of that size."""
        height, width = image.shape[-2:]
        rows = [
            torch.cat([self._tile(image, row, column) for column in self._spans(width)], dim=3)
            for row in self._spans(height)
        ]
        return torch.cat(rows, dim=2)

    def valid(self, tile: Tensor) -> Tensor:
        """Map a tile with sides of 16 k + 188 pixels to an output that is 184 pixels smaller along each axis.

        Raises:
            ConfigError: A side of another size.
        """
        sides = tile.shape[-2:]
        if any(side < SMALLEST_OUTPUT + LOST or (side - SMALLEST_OUTPUT - LOST) % STEP for side in sides):
            raise ConfigError(f"The U-Net of 2015 takes tiles of {STEP} k + 188 pixels a side, got {tuple(sides)}.")
        features, skips = tile, []
        for block in self.encoder[:-1]:
            features = block(features)
            skips.append(features)
            features = self.pool(features)
        features = self.encoder[-1](features)
        for upsample, block, skip in zip(self.upsample, self.decoder, reversed(skips), strict=True):
            features = upsample(features)
            features = block(torch.cat((features, _cropped(skip, features)), dim=1))
        logits: Tensor = self.head(features)
        return logits

    def _spans(self, size: int) -> list[range]:
        """Return the span of pixels along one axis for each tile."""
        limit = self.largest_tile
        step = size if size <= limit else limit - SMALLEST_OUTPUT
        return [range(start, min(start + step, size)) for start in range(0, size, step)]

    def _tile(self, image: Tensor, rows: range, columns: range) -> Tensor:
        for axis, span in ((2, rows), (3, columns)):
            image = image.index_select(axis, _mirrored(span, image.shape[axis], image.device))
        return self.valid(image)[..., : len(rows), : len(columns)]


def output_size(wanted: int) -> int:
    """Return the smallest side of a tile's output that covers `wanted` pixels."""
    return STEP * math.ceil(max(0, wanted - SMALLEST_OUTPUT) / STEP) + SMALLEST_OUTPUT


def _mirrored(span: range, size: int, device: torch.device) -> Tensor:
    """Return the image's pixel numbers in the input tile for `span`, along one axis; mirrored beyond the border."""
    start = span.start - LOST // 2
    numbers = torch.arange(start, start + output_size(len(span)) + LOST)
    period = max(1, 2 * (size - 1))
    numbers = numbers.remainder(period)
    return torch.minimum(numbers, period - numbers).clamp(max=size - 1).to(device)


def _cropped(skip: Tensor, like: Tensor) -> Tensor:
    """Return the centre of a skip connection, cropped to the size of `like`."""
    top, left = ((skip.shape[axis] - like.shape[axis]) // 2 for axis in (2, 3))
    return skip[:, :, top : top + like.shape[2], left : left + like.shape[3]]


def _two_convolutions(in_channels: int, out_channels: int, dropout: float = 0.0) -> nn.Sequential:
    layers: list[nn.Module] = []
    for channels in (in_channels, out_channels):
        layers += [nn.Conv2d(channels, out_channels, 3), nn.ReLU(inplace=True)]
    if dropout:
        layers.append(nn.Dropout(dropout))
    return nn.Sequential(*layers)


def _initialise(module: nn.Module) -> None:
    """Draw weights with a variance of 2 / fan in; biases are 0."""
    if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
        # For an up-convolution, as in the release, the weights of one input channel.
        fan_in = module.weight[0].numel()
        nn.init.normal_(module.weight, std=math.sqrt(2 / fan_in))
        assert module.bias is not None
        nn.init.zeros_(module.bias)
