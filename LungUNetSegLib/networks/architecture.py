"""What every network has in common: named settings, a registry of those names, and the way to probabilities."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from LungUNetSegLib.config import from_json
from LungUNetSegLib.errors import ConfigError

_ARCHITECTURES: dict[str, type[NetworkConfig]] = {}


@dataclass(frozen=True, kw_only=True)
class NetworkConfig:
    """Everything that decides a network's weights; each architecture adds its own settings.

    Training settings, checkpoints and manifests keep it as JSON, where `name` says which architecture it is of.

    Attributes:
        name: The architecture's name.
        in_channels: Image channels.
        out_channels: Structures that the network finds.
    """

    classes: ClassVar[bool] = False
    """Whether a pixel belongs to one class at most: the network then gives the background's logit first (softmax).
    Otherwise each structure has a logit of its own (sigmoid)."""

    jumps: ClassVar[bool] = False
    """Whether a last bit that is rounded otherwise may move a value by a pixel, as it does in max-unpooling: engines
    then differ at single pixels, however exactly they compute."""

    name: str
    in_channels: int = 1
    out_channels: int = 1

    def __post_init__(self) -> None:
        self.check_at_least_1("in_channels", "out_channels")

    def build(self) -> nn.Module:
        """Return the network at random weights: (N, in_channels, H, W) to logits (N, k, H, W) for any H and W.

        k is `out_channels`, or one more where `classes` holds.
        """
        raise NotImplementedError

    def check_at_least_1(self, *names: str) -> None:
        """Refuse numbers below 1 of the settings that are named."""
        for name in names:
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} must be at least 1, got {getattr(self, name)}.")

    @classmethod
    def upgrade(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Return this version's form of the settings that an older version wrote."""
        return values

    @classmethod
    def choose(cls, values: Mapping[str, Any], where: str) -> tuple[type[NetworkConfig], dict[str, Any]]:
        """Return the class that JSON settings are for, and the settings; `config.from_json` asks for it.

        Settings without a name are of this class or, where any network will do, of the U-Net, the only one at first.

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
    """Make an architecture known by the name in its settings."""
    name = _name_of(config_type)
    assert name not in _ARCHITECTURES, f"two networks are called {name!r}"
    _ARCHITECTURES[name] = config_type


def network_names() -> list[str]:
    """Names of the architectures that are registered."""
    return sorted(_ARCHITECTURES)


def read_network_config(values: NetworkConfig | Mapping[str, Any], where: str = "network") -> NetworkConfig:
    """Return the settings that JSON holds; settings themselves are returned as they are.

    Raises:
        ConfigError: An unknown name or setting, or a value that it cannot take.
    """
    return values if isinstance(values, NetworkConfig) else from_json(NetworkConfig, values, where)


def build_network(config: NetworkConfig | Mapping[str, Any]) -> nn.Module:
    """Build a network at random weights.

    Args:
        config: The architecture's settings, or their JSON form.

    Raises:
        ConfigError: An unknown name or setting, or a value that it cannot take.
    """
    return read_network_config(config).build()


def structure_logits(logits: Tensor, config: NetworkConfig) -> Tensor:
    """Return (N, out_channels, H, W) logits of each structure against everything else.

    Args:
        logits: What the network gives.
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
    """A network with what turns its logits into probabilities: sigmoid or softmax, as in its loss.

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
