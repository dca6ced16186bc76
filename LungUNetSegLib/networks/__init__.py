"""Segmentation networks in PyTorch; each takes (N, C, H, W) and gives logits (N, out_channels, H, W)."""

from LungUNetSegLib.networks.registry import build_network, network_names
from LungUNetSegLib.networks.unet import UNet, UNetConfig

__all__ = ["UNet", "UNetConfig", "build_network", "network_names"]
