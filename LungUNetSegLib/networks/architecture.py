"""Defines what all networks share: named settings, a registry of names, and conversion to probabilities."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from LungUNetSegLib.config import check_at_least, from_json
from LungUNetSegLib.errors import ConfigError

Weights = dict[str, Tensor]
"""A network's parameters and buffers, by their names in it."""

_ARCHITECTURES: dict[str, type[NetworkConfig]] = {}


@dataclass(frozen=True, kw_only=True)
class NetworkConfig:
    """The settings of a network; each architecture adds its own.

    Training settings, checkpoints and manifests store it as JSON, in which `name` identifies the architecture.

    Attributes:
        name: The architecture's name.
        in_channels: Number of image channels.
        out_channels: Number of structures that the network segments.
    """

    classes: ClassVar[bool] = False
    """Whether a pixel belongs to at most one class: the network's first logit is then the background's (softmax).
    Otherwise each structure has its own logit (sigmoid)."""

    jumps: ClassVar[bool] = False
    """Whether a rounding difference may move a value by a pixel, as in max-unpooling: engines then differ at single
    pixels, however precisely they compute."""

    name: str
    in_channels: int = 1
    out_channels: int = 1

    def __post_init__(self) -> None:
        check_at_least(self, in_channels=1, out_channels=1)

    def build(self) -> nn.Module:
        """Return the network with random weights: (N, in_channels, H, W) to logits (N, k, H, W) for any H and W.

        k is `out_channels`, or one more if `classes` is true.
        """
        raise NotImplementedError

    @classmethod
    def upgrade(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Convert settings that an older version wrote to this version's form."""
        return values

    @classmethod
    def choose(cls, values: Mapping[str, Any], where: str) -> tuple[type[NetworkConfig], dict[str, Any]]:
        """Return the class of JSON settings, and the settings; called by `config.from_json`.

        Settings without a name belong to this class or, if any network is allowed, to the U-Net, as in old files.

        Raises:
            ConfigError: The name is unknown, or of another architecture than this class.
        """
        own_name = "unet" if cls is NetworkConfig else _name_of(cls)
        name = values.get("name", own_name)
        chosen = _ARCHITECTURES.get(name) if isinstance(name, str) else None
        if chosen is None or not issubclass(chosen, cls):
            known = ", ".join(network_names()) if cls is NetworkConfig else own_name
            raise ConfigError(f"{where}: unknown network {name!r}; known are {known}.")
        return chosen, chosen.upgrade(dict(values))


def register(config_type: type[NetworkConfig]) -> None:
    """Register an architecture by the name in its settings."""
    name = _name_of(config_type)
    assert name not in _ARCHITECTURES, f"two networks are called {name!r}"
    _ARCHITECTURES[name] = config_type


def network_names() -> list[str]:
    """Return the names of the registered architectures."""
    return sorted(_ARCHITECTURES)


def read_network_config(values: NetworkConfig | Mapping[str, Any]) -> NetworkConfig:
    """Return the settings in JSON; settings objects are returned unchanged.

    Raises:
        ConfigError: An unknown name or setting, or a value that it cannot take.
    """
    return values if isinstance(values, NetworkConfig) else from_json(NetworkConfig, values, "network")


def build_network(config: NetworkConfig | Mapping[str, Any]) -> nn.Module:
    """Build a network with random weights.

    Args:
        config: The architecture's settings, or their JSON form.

    Raises:
        ConfigError: An unknown name or setting, or a value that it cannot take.
    """
    return read_network_config(config).build()


def structure_logits(logits: Tensor, config: NetworkConfig) -> Tensor:
    """Return (N, out_channels, H, W) logits of each structure against all others.

    Args:
        logits: The network's output.
        config: The network's settings.

    Returns:
        Logits whose sigmoid is each structure's probability: for a softmax over classes, the logit of a class less
        the logarithm of the sum of the others' exponentials.
    """
    if not config.classes:
        return logits
    each = [
        logits[:, index] - torch.cat((logits[:, :index], logits[:, index + 1 :]), dim=1).logsumexp(dim=1)
        for index in range(1, logits.shape[1])
    ]
    return torch.stack(each, dim=1)


class Probabilities(nn.Module):
    """A network followed by sigmoid or softmax, as in its loss, so that it gives probabilities.

    Args:
        network: From `build_network`.
        config: Its settings, or their JSON form.
    """

    def __init__(self, network: nn.Module, config: NetworkConfig | Mapping[str, Any]) -> None:
        super().__init__()
        self.network = network
        self.classes = read_network_config(config).classes

    def forward(self, slices: Tensor) -> Tensor:
        """Map (N, in_channels, H, W) to (N, out_channels, H, W) probabilities."""
        logits: Tensor = self.network(slices)
        return logits.softmax(dim=1)[:, 1:] if self.classes else logits.sigmoid()


def _name_of(config_type: type[NetworkConfig]) -> str:
    name = config_type.__dataclass_fields__["name"].default
    assert isinstance(name, str), f"{config_type.__name__} has no name"
    return name
