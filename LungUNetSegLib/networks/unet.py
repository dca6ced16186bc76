"""The U-Net (Ronneberger 2015, doi:10.1007/978-3-319-24574-4_28), by default as in the paper's section 2.4.1."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Literal

import torch.nn.functional as F
from torch import Tensor, nn

from LungUNetSegLib.config import check_at_least
from LungUNetSegLib.errors import ConfigError
from LungUNetSegLib.networks.architecture import NetworkConfig
from LungUNetSegLib.networks.blocks import ConvBlock, Downsample, Normalisation, UpBlock


@dataclass(frozen=True, kw_only=True)
class UNetSettings(NetworkConfig):
    """The settings of a U-Net, except its middle.

    Attributes:
        features_per_stage: Channels from the finest stage to the middle.
        normalisation: After each 3x3 convolution.
        dropout: Probability with which a channel is dropped after each pooling.
        stem_stride: Side of the pixel blocks that become channels before the first stage and pixels again after
            the last (Shi 2016, doi:10.1109/CVPR.2016.207); 1 leaves pixels as they are, 2 costs a fourth.
    """

    features_per_stage: tuple[int, ...] = (16, 32, 64, 128)
    normalisation: Normalisation = "batch"
    dropout: float = 0.1
    stem_stride: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        check_at_least(self, stem_stride=1)
        if not self.features_per_stage or min(self.features_per_stage) < 1:
            raise ConfigError(f"features_per_stage needs positive numbers, got {self.features_per_stage}.")
        if not 0 <= self.dropout < 1:
            raise ConfigError(f"dropout must lie in [0, 1), got {self.dropout}.")

    @property
    def unet_arguments(self) -> dict[str, Any]:
        """Return the arguments of `UNet`."""
        return {each.name: getattr(self, each.name) for each in fields(UNetSettings) if each.name != "name"}


@dataclass(frozen=True, kw_only=True)
class UNetConfig(UNetSettings):
    """The settings of a U-Net, which are those of `UNetSettings`."""

    name: Literal["unet"] = "unet"

    def build(self) -> UNet:
        """Return the network with random weights."""
        return UNet(**self.unet_arguments)

    @classmethod
    def upgrade(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Remove the dilation of 1 that older versions wrote.

        Raises:
            ConfigError: Another dilation, which left pixels unseen and is no longer supported.
        """
        dilation = values.pop("middle_dilation", 1)
        if dilation != 1:
            raise ConfigError(
                f"middle_dilation={dilation} is no longer built: a repeated rate leaves a grid of pixels unseen. "
                'Train the network "dilated_unet" instead.'
            )
        return values


class UNet(nn.Module):
    """A 2D U-Net that takes any image size.

    Args:
        in_channels: Image channels.
        out_channels: Structures, one logit channel each.
        features_per_stage: See UNetSettings, as the rest.
        normalisation: After each 3x3 convolution.
        dropout: Probability with which a channel is dropped after each pooling.
        stem_stride: Side of the pixel blocks that become channels.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        features_per_stage: tuple[int, ...] = (16, 32, 64, 128),
        normalisation: Normalisation = "batch",
        dropout: float = 0.1,
        stem_stride: int = 1,
    ) -> None:
        super().__init__()
        *stages, middle = features_per_stage
        block_pixels = stem_stride**2
        channels = in_channels * block_pixels
        self.stem_stride = stem_stride
        self.encoder = nn.ModuleList()
        self.downsample = Downsample(dropout)
        for features in stages:
            self.encoder.append(ConvBlock(channels, features, normalisation))
            channels = features
        self.middle: nn.Module = ConvBlock(channels, middle, normalisation)
        channels = middle
        self.decoder = nn.ModuleList()
        for features in reversed(stages):
            self.decoder.append(UpBlock(channels, features, normalisation))
            channels = features
        self.head = nn.Conv2d(channels, out_channels * block_pixels, 1)

    @property
    def size_multiple(self) -> int:
        """Images are padded to a multiple of this."""
        return int(self.stem_stride * 2 ** len(self.encoder))

    def forward(self, image: Tensor) -> Tensor:
        """Map (N, in_channels, H, W) to logits (N, out_channels, H, W), H and W at least 1."""
        height, width = image.shape[-2:]
        multiple = self.size_multiple
        padding = (0, -width % multiple, 0, -height % multiple)
        if any(padding):
            image = F.pad(image, padding, mode="replicate")
        features = F.pixel_unshuffle(image, self.stem_stride)
        skips = []
        for block in self.encoder:
            features = block(features)
            skips.append(features)
            features = self.downsample(features)
        features = self.middle(features)
        for block, skip in zip(self.decoder, reversed(skips), strict=True):
            features = block(features, skip)
        logits = F.pixel_shuffle(self.head(features), self.stem_stride)
        return logits[..., :height, :width]
