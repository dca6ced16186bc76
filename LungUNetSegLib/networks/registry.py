"""The architectures by name, as configurations, checkpoints and manifests name them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from LungUNetSegLib.config import from_json
from LungUNetSegLib.errors import ConfigError
from LungUNetSegLib.networks.unet import UNet, UNetConfig

_ARCHITECTURES = {"unet": (UNetConfig, UNet.from_config)}


def network_names() -> list[str]:
    """Names that `build_network` knows."""
    return sorted(_ARCHITECTURES)


def build_network(config: UNetConfig | Mapping[str, Any], name: str = "unet") -> nn.Module:
    """Build a network at random weights.

    Args:
        config: The architecture's configuration, or its JSON form.
        name: One of `network_names()`.

    Raises:
        ConfigError: An unknown name or setting.
    """
    if name not in _ARCHITECTURES:
        raise ConfigError(f"Unknown network {name!r}; known are {', '.join(network_names())}.")
    config_type, build = _ARCHITECTURES[name]
    return build(config if isinstance(config, config_type) else from_json(config_type, config, f"network {name!r}"))
