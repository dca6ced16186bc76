"""Segmentation networks in PyTorch, by name; each maps (N, C, H, W) of any size to logits.

A new one is a file here that holds its settings (a `NetworkConfig`) and its module, and a line in the table below:
training, checkpoints, export, engines and the shared tests (tests/networks) then find it by its name.
"""

from LungUNetSegLib.networks.architecture import (
    NetworkConfig,
    Probabilities,
    Weights,
    build_network,
    network_names,
    read_network_config,
    register,
    structure_logits,
)
from LungUNetSegLib.networks.densenet_fpn import DenseNetFpnConfig
from LungUNetSegLib.networks.dilated_unet import DilatedUNetConfig
from LungUNetSegLib.networks.encoders import EncoderConfig, load_encoder
from LungUNetSegLib.networks.original_unet import OriginalUNetConfig
from LungUNetSegLib.networks.unet import UNet, UNetConfig
from LungUNetSegLib.networks.unet3d import UNet3d, UNet3dConfig, build_coarse_network
from LungUNetSegLib.networks.vgg_segnet import VggSegNetConfig

for _config_type in (UNetConfig, OriginalUNetConfig, DilatedUNetConfig, DenseNetFpnConfig, VggSegNetConfig):
    register(_config_type)

__all__ = [
    "DenseNetFpnConfig",
    "DilatedUNetConfig",
    "EncoderConfig",
    "NetworkConfig",
    "OriginalUNetConfig",
    "Probabilities",
    "UNet",
    "UNet3d",
    "UNet3dConfig",
    "UNetConfig",
    "VggSegNetConfig",
    "Weights",
    "build_coarse_network",
    "build_network",
    "load_encoder",
    "network_names",
    "read_network_config",
    "structure_logits",
]
