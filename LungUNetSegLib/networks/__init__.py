"""Segmentation networks in PyTorch, by name; each takes (N, C, H, W) of any size and gives logits.

A new one is a file here that holds its settings (a `NetworkConfig`) and its module, and a line in the table below:
training, checkpoints, export, engines and the shared tests (tests/networks) then know it by its name.
"""

from LungUNetSegLib.networks.architecture import (
    NetworkConfig,
    Probabilities,
    build_network,
    network_names,
    read_network_config,
    register,
    structure_logits,
)
from LungUNetSegLib.networks.dilated_unet import DilatedUNetConfig
from LungUNetSegLib.networks.original_unet import OriginalUNetConfig
from LungUNetSegLib.networks.unet import UNet, UNetConfig

for _config_type in (UNetConfig, OriginalUNetConfig, DilatedUNetConfig):
    register(_config_type)

__all__ = [
    "DilatedUNetConfig",
    "NetworkConfig",
    "OriginalUNetConfig",
    "Probabilities",
    "UNet",
    "UNetConfig",
    "build_network",
    "network_names",
    "read_network_config",
    "structure_logits",
]
